// A child with a control channel, and questions to a node that no cut can hide.

import Arena
import EventLoop
import Glibc

/// The child: sends long messages back, and ends with 9 and last words when told to stop.
enum Companion {
  static func run() -> Int32 {
    do {
      let loop = try Loop()
      let channel = try ControlChannel<Word, Word>(loop: loop, descriptor: ControlSocket.number)
      channel.onMessage = { word in
        switch word {
        case .big(let bytes): channel.send(.big(bytes.reversed()))
        case .line: break
        case .stop:
          for _ in 0..<20 { channel.send(.big([UInt8](repeating: 1, count: 50_000))) }
          channel.send(.line("goodbye"))
          channel.finish()
          exit(9)
        }
      }
      channel.onEnd = { _ in exit(8) }
      loop.run()
      return 0
    } catch {
      Supervisor.writeError("\(error)")
      return 5
    }
  }
}

extension Supervisor {
  func companion() throws {
    let network = try makeNetwork(["n1", "clients"])
    for (from, to) in [("n1", "clients"), ("clients", "n1")] { network.setPolicy(.init(cut: true), from: from, to: to) }
    let process = try ControlledProcess<Word, Word>(
      loop: loop, arguments: ["companion"], namespace: network.namespace(of: "clients"))
    kept.append(process)
    let bytes = (0..<150_000).map { UInt8(truncatingIfNeeded: $0) }
    var count = 0
    process.channel.onMessage = { [self] word in
      count += 1
      switch word {
      case .big(let back):
        if count > 1 { return }
        say("back \(back == bytes.reversed())")
        process.channel.send(.stop)
      case .line(let text): say("\(text) after \(count)")
      case .stop: break
      }
    }
    process.onExit = { [self] status in
      say("companion \(status) running \(process.isRunning)")
      do { try ask(network) } catch { say("error \(error)") }
    }
    process.channel.send(.big(bytes))
  }

  /// Every link of n1 is cut, and yet a socket of its own namespace reaches it.
  private func ask(_ network: Network) throws {
    let server = makeNode("n1", [SpawnRequest.ownExecutable, "serve"])
    server.onStarted = { [self] in
      after(100_000_000) { [self] in
        for place in ["clients", "n1"] {
          let connection = TCPConnection.connect(
            loop, address: "10.77.0.1", port: Tools.port, timeout: 300_000_000,
            descriptor: try network.makeSocket(in: place))
          kept.append(connection)
          connection.onOpen = { [self] in
            say("reached from \(place)")
            after(400_000_000) { [self] in finish() }
          }
        }
      }
    }
    try server.start()
  }
}
