// The histogram against values of another implementation (HdrHistogram for Python 0.10), its encoding, and the log format.

import Base
import Foundation
import Testing

@testable import History

struct HistogramTests {
  /// The values that the other implementation was given: a linear congruential generator, ranges of 1 to 10 digits.
  private func sample() -> Histogram {
    var histogram = Histogram()
    var x: UInt64 = 1
    for index in 0..<1000 {
      x = x &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var range: UInt64 = 10
      for _ in 0..<index % 10 { range *= 10 }
      histogram.record(Int64((x >> 24) % range))
    }
    return histogram
  }

  private var few: Histogram {
    var histogram = Histogram()
    for (value, times): (Int64, Int64) in [
      (0, 1), (1, 2), (2047, 3), (2048, 1), (2049, 1), (1_000_000, 5), (123_456_789_012, 7),
    ] { histogram.record(value, times: times) }
    return histogram
  }

  @Test func percentilesAreThoseOfTheOriginal() {
    let histogram = sample()
    let expected: [(Double, Int64)] = [
      (0, 0), (50, 89791), (90, 845_152_255), (99, 8_858_370_047), (99.9, 9_714_008_063), (99.99, 9_747_562_495),
      (100, 9_747_562_495),
    ]
    for (percentile, value) in expected { #expect(histogram.percentile(percentile) == value, "\(percentile) %") }
    #expect(histogram.min == 0 && histogram.max == 9_747_562_495 && histogram.count == 1000)
    #expect(abs(histogram.mean - 534_120_202.3) < 1)
    #expect([0, 25, 50, 75, 100].map { few.percentile($0) } == [0, 2047, 1_000_447, 123_480_309_759, 123_480_309_759])
    #expect(abs(few.mean - 43_206_614_924.85) < 1)
  }

  @Test func encodingIsThatOfTheOriginal() throws {
    let hex = HistogramEncoding.encode(few).map { String(format: "%02x", $0) }.joined()
    #expect(
      hex
        == "1c8493130000000e0000000000000003000000000000000100008000000000003ff00000000000000204f91f0604bf8e010a998e020e"
    )
    #expect(try HistogramEncoding.decode(HistogramEncoding.encode(few)) == few)
  }

  @Test(arguments: [UInt64(1), 2, 3]) func encodedAndMergedHistogramsAreTheSame(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var whole = Histogram()
    var parts = [Histogram](repeating: Histogram(), count: 3)
    var values: [Int64] = []
    for _ in 0..<3000 {
      let value = Int64(random.next() >> UInt64(17 + random.below(46)))
      let times = Int64(1 + random.below(3))
      whole.record(value, times: times)
      parts[random.below(3)].record(value, times: times)
      values += [Int64](repeating: value, count: Int(times))
    }
    #expect(try HistogramEncoding.decode(HistogramEncoding.encodeCompressed(whole)) == whole)
    var merged = Histogram()
    for part in parts { merged.merge(part) }
    #expect(merged == whole && merged.max == whole.max && merged.min == whole.min)
    // Against the sorted values themselves: equal to three digits.
    values.sort()
    for percentile in [1.0, 25, 50, 75, 90, 99, 99.9, 100] {
      let exact = values[max(Int((percentile / 100 * Double(values.count)).rounded(.up)) - 1, 0)]
      let found = whole.percentile(percentile)
      #expect(found >= exact && Double(found - exact) <= Double(exact) / 1024 + 1, "seed \(seed), \(percentile) %")
    }
    for value in values.prefix(50) {
      #expect(whole.count(upTo: value) == values.count { $0 <= Histogram.highestEquivalent(value) })
    }
  }

