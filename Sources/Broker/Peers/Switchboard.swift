// Carries messages between front ends and masters: into this node's own mailbox, or into the next frame of a link.
import Base
import Raft

/// All posts of one node. A frame holds what was posted to a node since the last one, in order.
final class Switchboard {
  /// A frame that has grown so large takes no further message. A single message may be larger.
  static let frameSize = 4 << 20

  let own: Int
  private(set) var isUp: [Bool]
  private var outbound: [ByteWriter]
  private var full: [[[UInt8]]]
  private var mailbox: [PeerMessage] = []
  private var taken = 0

  init(own: Int, members: Int) {
    self.own = own
    isUp = Array(repeating: false, count: members)
    isUp[own] = true
    outbound = (0..<members).map { _ in ByteWriter() }
    full = Array(repeating: [], count: members)
  }

  var members: Range<Int> { 0..<isUp.count }

  /// The messages for the node are dropped where the link is down: whoever posts must live with a broken link anyway.
  func post(_ message: PeerMessage, to node: Int) {
    if node == own {
      mailbox.append(message)
    } else if isUp[node] {
      outbound[node].withLength { message.encode(into: &$0) }
      if outbound[node].count >= Self.frameSize { full[node].append(outbound[node].takeBytes()) }
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
    clear(node)
    isUp[node] = true
  }

  func linkDown(_ node: Int) {
    guard node != own else { return }
    isUp[node] = false
    clear(node)
  }

  private func clear(_ node: Int) {
    _ = outbound[node].takeBytes()
    full[node] = []
  }

  /// What waits for each node.
  func takeFrames(into frames: inout [PeerFrame]) {
    for node in members {
      for payload in full[node] { frames.append(PeerFrame(node: node, payload: payload)) }
      full[node] = []
      if !outbound[node].isEmpty { frames.append(PeerFrame(node: node, payload: outbound[node].takeBytes())) }
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
