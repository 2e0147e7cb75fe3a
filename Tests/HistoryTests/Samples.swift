// Random but seeded events and histories for the tests of the formats, and a place for files.

import Base
import Foundation
import History

/// An event with every field at random, as valid as its function asks; times increase from `time`.
func randomEvent(_ random: inout SeededGenerator, after time: inout Nanoseconds, names: inout Names) -> Event {
  var event = Event()
  time += 1 + Nanoseconds(random.below(2_000_000))
  event.time = time
  event.function = Function.allCases[random.below(Function.allCases.count)]
  event.outcome = event.function == .deliver ? .ok : [.invoke, .ok, .fail, .info][random.below(4)]
  event.op = UInt64(1 + random.below(1_000_000))
  event.process = Int32(random.below(30_000)) - 2
  let queue = "queue \(random.below(5))"
  func message() {
    event.message = MessageID(producer: random.below(12), sequence: random.below(100_000))
    event.attempt = UInt32(1 + random.below(3))
  }
  switch event.function {
  case .publish:
    if event.outcome == .invoke || random.chance(0.5) { message() }
    if event.outcome == .invoke {
      event.place = names.route(to: [queue, "other\"\n\u{1}é🐰"])
      if random.chance(0.3) { event.tag = UInt64(random.below(100)) }
    }
    event.session = UInt32(random.below(3))
    event.transaction = UInt64(random.below(3))
    event.intended = random.chance(0.5) ? time - 5 : 0
    if random.chance(0.3) { event.flags.insert(.sent) }
    if random.chance(0.1) { event.flags.insert(.nack) }
  case .subscribe:
    event.place = names.word(queue)
    event.session = UInt32(random.below(100))
    if event.outcome == .invoke {
      event.tag = UInt64(random.below(100))
      if random.chance(0.5) { event.flags.insert(.autoAck) }
    }
  case .deliver:
    event.op = 0
    event.place = names.word(queue)
    event.session = UInt32(random.below(100))
    event.tag = UInt64(random.below(100_000))
    if random.chance(0.1) {
      event.flags.insert(random.chance(0.5) ? .damaged : .foreign)
    } else {
      message()
    }
    if random.chance(0.3) { event.flags.insert(.redelivered) }
  case .ack, .nack:
    event.session = UInt32(random.below(100))
    event.tag = UInt64(random.below(100_000))
    event.transaction = UInt64(random.below(3))
    if event.function == .nack, random.chance(0.7) { event.flags.insert(.requeue) }
  case .commit, .rollback:
    event.transaction = UInt64(1 + random.below(1000))
    event.session = UInt32(random.below(3))
  case .recover, .alive, .release: event.session = UInt32(random.below(100))
  case .fault: event.place = names.word("crash#1")
  case .drained:
    event.place = names.word(queue)
    if event.outcome != .invoke { event.tag = UInt64(random.below(3)) }
  case .enqueue:
    message()
    event.attempt = 0
  case .dequeue:
    if random.chance(0.5) {
      message()
      event.attempt = 0
    }
  case .append, .read, .write, .compareAndSet:
    if event.function != .read || random.chance(0.7) { message() }
    event.attempt = 0
    if event.function != .append || event.outcome == .ok { event.tag = UInt64(random.below(4)) }
    if event.function == .compareAndSet { event.transaction = UInt64(random.below(4)) }
  }
  event.node = random.chance(0.5) ? names.word("n\(random.below(3))") : Names.none
  return event
}

func randomHistory(_ random: inout SeededGenerator, events count: Int) -> RecordedHistory {
  var names = Names()
  var time: Nanoseconds = 0
  let events = (0..<count).map { _ in randomEvent(&random, after: &time, names: &names) }
  return RecordedHistory(names: names, events: events, isComplete: true)
}

/// Every field of an event, to compare by.
func fields(_ event: Event) -> [Int64] {
  [
    event.time, Int64(bitPattern: event.op), Int64(bitPattern: event.message.rawValue),
    Int64(bitPattern: event.transaction),
    Int64(bitPattern: event.tag), event.intended, Int64(event.attempt), Int64(event.session), Int64(event.process),
    Int64(event.place), Int64(event.node), Int64(event.flags.rawValue), Int64(event.function.rawValue),
    Int64(event.outcome.rawValue),
  ]
}

/// A file that is gone when `body` ends.
func withFile<T>(_ name: String, _ body: (String) throws -> T) throws -> T {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("stormproof-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.appendingPathComponent(name).path)
}