  /// Written by HdrHistogram for Python 0.10 from 300 values: two and one significant digits, and three from 1000 upwards;
  /// the percentiles 50, 90, 99 and 100 are its own.
  @Test func histogramsOfOthersAreCountedAnew() throws {
    let cases: [(percentiles: [Int64], text: String)] = [
      (
        [88063, 855_638_015, 8_254_390_271, 9_261_023_231],
        """
        HISTFAAAAVR4nC2RsUoDQRCGb/+bu8vlOMJxhCNECSGEEIKIWKSSFCJiZWERLK0sfAKxsdAnEAsLH8Dax7G0sPUR/Gbj7bEz\
        +88//87M7j29tEkSvpPdp38bkuQxOpvfHWC9fp73e3lutVRIQaUyuZtZoVTBOBbANYchlj/YQkcaaKpD7DHhGvRQIzWa4WXa\
        OksdeEmaWk0IttKMW6YxutVbIHEfmYGWgGvUR9D9pkGORstaAgUr7cvlUr0G3SnCJXvt9Vbq8g6JEi+D0gnN4LBuKeYz6MR7\
        gfEe2FIdcI+zsviXrJWl3lcTOw+6hPQTyC2cNgcZ6xyswVYUmqqy2rrIvZA34XOqdKPnwDhWBCZIeaMFHu2XdkbnC2EK6i4s\
        jriCstC9l7ihsrmWNrSWCA8xQKbByeIcG6RqFrOg9Yz0B9OH49egja50ysWQfXrrqL7zx/6A+gMZ5R56
        """
      ),
      (
        [88063, 852_492_287, 8_237_613_055, 9_244_246_015],
        """
        HISTFAAAAVR4nC2QwSuEURTFv/ub931jCGmaJIQkSRYWmsUkSZpkIQvJQlaShT/AQhElzUKaxdeUyUKystCkydpCs7SwsJAk\
        UTZKlsp5xlu8d+5999xz7u3aK6aDwE6C+kn8P+9BsP2HJj7rmWPrjTAXoRPR6AwaOnH99LkUaRIkCUm4kFTU5BH1ux26MQXt\
        rDHGBxSMYUUz/Dim6OAQqkYrNaONHM1M6F1hmRfUc4QedTk1FpgmQxyKfNtCBfLcmyRqXuDVuHcMcGYebhDDKOtuxxfcmJjd\
        PPj/PLMysUoccdNAOcEbyhRgkS3KHh/BoMwsiXjtJONuIaWg6uTg0phEf+NysirGHTwmuWgidhwYV/CMalVGxciy7wfX9Q0l\
        Y1OZATk5MYqwa8ieRujzg2ZFW+AtibSfGomNj1ACYp2HVBwlv98Z5kW/83BOVnPaUoYvY0g7+gXBlkWO
        """
      ),
      (
        [90111, 872_415_231, 8_321_499_135, 9_663_676_415],
        """
        HISTFAAAALB4nEVP2w3CMBDrOe41Kaoq1K9K/DIHq/HBBizKCNiJEJEsnxz7HrfX+5imuE/jxZ+fvXh8hsC6Zq41kxuwAIGG\
        oChYABfWUDIbZpdF5J9iOcCW4rQU7MHGhiv7p93dJ311F6Ce4I6L/ouQCMUJ/rKyHBpAXGG71CoWUrudztC5eWwVpHPyU9G9\
        T/P2tpCzORdB/WTf1LpfWJxi9AUT40SWxJYH1MdwVjcKHvAFRGcHVQ==
        """
      ),
    ]
    for (percentiles, text) in cases {
      let histogram = try HistogramEncoding.decode(Array(try #require(Data(base64Encoded: text))))
      #expect(histogram.count == 300)
      #expect([50, 90, 99, 100].map { histogram.percentile($0) } == percentiles)
    }
  }

  @Test func emptyAndExtremeValues() throws {
    let none = Histogram()
    #expect(none.count == 0 && none.max == 0 && none.min == 0 && none.percentile(99) == 0 && none.mean == 0)
    #expect(try HistogramEncoding.decode(HistogramEncoding.encodeCompressed(none)) == none)
    var extreme = Histogram()
    extreme.record(-5)
    extreme.record(.max)
    #expect(extreme.percentile(50) == 0)
    #expect(extreme.percentile(100) >= Histogram.largest)
    #expect(try HistogramEncoding.decode(HistogramEncoding.encode(extreme)) == extreme)
  }

  @Test func damagedEncodingsAreErrors() {
    var random = SeededGenerator(seed: 4)
    let whole = HistogramEncoding.encodeCompressed(sample())
    #expect(whole.count < HistogramEncoding.encode(sample()).count)
    let plain = HistogramEncoding.encode(few)
    for cut in 0..<whole.count - 1 {
      #expect(throws: HistogramEncoding.Failure.self) { try HistogramEncoding.decode(Array(whole[..<cut])) }
    }
    // No checksum here: whatever it is taken for, it must not crash.
    for _ in 0..<5000 {
      var bytes = plain
      bytes[random.below(bytes.count)] = UInt8(random.below(256))
      bytes[random.below(bytes.count)] = [0xff, 0x80, 0x7f][random.below(3)]
      if let histogram = try? HistogramEncoding.decode(bytes) { #expect(histogram.count >= 0) }
    }
  }

  @Test func logThereAndBack() throws {
    let entries = [
      HistogramLog.Entry(tag: "confirm", start: 0, length: 1, histogram: few),
      HistogramLog.Entry(tag: "end-to-end", start: 0, length: 1, histogram: sample()),
      HistogramLog.Entry(tag: "confirm", start: 1, length: 1.002, histogram: sample()),
    ]
    let text = HistogramLog.header(realtime: 1_700_000_000_123_456_789) + entries.map(HistogramLog.line).joined()
    #expect(text.contains("#[StartTime: 1700000000.123 (seconds since epoch)]\n"))
    #expect(text.contains("\nTag=confirm,0.000,1.000,123480.310,HISTFAAA"))
    #expect(try HistogramLog.parse(Array(text.utf8), file: "x") == entries)
    #expect(try HistogramLog.parse(Array(text.replacing("\n", with: "\r\n").utf8), file: "x") == entries)
    #expect(try HistogramLog.parse(Array(text.utf8.dropLast(10)), file: "x") == Array(entries.dropLast()))
    let merged = HistogramLog.merged(entries)
    #expect(merged["confirm"]?.count == 1020 && merged["end-to-end"]?.count == 1000)
    let error = try #require(throws: HistoryError.self) {
      try HistogramLog.parse(Array("Tag=a,0,1,2,HISTxx==\n".utf8), file: "l")
    }
    #expect(error.line == 1)
  }
}
