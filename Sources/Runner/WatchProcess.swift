// The hidden subcommand `watch`: reads the history while the load writes it, and says when a violation is certain.

import Arena
import Base
import Checkers
import EventLoop
import Foundation
import History
import Scenario

/// A process of its own: the recorder stays as cheap as it is, and a slow watch is only late.
public enum WatchProcess {
  public static let name = "watch"

  /// Runs until the supervisor is gone.
  /// - Parameter arguments: what follows the subcommand; none are known.
  public static func main(_ arguments: [String]) -> Int32 {
    guard arguments.isEmpty else {
      print("stormproof watch: started by a run, takes no arguments")
      return 2
    }
    do {
      let loop = try Loop()
      let follower = Follower(
        loop: loop, channel: try ControlChannel(loop: loop, descriptor: ControlSocket.number))
      loop.run()
      return follower.status
    } catch {
      FileHandle.standardError.write(Data("stormproof watch: \(error)\n".utf8))
      return RunFailure.Code.internalError.rawValue
    }
  }

  /// What is promised never to happen and can be certain before the end.
  static func findings(promised: [Expectation]) -> [String] {
    promised.filter { $0.rule == .atMost(0) }.map(\.name).filter { name in
      FindingName(rawValue: name).map(DeliveryWatch.early.contains) ?? false
    }
  }
}

private final class Follower {
  /// How often the recorder's blocks are looked for; it writes every 100 ms or when one is full.
  private static let pace = 100 * Nanoseconds.millisecond

  private let loop: Loop
  private let channel: ControlChannel<WatchCommand, WatchReport>
  private var tail: HistoryTail?
  private var watch = DeliveryWatch()
  private var timer: LoopTimer?
  private(set) var status: Int32 = 0

  init(loop: Loop, channel: ControlChannel<WatchCommand, WatchReport>) {
    (self.loop, self.channel) = (loop, channel)
    channel.onMessage = { [unowned self] command in
      switch command {
      case .follow(let history, let findings): follow(history, findings)
      }
    }
    channel.onEnd = { [unowned self] _ in self.loop.stop() }
  }

  private func follow(_ history: String, _ findings: [String]) {
    tail = HistoryTail(history)
    watch = DeliveryWatch(watched: Set(findings.compactMap(FindingName.init(rawValue:))))
    timer = loop.timer(after: Self.pace, repeat: Self.pace) { [unowned self] in look() }
  }

  private func look() {
    guard let tail else { return }
    do {
      try tail.read { events in
        watch.names = tail.names
        for event in events where watch.accusationCount == 0 { watch.take(event) }
      }
    } catch {
      stop()
      channel.send(.failed(error.description))
      return
    }
    if let finding = watch.accusations.first {
      stop()
      channel.send(.violation(name: finding.name.rawValue, text: describe(finding)))
    }
  }

  private func stop() {
    timer?.cancel()
    tail = nil
  }

  private func describe(_ finding: Finding) -> String {
    var text = finding.message == .none ? "a delivery" : "\(finding.message)"
    if finding.attempt > 1 { text += ", attempt \(finding.attempt)," }
    if finding.queue != Names.none { text += " in \(watch.names.text(finding.queue))" }
    return text + ": \(finding.reason)"
  }
}
