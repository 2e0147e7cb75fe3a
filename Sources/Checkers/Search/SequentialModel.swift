// What the search for an order of operations takes and gives: a model, operations with their intervals, bounds, an answer.

import Base

/// An object as if one thing were done at a time, deterministic or not.
protocol SequentialModel {
  associatedtype State
  /// What is done together with what came of it.
  associatedtype Action: Hashable

  var initial: State { get }

  /// The states in which the object can be after the action; none where the action cannot have gone that way.
  func step(_ state: State, _ action: Action) -> [State]

  /// Appends the state as words: the same for equal states, and different ones for different states.
  func encode(_ state: State, into words: inout [UInt64])
}

/// An operation of the history that is searched, with positions in the order of its events, all of them distinct.
struct SearchOperation<Action> {
  static var never: Int32 { .max }

  var action: Action
  var begin: Int32
  /// `never`: it may take effect at any time after its begin, or not at all.
  var end: Int32
}

/// How far a search may go. Whatever ends it early, the answer is then that nothing is known.
public struct SearchBudget: Sendable {
  /// Steps of the model tried.
  public var steps: Int
  /// Memory of one search, in bytes.
  public var bytes: Int
  /// Asked every few hundred steps: whether the time is over. A checker has no clock of its own.
  public var isTimeOver: @Sendable () -> Bool

  public init(steps: Int = 5_000_000, bytes: Int = 256 << 20, isTimeOver: @escaping @Sendable () -> Bool = { false }) {
    self.steps = steps
    self.bytes = bytes
    self.isTimeOver = isTimeOver
  }

  /// Some seconds of a machine of 2020.
  public static let standard = SearchBudget()
}

enum SearchOutcome: Equatable {
  /// Some order of the operations is one of the model.
  case explained
  /// None is, not even of what had begun when this operation (an index) returned.
  case unexplained(at: Int)
  /// Time, steps or memory ran out first.
  case outOfBounds
}
