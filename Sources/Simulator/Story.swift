// A finding told in lines for people: the events that show it, and the faults around them.

import Base
import Checkers
import History

extension SimulationResult {
  /// The finding's events, everything said of its message or transaction, and the faults that began or ended meanwhile.
  public func story(of finding: Finding) -> [String] {
    let shown = Set(finding.events)
    var lines = ["\(finding.name.rawValue) of \(finding.message): \(finding.reason)"]
    for (index, event) in history.events.enumerated() {
      let isOfMessage = finding.message != .none && event.message == finding.message
      let isOfTransaction = finding.transaction != 0 && event.transaction == finding.transaction
      let isFaultNearby =
        event.function == .fault && event.time > finding.begin - 5 * .second && event.time < finding.end + 5 * .second
      if shown.contains(index) || isOfMessage || isOfTransaction || isFaultNearby { lines.append(line(index)) }
    }
    return lines
  }

  /// One event as a line.
  public func line(_ index: Int) -> String {
    let event = history.events[index]
    let time = String(Int(event.time / .microsecond))
    var words = [String(repeating: " ", count: max(0, 10 - time.count)) + time, "\(event.process)"]
    words += ["\(event.function)", "\(event.outcome)"]
    if event.message != .none { words.append("\(event.message)/\(event.attempt)") }
    if event.transaction != 0 { words.append("tx \(event.transaction)") }
    if event.tag != 0 { words.append("tag \(event.tag)") }
    if event.session != 0 { words.append("session \(event.session)") }
    if event.node != Names.none { words.append("on \(history.names.text(event.node))") }
    switch event.function {
    case .publish:
      words.append("to " + history.names.queues(event.place).map(history.names.text).joined(separator: "+"))
    case .deliver, .subscribe, .fault, .drained: words.append(history.names.text(event.place))
    default: break
    }
    if event.flags.contains(.redelivered) { words.append("redelivered") }
    if event.flags.contains(.nack) { words.append("nack") }
    return words.joined(separator: " ")
  }
}
