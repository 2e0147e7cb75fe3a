// What a node of the tests runs: a word to the service manager, and a TCP server and client that count bytes.

import Glibc

enum Tools {
  static let port: UInt16 = 5000

  static func notify(_ text: String) -> Int32 {
    guard let path = getenv("NOTIFY_SOCKET") else { return 3 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(String(cString: path).utf8)) }
    let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    let bytes = Array(text.utf8)
    let sent = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(fd, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return sent == bytes.count ? 0 : 4
  }

  private static func endpoint(_ address: String) -> sockaddr_in {
    var a = sockaddr_in()
    a.sin_family = sa_family_t(AF_INET)
    a.sin_port = port.bigEndian
    inet_pton(AF_INET, address, &a.sin_addr)
    return a
  }

  /// To each connection as many zero bytes as its eight bytes ask for.
  static func serve() -> Int32 {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var a = endpoint("0.0.0.0")
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafePointer(to: &a) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
    }
    guard bound == 0, listen(listener, 8) == 0 else { return 4 }
    let zeros = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let connection = accept(listener, nil, nil)
      var wanted = 0
      guard connection >= 0, read(connection, &wanted, 8) == 8 else { continue }
      while wanted > 0 {
        let n = send(connection, zeros, min(wanted, zeros.count), Int32(MSG_NOSIGNAL))
        if n <= 0 { break }
        wanted -= n
      }
      close(connection)
    }
  }

  /// Exits 0 when all bytes came; says the rate on standard output.
  static func fetch(from address: String, bytes: Int) -> Int32 {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var a = endpoint(address)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    var tries = 0
    while withUnsafePointer(
      to: &a, { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(connection, $0, size) } }) != 0
    {
      tries += 1
      if tries > 100 { return 5 }
      usleep(20_000)
    }
    var begin = timespec()
    clock_gettime(CLOCK_MONOTONIC, &begin)
    var (wanted, got) = (bytes, 0)
    guard write(connection, &wanted, 8) == 8 else { return 6 }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let n = read(connection, &buffer, buffer.count)
      if n <= 0 { break }
      got += n
    }
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &end)
    let seconds = Double(end.tv_sec - begin.tv_sec) + Double(end.tv_nsec - begin.tv_nsec) / 1e9
    Harness.say("fetched \(got) bytes, \(Int(Double(got) * 8 / seconds / 1e6)) Mbit/s")
    return got == bytes ? 0 : 7
  }
}
