// A history of sagas: orders that go through several services, and what each service did for each of them.

import Base

/// What the services hold of each order once everything stands still (Garcia-Molina and Salem, "Sagas", SIGMOD 1987): a
/// step that was done is undone by its compensation.
public struct SagaHistory: Equatable, Sendable {
  public struct Order: Equatable, Sendable {
    public var id: MessageID
    /// What its client was told.
    public var told: FlatOperation

    public init(_ id: MessageID, _ outcome: Outcome) { (self.id, told) = (id, FlatOperation(outcome)) }
  }

  public enum Act: UInt8, Sendable { case completed, compensated }

  /// One thing that a service did for an order.
  public struct Step: Equatable, Sendable {
    public var order: MessageID
    /// Index into `services`, and behind them into `strangers`.
    public var service: UInt32
    public var act: Act
    public var mark: LineMark?

    public init(_ order: MessageID, service: UInt32, _ act: Act, mark: LineMark? = nil) {
      (self.order, self.service, self.act, self.mark) = (order, service, act, mark)
    }
  }

  /// Every service that an order goes through, whether or not it ever did anything.
  public var services: [String] = []
  /// Those that did something and are none of them.
  public var strangers: [String] = []
  /// Different from each other.
  public var orders: [Order] = []
  public var steps: [Step] = []
  /// The services were left alone until no message was under way any more.
  public var isDrained = true
  /// Lines that said something, and the time of the first.
  public var events = 0
  public var start: Nanoseconds = 0

  public init() {}
}
