// Messages as bytes: there and back, and whatever a seeded mutator makes of them.

import Base
import Raft
import Testing

struct CodecTests {
  static func sample(_ random: inout SeededGenerator) -> RaftMessage {
    func number() -> UInt64 { random.next() >> (3 + UInt64(random.below(60))) }
    func place() -> LogPosition { LogPosition(index: number(), term: number()) }
    switch random.below(6) {
    case 0: return .preVote(.init(term: number(), last: place()))
    case 1: return .vote(.init(term: number(), last: place()))
    case 2: return .preVoteReply(.init(term: number(), granted: random.chance(0.5)))
    case 3: return .voteReply(.init(term: number(), granted: random.chance(0.5)))
    case 4:
      return .appendReply(
        .init(
          term: number(), round: number(), success: random.chance(0.5), match: number(), rejected: number(),
          hint: place()))
    default:
      let previous = LogPosition(index: number() >> 1, term: number() >> 2)
      var term = previous.term
      let entries = (0..<random.below(5)).map { at in
        term += UInt64(random.below(2))
        let payload = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return RaftEntry(index: previous.index + 1 + UInt64(at), term: term, payload: payload)
      }
      return .append(
        .init(
          term: term + UInt64(random.below(3)), previous: previous, entries: entries, commit: number(),
          matchedByAll: number(), round: number()))
    }
  }

  static func decode(_ bytes: [UInt8]) throws -> RaftMessage {
    try bytes.withUnsafeBytes { try RaftMessage(decoding: $0) }
  }

  @Test(arguments: [UInt64(1), 2, 3]) func everyMessageComesBack(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let message = Self.sample(&random)
      var bytes: [UInt8] = []
      message.encode(into: &bytes)
      #expect(try Self.decode(bytes) == message)
      for cut in 0..<bytes.count { #expect(throws: RaftCodecError.self) { try Self.decode(Array(bytes[..<cut])) } }
      #expect(throws: RaftCodecError.trailingBytes(1)) { try Self.decode(bytes + [0]) }
    }
  }

  /// Damaged bytes are refused, or are another message that encodes to exactly these bytes: nothing is read twice or skipped.
  @Test(arguments: [UInt64(4), 5, 6]) func damagedBytesAreRefusedOrMeanExactlyThemselves(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<3000 {
      var bytes: [UInt8] = []
      Self.sample(&random).encode(into: &bytes)
      for _ in 0...random.below(3) {
        let at = random.below(bytes.count)
        switch random.below(4) {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[at] ^= 1 << UInt8(random.below(8))
        case 2: bytes.insert(0xff, at: at)
        default: if bytes.count > 1 { bytes.remove(at: at) }
        }
      }
      do {
        let message = try Self.decode(bytes)
        var again: [UInt8] = []
        message.encode(into: &again)
        #expect(again == bytes)
      } catch is RaftCodecError {
        refused += 1
      }
    }
    #expect(refused > 1000)
  }

  @Test func whatNoMemberCouldSendIsRefused() {
    func refused(_ message: RaftMessage) -> RaftCodecError? {
      var bytes: [UInt8] = []
      message.encode(into: &bytes)
      do {
        _ = try Self.decode(bytes)
        return nil
      } catch {
        return error as? RaftCodecError
      }
    }
    func append(term: UInt64, previous: UInt64, entries: [UInt64]) -> RaftMessage {
      let entries = entries.enumerated().map { RaftEntry(index: UInt64($0 + 2), term: $1, payload: []) }
      return .append(
        .init(
          term: term, previous: .init(index: 1, term: previous), entries: entries, commit: 0, matchedByAll: 0, round: 0)
      )
    }
    #expect(refused(append(term: 3, previous: 1, entries: [1, 2, 3])) == nil)
    #expect(refused(append(term: 3, previous: 1, entries: [2, 1])) == .inconsistent)
    #expect(refused(append(term: 3, previous: 1, entries: [4])) == .inconsistent)
    #expect(refused(append(term: 3, previous: 4, entries: [])) == .inconsistent)
    #expect(refused(.vote(.init(term: .max, last: .zero))) == .inconsistent)
  }
}
