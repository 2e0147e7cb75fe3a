// A client's connection to a node: two pipes, the bytes that the broker has not taken yet, and both ends' ends.

import AMQP
import Base
import Broker

final class Socket {
  let id: ConnectionID
  let node: VirtualNode
  private let clock: VirtualClock
  private weak var client: VirtualClient?
  let toNode: Pipe
  let toClient: Pipe
  private let life: Int
  private var input: [UInt8] = []
  private var isOpenAtNode = false
  private var isOpenAtClient = true

  static let latency: ClosedRange<Nanoseconds> = 50 * .microsecond...800 * .microsecond

  init(id: ConnectionID, node: VirtualNode, client: VirtualClient, clock: VirtualClock) {
    self.id = id
    self.node = node
    self.client = client
    self.clock = clock
    toNode = Pipe(clock, latency: Self.latency)
    toClient = Pipe(clock, latency: Self.latency)
    life = node.life
  }

  /// Neither end knows of it any more.
  var isOver: Bool { !isOpenAtNode && !isOpenAtClient }

  // MARK: The client's end

  func open() {
    toNode.send { [self] in
      guard node.isUp, node.life == life else { return tellClient() }
      node.perform { [self] in
        isOpenAtNode = true
        node.accept(self)
      }
    }
  }

  func writeFromClient(_ bytes: [UInt8]) {
    toNode.send { [self] in
      guard node.life == life else { return }
      node.perform { [self] in
        guard isOpenAtNode else { return }
        input += bytes
        offerInput()
      }
    }
  }

  /// The client wants no more of it: an end, or a reset.
  func closeFromClient() {
    isOpenAtClient = false
    client = nil
    toClient.clear()
    toNode.send { [self] in
      guard node.life == life else { return }
      node.perform { [self] in closeAtNode() }
    }
  }

  /// The client hears of the end.
  private func tellClient() {
    guard isOpenAtClient else { return }
    isOpenAtClient = false
    client?.socketEnded(self)
  }

  // MARK: The node's end

  func offerInput() {
    guard isOpenAtNode, !input.isEmpty, let broker = node.broker else { return }
    let used = input.withUnsafeBytes { broker.receive(id, $0, now: clock.now) }
    input.removeFirst(min(used, input.count))
    node.touch()
  }

  func writeFromNode() {
    guard let broker = node.broker, let connection = broker.connection(id) else { return }
    let bytes = connection.output.takeAll()
    broker.outputTaken(id, now: clock.now)
    toClient.send { [self] in
      if isOpenAtClient { client?.received(bytes, on: self) }
    }
  }

  /// The rest is written, then the end.
  func finishFromNode() {
    writeFromNode()
    closeAtNode()
    toClient.send { [self] in tellClient() }
  }

  private func closeAtNode() {
    guard isOpenAtNode else { return }
    isOpenAtNode = false
    node.forget(self)
  }

  /// - Parameter silently: the machine is gone, and nobody says so; the client finds out by its own patience.
  func nodeDied(silently: Bool) {
    isOpenAtNode = false
    if silently {
      clock.after(clock.draw(1 * .second...3 * .second)) { [self] in tellClient() }
    } else {
      toClient.send { [self] in tellClient() }
    }
  }
}
