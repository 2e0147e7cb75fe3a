// The outside: starts a sandbox, prints what its supervisor says, ends when it ends.

import Arena
import EventLoop
import Glibc

enum Word: Codable {
  case line(String)
  case big([UInt8])
  case stop
}

enum Harness {
  static func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
  }

  /// `run SCENARIO …`: prints the supervisor's lines and `end REASON`.
  static func run(_ arguments: [String]) -> Int32 {
    do {
      let sandbox = try Sandbox(
        arguments: ["inside"] + arguments, environment: SpawnRequest.inheritedEnvironment)
      say("pid \(sandbox.supervisor.pid)")
      let loop = try Loop()
      let channel = try ControlChannel<Word, Word>(loop: loop, descriptor: sandbox.controlDescriptor)
      channel.onMessage = { word in
        switch word {
        case .line(let text): say(text)
        case .big(let bytes): channel.send(.big(bytes.reversed()))
        case .stop: channel.send(.stop)
        }
      }
      channel.onEnd = { end in
        say("end \(end)")
        loop.stop()
      }
      loop.run()
      let status = sandbox.supervisor.wait(milliseconds: 500) ?? sandbox.kill()
      say("status \(status.map(\.description) ?? "none")")
      return 0
    } catch {
      say("error \(error)")
      return 5
    }
  }
}
