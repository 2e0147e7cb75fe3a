// The history of a simulated run, in memory.

import Base
import History

final class Recorder {
  private let clock: VirtualClock
  private(set) var events: [Event] = []
  var names = Names()
  private var lastTime: Nanoseconds = 0
  private var lastOp: UInt64 = 0
  private var lastSession: UInt32 = 0
  private var lastTransaction: UInt64 = 0

  init(_ clock: VirtualClock) { self.clock = clock }

  func nextOp() -> UInt64 {
    lastOp += 1
    return lastOp
  }

  func nextSession() -> UInt32 {
    lastSession += 1
    return lastSession
  }

  func nextTransaction() -> UInt64 {
    lastTransaction += 1
    return lastTransaction
  }

  /// Times are strictly increasing: several events of one moment follow each other by a nanosecond.
  func record(_ event: Event) {
    var event = event
    lastTime = max(lastTime + 1, clock.now)
    event.time = lastTime
    events.append(event)
  }

  var history: RecordedHistory { RecordedHistory(names: names, events: events, isComplete: true) }
}
