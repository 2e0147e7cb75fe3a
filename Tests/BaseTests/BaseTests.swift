// Base: the checksum against published vectors, the generator against itself.
import Testing

@testable import Base

@Suite struct CRC32CTests {
  /// RFC 3720, appendix B.4, and the check value of the catalogue.
  @Test func publishedVectors() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xe306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46dd_794e)
  }

  @Test func goesOnOverPieces() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for cut in [0, 1, 7, 8, 9, 500, 999, 1000] {
      let first = CRC32C.checksum(Array(bytes[..<cut]))
      #expect(CRC32C.checksum(Array(bytes[cut...]), seed: first) == CRC32C.checksum(bytes))
    }
  }
}

@Suite struct SeededGeneratorTests {
  @Test func sameSeedSameStream() {
    var a = SeededGenerator(seed: 42, label: "load")
    var b = SeededGenerator(seed: 42, label: "load")
    var c = SeededGenerator(seed: 42, label: "faults")
    let (x, y, z) = ((0..<8).map { _ in a.next() }, (0..<8).map { _ in b.next() }, (0..<8).map { _ in c.next() })
    #expect(x == y)
    #expect(x != z)
  }

  @Test func boundsHold() {
    var g = SeededGenerator(seed: 1)
    for _ in 0..<1000 {
      #expect((0..<7).contains(g.below(7)))
      #expect((0..<1).contains(g.unit()))
    }
    #expect(g.below(0) == 0)
  }
}
