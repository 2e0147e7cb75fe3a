// A connection without a socket, a clock that stands still until told, and a history in memory.

import Base
import Drivers
import History
import Scenario

@testable import AMQP
@testable import Workloads

/// Keeps all events.
final class MemorySink: EventSink {
  private(set) var names = Names()
  private(set) var events: [Event] = []
  private(set) var isClosed = false
  var failure: String? { nil }
  func word(_ text: String) -> UInt16 { names.word(text) }
  func route(to queues: [String]) -> UInt16 { names.route(to: queues) }
  @discardableResult
  func append(_ event: Event) -> Int {
    var event = event
    if let last = events.last, event.time <= last.time { event.time = last.time + 1 }
    events.append(event)
    return events.count - 1
  }
  func flush() {}
  @discardableResult
  func close() -> Bool {
    isClosed = true
    return true
  }
  var history: RecordedHistory { RecordedHistory(names: names, events: events, isComplete: isClosed) }

  /// One word an event: `publish:invoke:1.2` is the invocation of attempt 2 of sequence 1.
  func words(_ functions: Function...) -> [String] {
    events.filter { functions.isEmpty || functions.contains($0.function) }.map { event in
      var text = "\(event.function):\(event.outcome)"
      if event.function == .publish { text += ":\(event.message.sequence).\(event.attempt)" }
      if event.function == .ack || event.function == .nack { text += ":\(event.tag)" }
      if event.flags.contains(.sent) { text += "+sent" }
      if event.flags.contains(.nack) { text += "+nack" }
      if event.flags.contains(.requeue) { text += "+requeue" }
      return text
    }
  }
}

final class ManualClock {
  var now: Nanoseconds = 1_000_000
}

/// Remembers what its client asked of it. Bytes: 100 a message, 10 a method.
final class FakePort: LinkPort {
  enum Sent: Equatable {
    case publish(Route, [UInt8])
    case method(Method)
  }
  private(set) var sent: [Sent] = []
  var position = OutputPosition()
  var isOpen = true
  private(set) var asked: [String] = []

  func publish(_ route: Route, mandatory: Bool, body: UnsafeRawBufferPointer) -> Bool {
    guard isOpen else { return false }
    sent.append(.publish(route, Array(body)))
    position.appended += 100
    return true
  }

  @discardableResult
  func send(_ method: Method) -> Bool {
    guard isOpen else { return false }
    sent.append(.method(method))
    position.appended += 10
    return true
  }

  /// The kernel takes everything.
  func write() {
    position.handed = position.appended
    position.written = position.appended
  }

  func restart(_ why: String) { asked.append("restart") }
  func drop(_ why: String) { asked.append("drop") }
  func retire() { asked.append("retire") }
  func pause() { asked.append("pause") }
  func resume() { asked.append("resume") }
  func wake() {}

  var methods: [Method] { sent.compactMap { if case .method(let method) = $0 { method } else { nil } } }
  var bodies: [[UInt8]] { sent.compactMap { if case .publish(_, let body) = $0 { body } else { nil } } }
}

/// Hands a body to a client as if it had come in a frame.
func withContent(_ body: [UInt8], _ use: (Content) -> Void) {
  let properties: [UInt8] = [0, 0]
  properties.withUnsafeBytes { properties in
    body.withUnsafeBytes { use(Content(rawProperties: properties, body: $0, deliveryMode: 0)) }
  }
}
