// Where clients record what they do: numbers for operations, sessions and transactions, and fresh time stamps.

import Base
import History

/// What takes events and words; `HistoryRecorder` in a run.
protocol EventSink: AnyObject {
  func word(_ text: String) -> UInt16
  func route(to queues: [String]) -> UInt16
  /// Records the event; one whose time is not later than the last one's gets a time one nanosecond later than that.
  @discardableResult
  func append(_ event: Event) -> Int
  func flush()
  @discardableResult
  func close() -> Bool
  /// Why recording ended early; nil while all is well.
  var failure: String? { get }
}

extension HistoryRecorder: EventSink {}

/// One for all clients of a load.
final class Journal {
  let sink: any EventSink
  private let clock: () -> Nanoseconds
  private var lastOp: UInt64 = 0
  private var lastSession: UInt32 = 0
  private var lastTransaction: UInt64 = 0

  /// - Parameter clock: CLOCK_MONOTONIC, read afresh.
  init(sink: any EventSink, clock: @escaping () -> Nanoseconds) {
    self.sink = sink
    self.clock = clock
  }

  func now() -> Nanoseconds { clock() }

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

  /// Records the event at its time, or now where it has none.
  @inline(__always)
  func record(_ event: Event) {
    if event.time != 0 {
      sink.append(event)
    } else {
      var stamped = event
      stamped.time = clock()
      sink.append(stamped)
    }
  }
}

/// The part of an event that is the same for everything a client does on one connection.
struct SessionStamp {
  var process: Int32
  var session: UInt32 = 0
  var node: UInt16 = Names.none

  @inline(__always)
  func event(_ function: Function, _ outcome: Outcome) -> Event {
    var event = Event()
    event.function = function
    event.outcome = outcome
    event.process = process
    event.session = session
    event.node = node
    return event
  }
}
