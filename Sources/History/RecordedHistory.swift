// A whole history in memory: what the checkers take, wherever it was read from.

/// Events sorted by time, as they were recorded, and the words they refer to.
public struct RecordedHistory: Sendable {
  public var names: Names
  public var events: [Event]
  /// The recorder closed the file. False after a kill: the events are then a prefix of what happened.
  public var isComplete: Bool

  public init(names: Names, events: [Event], isComplete: Bool) {
    self.names = names
    self.events = events
    self.isComplete = isComplete
  }
}
