// Which publishes of a channel in confirm mode are not answered yet, and how the answers are put together.
import AMQP

struct ConfirmLedger {
  /// For each publish without an answer, how many queue masters have yet to take it.
  private var open = Window<Int>(start: 1)
  private var taken: [UInt64] = []
  private var failed: [UInt64] = []

  var isEmpty: Bool { taken.isEmpty && failed.isEmpty }

  /// The next publish; 0 parts where nothing has to take it. Returns its tag.
  mutating func append(parts: Int) -> UInt64 {
    let tag = open.append(parts)
    if parts == 0 {
      open.remove(tag)
      taken.append(tag)
    }
    return tag
  }

  /// One of those that had to take it has.
  mutating func complete(_ tag: UInt64) {
    guard let parts = open[tag] else { return }
    if parts > 1 {
      open[tag] = parts - 1
    } else {
      open.remove(tag)
      taken.append(tag)
    }
  }

  /// One of those that had to take it cannot say whether it has.
  mutating func fail(_ tag: UInt64) {
    if open.remove(tag) != nil { failed.append(tag) }
  }

  /// The answers: refusals first, so that one acknowledgement can then cover all below the first open tag.
  mutating func takeAnswers(_ send: (Method) -> Void) {
    failed.sort()
    for tag in failed { send(.basicNack(BasicNack(deliveryTag: tag))) }
    failed.removeAll(keepingCapacity: true)
    taken.sort()
    let below = taken.prefix { $0 < open.start }
    if let last = below.last { send(.basicAck(BasicAck(deliveryTag: last, multiple: below.count > 1))) }
    for tag in taken.dropFirst(below.count) { send(.basicAck(BasicAck(deliveryTag: tag))) }
    taken.removeAll(keepingCapacity: true)
  }
}
