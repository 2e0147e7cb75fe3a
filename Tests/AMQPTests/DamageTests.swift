// Sessions cut at every byte, and sessions damaged by a seeded mutator: never a trap, always one clear end.
import Base
import Testing

@testable import AMQP

@Suite struct DamageTests {
  static let transcripts = Result { try Transcripts() }

  static func bytes(_ side: Side) throws -> [UInt8] {
    let both = try transcripts.get()
    return side == .server ? both.toServer : both.toClient
  }

  @Test(arguments: Side.allCases) func splitAtEveryByte(_ side: Side) throws {
    let bytes = try Self.bytes(side)
    let whole = Fed(side)
    whole.feed(bytes)
    #expect(whole.violations == [] && whole.log.count >= 9)
    #expect(whole.isFinished, "the session ends in order: \(whole.log.last ?? "")")
    // Inside the long run of one byte that is the large body, a few places stand for all.
    for cut in 0...bytes.count where cut % 61 == 0 || !bytes[max(0, cut - 12)..<cut].allSatisfy({ $0 == 7 }) {
      let fed = Fed(side)
      fed.feed(Array(bytes[..<cut]))
      fed.feed(Array(bytes[cut...]))
      if fed.log != whole.log || fed.violations != [] || fed.outputBytes != whole.outputBytes {
        Issue.record("cut at \(cut): \(fed.violations)")
      }
    }
    let single = Fed(side)
    for byte in bytes { single.feed([byte]) }
    #expect(single.log == whole.log)
  }

  /// Tens of thousands of damaged sessions; the seed of one is printed where it fails.
  @Test(arguments: Side.allCases) func damagedSessions(_ side: Side) throws {
    let bytes = try Self.bytes(side)
    let handshake = bytes.count / 10
    var (survived, refused) = (0, 0)
    for seed in 0..<UInt64(10_000) {
      var generator = SeededGenerator(seed: seed, label: "damage-\(side)")
      // Half of them keep the handshake whole, so that the damage meets an open connection.
      let damaged = damage(bytes, from: generator.chance(0.5) ? handshake : 0, &generator)
      let fed = Fed(side, keepsLog: false)
      var rest = damaged[...]
      while !rest.isEmpty {
        let part = rest.prefix(1 + generator.below(generator.chance(0.2) ? 20 : 8000))
        rest = rest.dropFirst(part.count)
        fed.feed(Array(part))
      }
      if fed.outputBytes > 100_000 { Issue.record("seed \(seed): \(fed.outputBytes) bytes of output") }
      if fed.violations != [] { Issue.record("seed \(seed): \(fed.violations)") }
      if fed.isFinished { refused += 1 } else { survived += 1 }
    }
    #expect(refused > 1000 && survived > 100, "the mutator does something, and not only one thing")
  }

  private func damage(_ bytes: [UInt8], from start: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    var result = bytes
    for _ in 0...generator.below(3) {
      let place = start + generator.below(max(1, result.count - start))
      guard place < result.count else { return result }
      switch generator.below(7) {
      case 0: result[place] ^= UInt8(1 << generator.below(8))
      case 1: result[place] = UInt8(generator.below(256))
      case 2: result[place] = [0, 1, 2, 3, 8, 0x7F, 0x80, 0xCE, 0xFF][generator.below(9)]
      case 3: result.removeSubrange(place..<min(result.count, place + 1 + generator.below(30)))
      case 4: result.insert(contentsOf: (0...generator.below(30)).map { _ in UInt8(generator.below(256)) }, at: place)
      case 5:  // the same bytes twice
        let part = Array(result[place..<min(result.count, place + 1 + generator.below(300))])
        result.insert(contentsOf: part, at: place)
      default: result.removeSubrange(place...)
      }
    }
    return result
  }

  /// Damage inside one frame whose lengths stay right reaches the decoders of arguments, tables and properties.
  @Test func damagedPayloads() throws {
    var payloads = try everyMethod.map { Array(try frameBytes($0).dropFirst(7).dropLast()) }
    payloads.append(try fullProperties.encoded())
    var generator = SeededGenerator(seed: 1, label: "payloads")
    var decoded = 0
    for round in 0..<30_000 {
      var payload = payloads[round % payloads.count]
      for _ in 0...generator.below(2) {
        payload[generator.below(payload.count)] = UInt8(generator.below(256))
      }
      payload.withUnsafeBytes { raw in
        if let method = try? Method(payload: raw) {
          decoded += 1
          // What can be read can be written and read again, to the same value (NaN apart).
          if let again = try? frameBytes(method),
            (try? AMQPTests.method(of: Array(again.dropFirst(7).dropLast()))) != method,
            !"\(method)".contains("nan")
          {
            Issue.record("round \(round): \(method)")
          }
        }
        _ = try? BasicProperties(encoded: raw)
      }
    }
    #expect(decoded > 1000)
  }

  /// An announced body buys no memory, however many channels announce one.
  @Test func announcementsAreCheap() throws {
    let fed = Fed(.server)
    let startOk = ConnectionStartOk(response: Array("\0a\0b".utf8))
    var bytes = protocolHeader + (try frameBytes(.connectionStartOk(startOk)))
    bytes += try frameBytes(.connectionTuneOk(ConnectionTuneOk()))
    bytes += try frameBytes(.connectionOpen(ConnectionOpen()))
    for channel in 1...UInt16(500) {
      bytes += try frameBytes(.channelOpen, channel: channel)
      bytes += try frameBytes(.basicPublish(BasicPublish()), channel: channel)
      let number = [UInt8(channel >> 8), UInt8(channel & 255)]
      bytes += [2] + number + [0, 0, 0, 14, 0, 60, 0, 0, 0, 0, 0, 0, 0, 1, 0x86, 0xA0, 0, 0, 0xCE]
    }
    fed.feed(bytes)
    #expect(fed.isOpen && fed.log.count == 501 && fed.violations == [])
  }
}
