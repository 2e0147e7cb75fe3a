// When the service was there: the longest outages, and how long it took to come back from each fault.

import Base
import History

/// A fault as those who wait for the service see it.
public struct FaultWindow: Equatable, Sendable {
  public var name: String
  /// Nil: it never began, or was never healed.
  public var began: Nanoseconds?
  public var healed: Nanoseconds?

  public init(_ name: String, began: Nanoseconds?, healed: Nanoseconds?) {
    (self.name, self.began, self.healed) = (name, began, healed)
  }

  /// The faults that a history tells of, in the order in which they began.
  public static func all(in history: RecordedHistory) -> [FaultWindow] {
    var windows: [FaultWindow] = []
    var standing: [UInt16: Int] = [:]
    for event in history.events where event.function == .fault {
      if event.outcome == .invoke, standing[event.place] == nil {
        standing[event.place] = windows.count
        windows.append(FaultWindow(history.names.text(event.place), began: event.time, healed: nil))
      } else if event.outcome == .ok, let known = standing.removeValue(forKey: event.place) {
        windows[known].healed = event.time
      }
    }
    return windows
  }
}

/// Availability as clients measured it. All lengths in nanoseconds; where there are no confirms, a message counts as
/// confirmed when it was sent.
public struct Availability: Equatable, Sendable {
  public struct Outage: Equatable, Sendable {
    public var length: Nanoseconds = 0
    public var began: Nanoseconds = 0

    public init() {}
  }

  /// How long after a fault's begin, or heal, something was seen for the first time; nil: never.
  public struct Recovery: Equatable, Sendable {
    public var fault: String
    /// After the begin: the first confirm, and the first delivery, of what was published after it.
    public var confirmAfterBegin: Nanoseconds?
    public var deliveryAfterBegin: Nanoseconds?
    /// After the heal: the first confirm of what was published after it, and the first delivery of anything.
    public var confirmAfterHeal: Nanoseconds?
    public var deliveryAfterHeal: Nanoseconds?
    /// After the heal: until 99 % of what was published in the second that follows was confirmed (without confirms:
    /// delivered) within twice the 99th percentile of the time before the first fault.
    public var latencyBack: Nanoseconds?
    /// After the heal: until no more messages were on their way than at most before the first fault. What was never
    /// delivered is not on its way.
    public var backlogDrained: Nanoseconds?
    /// Whether the fault began at all.
    public var hasBegun: Bool

    init(_ window: FaultWindow) { (fault, hasBegun) = (window.name, window.began != nil) }
  }

  /// The longest times of the load without a confirm, and without a delivery.
  public var confirms = Outage()
  public var deliveries = Outage()
  /// One for each fault, in the order given.
  public var recoveries: [Recovery]

  /// One pass; linear in the events.
  /// - Parameters:
  ///   - begin: Of the load, from which outages are counted and with which latency and backlog are compared.
  ///   - end: Of the load.
  public init(
    _ history: RecordedHistory, faults: [FaultWindow], begin: Nanoseconds, end: Nanoseconds, hasConfirms: Bool
  ) {
    recoveries = faults.map { Recovery($0) }
    var pass = AvailabilityPass(
      faults, begin: begin, end: end, last: max(end, history.events.last?.time ?? end), hasConfirms: hasConfirms)
    for event in history.events { pass.take(event, history.names) }
    pass.finish(&self)
  }

  /// The faults of the history, and the load from its first publish to its last; nil: nothing was published.
  public init?(_ history: RecordedHistory, hasConfirms: Bool) {
    func isPublish(_ event: Event) -> Bool { event.function == .publish && event.outcome == .invoke }
    guard let first = history.events.first(where: isPublish), let last = history.events.last(where: isPublish) else {
      return nil
    }
    self.init(
      history, faults: FaultWindow.all(in: history), begin: first.time, end: last.time, hasConfirms: hasConfirms)
  }
}

/// `Availability` as reports print it: in seconds, without faults that never began.
public struct AvailabilityFigures: Codable, Equatable, Sendable {
  /// As in `Availability.Recovery`.
  public struct Recovery: Codable, Equatable, Sendable {
    public var fault: String
    public var confirmAfterBegin: Double?
    public var deliveryAfterBegin: Double?
    public var confirmAfterHeal: Double?
    public var deliveryAfterHeal: Double?
    public var latencyBack: Double?
    public var backlogDrained: Double?

    enum CodingKeys: String, CodingKey {
      case fault
      case confirmAfterBegin = "first-confirm-after-begin-s"
      case deliveryAfterBegin = "first-delivery-after-begin-s"
      case confirmAfterHeal = "first-confirm-s"
      case deliveryAfterHeal = "first-delivery-s"
      case latencyBack = "latency-back-s"
      case backlogDrained = "backlog-drained-s"
    }

    public init(fault: String) { self.fault = fault }
  }

  public var longestOutage = 0.0
  public var longestDeliveryOutage = 0.0
  public var recoveries: [Recovery] = []

  enum CodingKeys: String, CodingKey {
    case longestOutage = "longest-outage-s"
    case longestDeliveryOutage = "longest-delivery-outage-s"
    case recoveries
  }

  /// Of what never ran.
  public init() {}

  public init(_ availability: Availability) {
    longestOutage = availability.confirms.length.seconds
    longestDeliveryOutage = availability.deliveries.length.seconds
    recoveries = availability.recoveries.filter(\.hasBegun).map { known in
      var recovery = Recovery(fault: known.fault)
      recovery.confirmAfterBegin = known.confirmAfterBegin?.seconds
      recovery.deliveryAfterBegin = known.deliveryAfterBegin?.seconds
      recovery.confirmAfterHeal = known.confirmAfterHeal?.seconds
      recovery.deliveryAfterHeal = known.deliveryAfterHeal?.seconds
      recovery.latencyBack = known.latencyBack?.seconds
      recovery.backlogDrained = known.backlogDrained?.seconds
      return recovery
    }
  }

  /// Lines for a terminal.
  var words: [String] {
    func second(_ value: Double) -> String { "\((value * 1000).rounded() / 1000) s" }
    var lines = [
      "longest time without a confirm \(second(longestOutage)), without a delivery \(second(longestDeliveryOutage))"
    ]
    for recovery in recoveries {
      let parts = [
        ("confirm after its begin", recovery.confirmAfterBegin), ("delivery", recovery.deliveryAfterBegin),
        ("confirm after its heal", recovery.confirmAfterHeal), ("delivery", recovery.deliveryAfterHeal),
        ("latency back", recovery.latencyBack), ("backlog drained", recovery.backlogDrained),
      ]
      lines.append(
        "\(recovery.fault): " + parts.map { "\($0.0) \($0.1.map(second) ?? "never")" }.joined(separator: ", "))
    }
    return lines
  }
}
