// The AMQP tutorial's programs, by a client of others (pika), against the node as a process: what comes, what stays.

import Foundation
import Testing

/// A node of one, on a port of its own, with a data directory that outlives its processes.
private final class TutorialNode {
  let port: UInt16
  let data: String
  private var command: Command?

  init() throws {
    port = try freePort()
    data = try scratch()
    try start()
  }

  func start() throws {
    let command = try Command(
      ["--data", data + "/node", "--listen", "127.0.0.1:\(port)"], program: "stormproof-node")
    self.command = command
    try #require(command.waits(for: " ready"), "the node did not start: \(command.text("err"))")
  }

  func kill(_ signal: Int32) throws -> Ended {
    let command = try #require(command)
    Glibc.kill(command.process.processIdentifier, signal)
    // A node that does not end is a finding, not a test that hangs.
    for _ in 0..<1000 where command.process.isRunning { usleep(10_000) }
    if command.process.isRunning {
      Issue.record("signal \(signal) did not end the node: \(command.text("err"))")
      Glibc.kill(command.process.processIdentifier, SIGKILL)
    }
    return command.end()
  }

  /// Runs one of the Python programs to its end; its lines.
  func python(_ program: String, _ arguments: String..., within seconds: Int = 60) throws -> [String] {
    let command = try Command(
      [
        "\(seconds)", Built.root + "/.venv/bin/python", "\(Built.root)/Tests/IntegrationTests/tutorial/\(program).py",
        "\(port)",
      ]
        + arguments, program: "/usr/bin/timeout")
    let ended = command.end()
    try #require(ended.status == 0, "\(program): \(ended.status)\n\(ended.output)\(ended.errors)")
    return ended.output.split(separator: "\n").map(String.init)
  }

  deinit { if let command, command.process.isRunning { Glibc.kill(command.process.processIdentifier, SIGKILL) } }
}

/// A port that the kernel holds free at this moment.
private func freePort() throws -> UInt16 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let code = withUnsafeMutablePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
    }
  }
  try #require(code == 0)
  return UInt16(bigEndian: name.sin_port)
}

@Suite(.enabled(if: Built.available)) struct TutorialTests {
  @Test(arguments: ["classic", "quorum"]) func workQueueSurvivesKills(_ kind: String) throws {
    let node = try TutorialNode()
    #expect(try node.python("new_task", "0", "40", kind) == ["sent 40"])
    #expect(try node.kill(SIGKILL).status == 128 + SIGKILL)
    try node.start()
    let first = try node.python("worker", "15", kind)
    // A broker that was killed cannot know what it had handed out: what it kept may be flagged, and counts as one.
    #expect(first.dropLast().map(Self.unflagged) == (0..<15).map { "task \($0)" })
    #expect(["left 24", "left 25"].contains(first.last))
    // These are confirmed, and so what was acknowledged before is durable too.
    #expect(try node.python("new_task", "40", "10", kind) == ["sent 10"])
    #expect(try node.kill(SIGKILL).status == 128 + SIGKILL)
    try node.start()
    let second = try node.python("worker", "35", kind)
    #expect(
      second.map(Self.unflagged) == (15..<50).map { "task \($0)" } + ["left 0"])
    #expect(try node.kill(SIGTERM).status == 0)
    try node.start()
    #expect(try node.python("new_task", "50", "1", kind) == ["sent 1"])
    #expect(try node.python("worker", "1", kind) == ["task 50", "left 0"])
  }

  private static func unflagged(_ line: String) -> String { line.replacingOccurrences(of: "again ", with: "") }

  @Test func aTourOfTheProtocol() throws {
    let node = try TutorialNode()
    let steps = try node.python("tour")
    #expect(
      steps == ["topics", "exchanges", "get_nack", "consume", "transaction", "quorum", "large", "refusals", "done"])
    let ended = try node.kill(SIGTERM)
    #expect(ended.status == 0, "\(ended.errors)")
  }

  @Test func aDirectoryHasOneNode() throws {
    let node = try TutorialNode()
    let second = try Command(
      ["--data", node.data + "/node", "--listen", "127.0.0.1:\(try freePort())"], program: "stormproof-node"
    ).end()
    #expect(second.status == 5)
    #expect(second.errors.contains("another node uses"))
  }

  @Test func mistakesOfArguments() throws {
    for arguments in [
      [], ["--data"], ["--data", "x", "--listen", "5672"], ["--data", "x", "--peers", "n2=127.0.0.1:1"],
      ["--data", "x", "--defect", "none"], ["--colour", "red"],
    ] {
      let ended = try Command(arguments, program: "stormproof-node").end()
      #expect(ended.status == 2)
      #expect(ended.errors.split(separator: "\n").count == 1 && ended.errors.hasPrefix("stormproof-node: "))
      #expect(ended.output.isEmpty)
    }
    #expect(try Command(["--help"], program: "stormproof-node").end().output.contains("--data"))
  }

  /// A log that is damaged where it had been synced is refused, with file and byte.
  @Test func damageIsRefused() throws {
    let node = try TutorialNode()
    #expect(try node.python("new_task", "0", "20") == ["sent 20"])
    _ = try node.kill(SIGKILL)
    let segment = node.data + "/node/000001.wal"
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: segment))
    try file.seek(toOffset: 60)
    try file.write(contentsOf: Data([0xff, 0xff, 0xff]))
    try file.close()
    let ended = try Command(
      ["--data", node.data + "/node", "--listen", "127.0.0.1:\(node.port)"], program: "stormproof-node"
    ).end()
    #expect(ended.status == 1)
    #expect(ended.errors.contains("000001.wal is damaged at byte"), "\(ended.errors)")
  }
}
