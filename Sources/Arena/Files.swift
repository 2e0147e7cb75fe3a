// The few file calls the arena needs, without Foundation: whole small files, directories, links.

import Glibc

func readLink(_ path: String) throws(ArenaError) -> String {
  var buffer = [CChar](repeating: 0, count: 4096)
  let count = readlink(path, &buffer, buffer.count)
  if count < 0 { throw ArenaError("read the link \(path)", code: errno) }
  return String(decoding: buffer[0..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A whole file, for `/proc` and the like: up to 1 MiB.
func readFile(_ path: String) throws(ArenaError) -> [UInt8] {
  let fd = open(path, O_RDONLY | O_CLOEXEC)
  if fd < 0 { throw ArenaError("open \(path)", code: errno) }
  defer { close(fd) }
  var bytes: [UInt8] = []
  while bytes.count < 1 << 20 {
    let count = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: 4096))
    let n = bytes.withUnsafeMutableBytes { read(fd, $0.baseAddress.map { $0 + count }, 4096) }
    let code = errno
    bytes.removeLast(4096 - max(0, n))
    if n == 0 { break }
    if n < 0 && code != EINTR { throw ArenaError("read \(path)", code: code) }
  }
  return bytes
}

func readText(_ path: String) throws(ArenaError) -> String { String(decoding: try readFile(path), as: UTF8.self) }

func writeFile(_ path: String, _ text: String, mode: mode_t = 0o644) throws(ArenaError) {
  let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
  if fd < 0 { throw ArenaError("create \(path)", code: errno) }
  defer { close(fd) }
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let n = rest.withUnsafeBytes { write(fd, $0.baseAddress, $0.count) }
    if n < 0 && errno != EINTR { throw ArenaError("write \(path)", code: errno) }
    rest = rest.dropFirst(max(0, n))
  }
}

/// Creates a directory; that it exists already is well.
func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(ArenaError) {
  if mkdir(path, mode) != 0 && errno != EEXIST { throw ArenaError("create directory \(path)", code: errno) }
}

func isDirectory(_ path: String) -> Bool {
  var info = stat()
  return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
}

/// The pids in /proc, ascending.
func processIdentifiers() -> [pid_t] {
  guard let directory = opendir("/proc") else { return [] }
  defer { closedir(directory) }
  var pids: [pid_t] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if let pid = pid_t(name) { pids.append(pid) }
  }
  return pids.sorted()
}
