// What a client and its connection say to each other; tests put a connection without a socket in between.

import AMQP
import Base
import Drivers

/// Where a producer publishes.
struct Route: Equatable {
  var exchange: String
  var key: String
  /// The route's number among the words of the history.
  var place: UInt16
}

/// What a client asks of its connection.
protocol LinkPort: AnyObject {
  var position: OutputPosition { get }
  /// False, and nothing sent, where the channel is not open.
  func publish(_ route: Route, mandatory: Bool, body: UnsafeRawBufferPointer) -> Bool
  @discardableResult
  func send(_ method: Method) -> Bool
  /// Closes in order and connects anew.
  func restart(_ why: String)
  /// Gives the connection up at once and connects anew.
  func drop(_ why: String)
  /// Closes in order, for good.
  func retire()
  func pause()
  func resume()
  /// Asks for a `tick` soon.
  func wake()
}

/// What a connection tells its client.
protocol LinkClient: AnyObject {
  /// The methods to be answered, one after the other, on channel 1 of a new connection before it is of use.
  func linkSetup() -> [Method]
  /// All of them are; `node` is the place of the node among the words of the history.
  func linkReady(node: UInt16)
  func linkBrought(_ method: Method)
  func linkDelivered(_ deliver: BasicDeliver, _ content: Content)
  func linkReturned(_ content: Content)
  /// One read is told in full.
  func linkRead()
  /// The kernel took all that it was given.
  func linkWrote()
  /// The connection, or its channel, is gone; `position` is its last. Comes also for one that was never ready.
  func linkLost(_ reason: AMQP.CloseReason, wasReady: Bool)
  /// It was closed by us and the broker has confirmed that.
  func linkClosed(wasReady: Bool)
}

extension LinkClient {
  func linkDelivered(_ deliver: BasicDeliver, _ content: Content) {}
  func linkReturned(_ content: Content) {}
  func linkRead() {}
  func linkWrote() {}
}
