// EDN: every kind of form, there and back; pieces of any size; mistakes with their place.

import Base
import Foundation
import Testing

@testable import History

struct EDNTests {
  private func forms(_ text: String) throws -> [EDN] {
    var reader = EDNReader(Array(text.utf8), file: "h.edn")
    var forms: [EDN] = []
    while let form = try reader.next() { forms.append(form) }
    return forms
  }

  private func form(_ text: String) throws -> EDN { try #require(try forms("_ " + text).last) }

  @Test func everyKindOfForm() throws {
    let cases: [(String, EDN)] = [
      ("nil", .null), ("true", .boolean(true)), ("false", .boolean(false)), ("nilly", .symbol("nilly")),
      ("0", .integer(0)), ("-17", .integer(-17)), ("+5", .integer(5)), ("12N", .integer(12)), ("0x1F", .integer(31)),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("1.5", .float(1.5)), ("-2e3", .float(-2000)), ("3.", .float(3)), ("2.5M", .float(2.5)), ("7M", .float(7)),
      ("##Inf", .float(.infinity)), ("##-Inf", .float(-.infinity)), ("1E-2", .float(0.01)),
      ("\"\"", .string("")), ("\"a\\n\\\"\\u00e9é\\uD83D\\uDC30\\101\"", .string("a\n\"éé🐰A")),
      ("\"two\nlines\"", .string("two\nlines")),
      ("\\a", .character("a")), ("\\newline", .character("\n")), ("\\u00e9", .character("é")), ("\\(", .character("(")),
      ("\\🐰", .character("🐰")), ("\\o101", .character("A")), ("\\u", .character("u")), ("\\\"", .character("\"")),
      (":a", .keyword("a")), (":db/id", .keyword("db/id")), (":a.b-c*?!#'<=>", .keyword("a.b-c*?!#'<=>")),
      ("a/b", .symbol("a/b")), ("-", .symbol("-")), ("+a", .symbol("+a")), ("...", .symbol("...")), ("é", .symbol("é")),
      ("(1 [2] #{3})", .list([.integer(1), .vector([.integer(2)]), .set([.integer(3)])])),
      ("[]", .vector([])), ("{}", .map([])), ("[1,2,,3]", .vector([.integer(1), .integer(2), .integer(3)])),
      ("{:a 1, \"b\" nil}", .map([.init(.keyword("a"), .integer(1)), .init(.string("b"), .null)])),
      ("#inst \"2026\"", .tagged("inst", .string("2026"))), ("#a.b/C{}", .tagged("a.b/C", .map([]))),
      ("#:db{:id 1 :x/y 2}", .map([.init(.keyword("db/id"), .integer(1)), .init(.keyword("x/y"), .integer(2))])),
      ("[1 #_2 #_ #_ 3 4 5 ; six\n 7 #_8]", .vector([.integer(1), .integer(5), .integer(7)])),
      ("[#_ [1 {2 3}]]", .vector([])),
    ]
    for (text, expected) in cases {
      #expect(try form(text) == expected, "\(text)")
      #expect(try form(expected.description) == expected, "\(text)")
    }
    guard case .float(let value) = try form("##NaN") else {
      Issue.record("expected a float")
      return
    }
    #expect(value.isNaN)
  }

  @Test func formsOfAFileAndOfAVector() throws {
    let expected: [EDN] = [.map([.init(.keyword("a"), .integer(1))]), .integer(2), .null]
    for text in [
      "{:a 1}\n2\nnil", "[{:a 1}\n2\nnil]\n", "({:a 1} 2 nil) ; end", " ; a comment\n [ {:a 1}, 2, nil #_3 ] #_4 ",
      "#_ignored {:a 1} 2 nil",
    ] { #expect(try forms(text) == expected, "\(text)") }
    #expect(try forms("").isEmpty && forms("[]").isEmpty && forms(" ; no more").isEmpty)
  }

  @Test func valuesAreFoundByKeyword() throws {
    let op = try form("#jepsen.history.Op{:index 3, :f :enqueue, :value [1 2]}")
    #expect(op["index"]?.integer == 3 && op["f"]?.keyword == "enqueue" && op["time"] == nil)
    #expect(op["value"]?.elements == [.integer(1), .integer(2)])
    #expect(EDN.integer(1)["a"] == nil && op.elements == nil && op.integer == nil && op.keyword == nil)
  }

  @Test(arguments: [
    ("{:a 1", 1, 0, "expected } to close what is opened here"),
    ("[1\n 2", 2, 2, "expected ] at the end of the history"),
    ("{:a\n}", 2, 0, "a value behind the key"),
    ("{:a 1\n :a 2}", 2, 1, "every key once"),
    ("#{1 2\n1}", 1, 0, "every element once"),
    ("1 2\n)", 2, 0, "a closing bracket"),
    ("[1)", 1, 2, "a closing bracket"),
    ("[1] 2", 1, 4, "the end of the file"),
    ("1 (2 ]", 1, 5, "expected )"),
    ("\n 99999999999999999999N", 2, 1, "at most 64 bits"),
    ("1/2", 1, 0, "a ratio"),
    ("012", 1, 0, "leading zeros"),
    ("1x", 1, 0, "a number"),
    ("0x", 1, 0, "hexadecimal"),
    ("\"abc", 1, 0, "a quote to end the string"),
    ("\"a\\q\"", 1, 2, "an escape"),
    ("\"a\\uD800\"", 1, 2, "an escape"),
    ("\\bogus", 1, 0, "a character such as"),
    ("::a", 1, 0, "a keyword"),
    ("#\"a+\"", 1, 0, "expected #{, #_, ##Inf or a tag"),
    ("#<Foo>", 1, 0, "expected #{, #_, ##Inf or a tag"),
    ("##Foo", 1, 0, "##NaN"),
    ("#inst", 1, 5, "a form behind the tag"),
    ("{} #_", 1, 3, "a form behind #_"),
    ("@a", 1, 0, "an EDN form"),
  ]) func mistakesAreToldWithTheirPlace(text: String, line: Int, byte: Int, expected: String) throws {
    // In one piece, and in the smallest.
    for piece in [1 << 20, 1] {
      var reader = EDNReader(ByteWindow(Drip(Array(text.utf8), piece: piece)))
      let error = try #require(throws: HistoryError.self) { while try reader.next() != nil {} }
      #expect(error.line == line && error.byte == byte && error.message.contains(expected), "\(error)")
    }
  }

  @Test func nestingIsBounded() throws {
    func nested(_ depth: Int) -> String {
      "nil " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(try forms(nested(100)).count == 2)
    for text in [
      nested(1000), String(repeating: "[", count: 100_000), "1 " + String(repeating: "#_", count: 100_000),
      "1 " + String(repeating: "#a", count: 100_000), "1 " + String(repeating: "#a ", count: 100_000),
      String(repeating: "{", count: 100_000),
    ] {
      let error = try #require(throws: HistoryError.self) { try forms(text) }
      #expect(error.message.contains("levels of nesting") || error.message.contains("form behind"), "\(error)")
    }
  }

  @Test func notUTF8IsAMistake() throws {
    for raw: [UInt8] in [[0x22, 0xff, 0x22], [0x3a, 0x61, 0xc3], [0x5c, 0xc3], [0xff]] {
      var reader = EDNReader([0x31, 0x20] + raw, file: "h.edn")
      _ = try reader.next()
      let error = try #require(throws: HistoryError.self) { try reader.next() }
      #expect(error.line == 1 && error.byte == 2, "\(error)")
    }
  }

  private func random(_ random: inout SeededGenerator, depth: Int = 0) -> EDN {
    func some() -> [EDN] { (0..<random.below(4)).map { _ in self.random(&random, depth: depth + 1) } }
    let words = ["a", "b-c", "x/y", "é", "type", "process"]
    let texts = ["", "plain", "with \"quotes\" \\ and\nlines\t\r", "é🐰\u{1}"]
    let scalars: [Unicode.Scalar] = ["a", "\n", " ", "é", "🐰", "(", "\u{1}", "\\", "\u{7f}"]
    switch random.below(depth > 4 ? 8 : 13) {
    case 0: return .null
    case 1: return .boolean(random.chance(0.5))
    case 2: return .integer(Int64(bitPattern: random.next() >> UInt64(random.below(64))))
    case 3: return .float(Double(random.below(1_000_000)) / 1024 - 300)
    case 4: return .string(texts[random.below(texts.count)])
    case 5: return .character(scalars[random.below(scalars.count)])
    case 6: return .keyword(words[random.below(words.count)])
    case 7: return .symbol(words[random.below(words.count)])
    case 8: return .list(some())
    case 9: return .vector(some())
    case 10: return .set(Array(Set(some())))
    case 11: return .tagged(words[random.below(3)], self.random(&random, depth: depth + 1))
    default:
      let keys = Array(Set(some()))
      return .map(keys.map { EDN.Entry($0, self.random(&random, depth: depth + 1)) })
    }
  }

  @Test(arguments: [UInt64(1), 2, 3]) func printedFormsAreReadInPiecesOfAnySize(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for round in 0..<40 {
      let forms = (0..<20).map { _ in self.random(&random) }
      let isVector = random.chance(0.5)
      let body = forms.map(\.description).joined(separator: [" ", "\n", " ; \"(\n", ", #_[x] "][random.below(4)])
      // A first form that is a vector would be gone into.
      let text = isVector ? "[\(body)]" : "nil " + body
      var reader = EDNReader(ByteWindow(Drip(Array(text.utf8), piece: 1 + random.below(40)), piece: 64))
      var found: [EDN] = []
      while let form = try reader.next() { found.append(form) }
      #expect(found == (isVector ? [] : [.null]) + forms, "seed \(seed), round \(round)")
    }
  }
}

/// Gives its bytes in small pieces, as a pipe may.
final class Drip: ByteStream {
  let file = "drip"
  private var bytes: ArraySlice<UInt8>
  private let piece: Int

  init(_ bytes: [UInt8], piece: Int) {
    self.bytes = bytes[...]
    self.piece = piece
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let some = bytes.prefix(min(piece, buffer.count))
    buffer.copyBytes(from: some)
    bytes = bytes.dropFirst(some.count)
    return some.count
  }
}
