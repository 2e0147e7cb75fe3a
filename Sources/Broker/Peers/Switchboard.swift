// Carries messages between front ends and masters: into this node's own mailbox, or into the next frame of a link.
import Base
import Raft

/// All posts of one node. A frame holds all that was posted to a node since the last one, in order.
final class Switchboard {
  let own: Int
  private(set) var isUp: [Bool]
  private var outbound: [ByteWriter]
  private var mailbox: [PeerMessage] = []
  private var taken = 0

  init(own: Int, members: Int) {
    self.own = own
    isUp = Array(repeating: false, count: members)
    isUp[own] = true
    outbound = (0..<members).map { _ in ByteWriter() }
  }

  var members: Range<Int> { 0..<isUp.count }

  /// The messages for the node are dropped where the link is down: whoever posts must live with a broken link anyway.
  func post(_ message: PeerMessage, to node: Int) {
    if node == own {
      mailbox.append(message)
    } else if isUp[node] {
      outbound[node].withLength { message.encode(into: &$0) }
    }
  }

  var hasOwn: Bool { taken < mailbox.count }

  /// The next message of this node to itself.
  func nextFromOwn() -> PeerMessage? {
    guard taken < mailbox.count else {
      mailbox.removeAll(keepingCapacity: true)
      taken = 0
      return nil
    }
    defer { taken += 1 }
    return mailbox[taken]
  }

  func linkUp(_ node: Int) {
    isUp[node] = true
    _ = outbound[node].takeBytes()
  }

  func linkDown(_ node: Int) {
    guard node != own else { return }
    isUp[node] = false
    _ = outbound[node].takeBytes()
  }

  /// What waits for each node, as one frame each.
  func takeFrames(into frames: inout [PeerFrame]) {
    for node in members where !outbound[node].isEmpty {
      frames.append(PeerFrame(node: node, payload: outbound[node].takeBytes()))
    }
  }

  /// The messages of a frame.
  /// - Throws: where any of it cannot be read; the messages before are given out nevertheless.
  static func read(_ frame: UnsafeRawBufferPointer, _ take: (PeerMessage) -> Void) throws(DecodingError) {
    var scanner = ByteScanner(frame)
    while scanner.remaining > 0 {
      let storage = try scanner.takeArray()
      take(try read(storage))
    }
  }

  private static func read(_ storage: [UInt8]) throws(DecodingError) -> PeerMessage {
    let result = storage.withUnsafeBytes { bytes in
      Result { () throws(DecodingError) -> PeerMessage in
        var scanner = ByteScanner(bytes)
        return try PeerMessage(&scanner, storage: storage)
      }
    }
    return try result.get()
  }
}
