// The hidden subcommand `load`: the process in the clients' network that drives the workload and writes the history.

import Arena
import Base
import EventLoop
import Glibc
import History

/// What the supervisor spawns.
public enum LoadProcess {
  /// Runs until `finish` (status 0), or until the supervisor is gone, SIGTERM, or a failure that was reported (1).
  /// - Parameter arguments: what follows the subcommand; none are known.
  public static func main(_ arguments: [String]) -> Int32 {
    guard arguments.isEmpty else {
      print("stormproof load: started by a run, takes no arguments")
      return 2
    }
    do {
      let loop = try Loop()
      let process = Conversation(
        loop: loop, channel: try ControlChannel(loop: loop, descriptor: ControlSocket.number))
      loop.onSignal(SIGTERM) { process.end(1) }
      loop.run()
      return process.status
    } catch {
      let line = Array("stormproof load: \(error)\n".utf8)
      write(2, line, line.count)
      return 70
    }
  }
}

/// The commands of the supervisor, and the answers.
private final class Conversation {
  private let loop: Loop
  private let channel: ControlChannel<LoadCommand, LoadReport>
  private var load: Load?
  private(set) var status: Int32 = 1

  init(loop: Loop, channel: ControlChannel<LoadCommand, LoadReport>) {
    self.loop = loop
    self.channel = channel
    channel.onMessage = { [unowned self] in take($0) }
    channel.onEnd = { [unowned self] _ in end(1) }
  }

  func end(_ status: Int32) {
    self.status = status
    load?.journal.sink.flush()
    loop.stop()
  }

  private func take(_ command: LoadCommand) {
    do {
      switch command {
      case .configure(let configuration): try configure(configuration)
      case .begin(let loadAt): load?.begin(loadAt: loadAt)
      case .fault(let name, let begins):
        if let load { load.record(fault: name, begins: begins) } else { channel.send(.recorded(name, begins: begins)) }
      case .stopProducing: load?.stopProducing()
      case .drain(let bound): load?.drain(bound: bound)
      case .finish:
        try load?.finish()
        channel.send(.finished)
        channel.finish()
        end(0)
      }
    } catch {
      channel.send(.failed("\(error)"))
    }
  }

  private func configure(_ configuration: LoadConfiguration) throws {
    guard load == nil else { throw Load.Failure(description: "configured twice") }
    let recorder = try HistoryRecorder(path: configuration.historyPath)
    load = try Load(loop: loop, configuration: configuration, sink: recorder) { [unowned self] in channel.send($0) }
  }
}
