// Every format against damage: whatever the bytes are, they are parsed or refused with one error that names a place.

import Base
import Damage
import Testing

@testable import History

/// A format and what to try on it.
struct DamagedFormat: Sendable, CustomTestStringConvertible {
  var name: String
  var tokens: String
  var samples: @Sendable (inout SeededGenerator) throws -> [[UInt8]]
  /// Parses and, what was parsed, writes and parses again.
  /// Returns: what is wrong with that; nil: nothing.
  var parse: @Sendable ([UInt8]) throws(HistoryError) -> String?

  var testDescription: String { name }
}

struct DamageTests {
  @Test(arguments: formats) func damagedFilesAreParsedOrRefused(format: DamagedFormat) throws {
    // The samples are the same for every seed, so that a seed alone says what was tried.
    var random = SeededGenerator(seed: 1, label: format.name)
    let samples = try format.samples(&random)
    for sample in samples { #expect(try format.parse(sample) == nil) }
    let mutator = Mutator(format.tokens)
    var refused = 0
    let run = DamageRun(format.name, usual: 1800, share: 2 * Self.formats.count)
    run.each { seed in
      var random = SeededGenerator(seed: seed, label: format.name)
      let bytes = mutator.damaged(samples[random.below(samples.count)], others: samples, &random)
      do throws(HistoryError) {
        if let complaint = try format.parse(bytes) { Issue.record("\(format.name), seed \(seed): \(complaint)") }
      } catch {
        refused += 1
        let hasPlace = error.file == "x" && (error.line != nil || error.byte != nil) && !error.message.isEmpty
        let isInside =
          error.line.map { $0 >= 1 && $0 <= bytes.count + 1 } ?? true
          && error.byte.map { $0 >= 0 && $0 <= max(bytes.count, 1 << 20) } ?? true
        if !hasPlace || !isInside { Issue.record("\(format.name), seed \(seed): \(error)") }
      }
    }
    // Neither everything nor nothing: otherwise the damage is of the wrong kind.
    let isMixed = refused > run.seeds.count / 20 && refused < run.seeds.count
    #expect(isMixed || !run.isMany, "\(format.name): \(refused) refused")
  }

  /// What is so far from anything that the time between two of them is no number of 64 bits.
  @Test(arguments: [Int64.min, Event.times.lowerBound - 1, Event.times.upperBound + 1, Int64.max])
  func timesAtTheEdgesAreRefused(time: Int64) throws {
    func refuses<T>(_ parse: (String) throws -> T, _ text: String) {
      let error = #expect(throws: HistoryError.self) { try parse(text) }
      #expect(error?.message.contains("between \(Event.times.lowerBound) and \(Event.times.upperBound)") == true)
    }
    func lines(_ text: String) throws -> RecordedHistory { try JSONLines.parse(Array(text.utf8), file: "x") }
    refuses(lines, #"{"time":\#(time),"process":0,"type":"invoke","f":"enqueue","value":1}"#)
    refuses(
      { try JepsenHistory.parse(Array($0.utf8), file: "x") },
      "{:time \(time) :process 0 :type :invoke :f :enqueue :value 1}")
    refuses(
      { try TransactionHistory.parse(Array($0.utf8), file: "x") },
      #"{"time":\#(time),"process":0,"type":"invoke","f":"txn","value":[]}"#)
    refuses(
      { try TransactionHistory.parseEDN(Array($0.utf8), file: "x") },
      "{:time \(time) :process 0 :type :invoke :f :txn :value []}")
    var event = Event()
    event.time = time
    let bytes = try binary(RecordedHistory(names: Names(), events: [event], isComplete: true))
    refuses({ _ in try HistoryReader.decode(bytes, file: "x") }, "")
  }

  private static let words = "enqueue dequeue publish deliver ack invoke ok fail info null true false \\ u00e9 - . e + "

  private static func histories(_ random: inout SeededGenerator) -> [RecordedHistory] {
    (1...6).map { foreseeingNothing(randomHistory(&random, events: $0)) }
  }

  /// What was parsed can be written in both notations and is the same then.
  @Sendable private static func history(_ bytes: [UInt8]) throws(HistoryError) -> String? {
    let history = try HistoryInput.decode(bytes, file: "x")
    let lines = JSONLines.export(history)
    // Numbers beyond 63 bits, and times that go back, are in binary histories only.
    guard let again = try? JSONLines.parse(lines, file: "again") else { return nil }
    let linesAgain = JSONLines.export(again)
    if linesAgain != lines { return "as JSON lines: \(difference(lines, linesAgain))" }
    let forms = JepsenHistory.export(foreseeingNothing(again))
    guard let third = try? JepsenHistory.parse(forms, file: "again") else { return nil }
    let formsAgain = JepsenHistory.export(third)
    return formsAgain == forms ? nil : "as EDN: \(difference(forms, formsAgain))"
  }

  private static let transactionWords =
    "txn send poll assign subscribe invoke ok fail info null true false { } [ ] \" , : - . e"

  /// Every number that is a place leads somewhere, and what was read can be written in both notations and stays the same.
  @Sendable private static func consistency(_ history: TransactionHistory) -> String? {
    let isSound =
      history.accesses.allSatisfy { Int($0.key) < history.keys.count && $0.offset >= -1 }
      && history.keyLists.allSatisfy { Int($0) < history.keys.count }
      && history.transactions.allSatisfy {
        $0.accesses.upperBound <= history.accesses.count && $0.keyList.upperBound <= history.keyLists.count
          && ($0.invocation >= 0 || $0.completion >= 0)
      }
    if !isSound { return "places that are none" }
    var (lines, forms): ([UInt8], [UInt8]) = ([], [])
    history.exportJSONLines { lines += $0 }
    history.exportEDN { forms += $0 }
    guard let again = try? TransactionHistory.parse(lines, file: "again"),
      let third = try? TransactionHistory.parseEDN(forms, file: "again")
    else { return "what was written cannot be read: \(String(decoding: lines, as: UTF8.self))" }
    var (linesAgain, fromForms): ([UInt8], [UInt8]) = ([], [])
    again.exportJSONLines { linesAgain += $0 }
    third.exportJSONLines { fromForms += $0 }
    if linesAgain != lines { return "as JSON lines: \(difference(lines, linesAgain))" }
    return fromForms == lines ? nil : "as EDN: \(difference(lines, fromForms))"
  }

  /// The first lines that are not the same.
  private static func difference(_ a: [UInt8], _ b: [UInt8]) -> String {
    let pairs = zip(a.split(separator: 0x0a), b.split(separator: 0x0a))
    guard let pair = pairs.first(where: { $0 != $1 }) else { return "another number of lines" }
    return "\(String(decoding: pair.0, as: UTF8.self)) became \(String(decoding: pair.1, as: UTF8.self))"
  }

  private static func latencies(_ random: inout SeededGenerator) -> [[UInt8]] {
    (0..<4).map { _ in
      var histogram = Histogram()
      for _ in 0..<30 { histogram.record(Int64(random.next() >> UInt64(20 + random.below(40)))) }
      let entry = HistogramLog.Entry(tag: "confirm", start: 0, length: 1, histogram: histogram)
      return Array((HistogramLog.header(realtime: 1_000_000_000) + HistogramLog.line(entry)).utf8)
    }
  }

  private static let rows: [SeriesRow] = (1...6).map { second in
    var row = SeriesRow()
    row.time = Nanoseconds(second) * .second
    row.phase = "load"
    row.offered = 1000 * second
    row.confirmP50 = 1.25
    row.nodes = [NodeSample(name: "n1"), NodeSample(name: "n2")]
    return row
  }

  private static let events: [RunEvent] = [RunEvent.Kind.faultIntent, .faultEvidence].map { kind in
    var event = RunEvent(time: 7, kind: kind)
    event.fault = "crash#1"
    event.text = "n1 → \"n2\""
    event.counts = ["packets": 3.5]
    return event
  }

  static let formats: [DamagedFormat] = [
    DamagedFormat(
      name: "JSON lines",
      tokens: words + "{ } [ ] \" , : \"value\": \"time\": \"op\": \"f\": \"type\": \"to\":[\"q\"] \"x\":{",
      samples: { histories(&$0).map { JSONLines.export($0) } }, parse: history),
    DamagedFormat(
      name: "EDN",
      tokens: words
        + "{ } [ ] ( ) #{ #_ # \" , : ; :value :time :op :f :type nil #inst ##Inf 1N 0x :drain :nemesis \\a",
      samples: { histories(&$0).map { JepsenHistory.export($0) } + EDNSamples.all }, parse: history),
    DamagedFormat(
      name: "binary", tokens: "SPhb", samples: { try histories(&$0).map { try binary($0) } }, parse: history),
    DamagedFormat(
      name: "gzip", tokens: "\u{1f}",
      samples: { try histories(&$0).map { try compressed(JSONLines.export($0), by: "gzip") } },
      parse: history),
    DamagedFormat(
      name: "xz", tokens: "7zXZ YZ",
      samples: { try histories(&$0).map { try compressed(JSONLines.export($0), by: "xz") } },
      parse: history),
    DamagedFormat(
      name: "transactions as JSON lines", tokens: transactionWords + " [\"send\", \"k\":[[ [\"poll\"] {\"keys\":[",
      samples: { _ in TransactionSamples.lines },
      parse: { bytes throws(HistoryError) in consistency(try TransactionHistory.parse(bytes, file: "x")) }),
    DamagedFormat(
      name: "transactions as EDN", tokens: transactionWords + " [:send [:poll {:keys nil #{ #_ 1N :x :rebalance-log",
      samples: { _ in TransactionSamples.forms },
      parse: { bytes throws(HistoryError) in consistency(try TransactionHistory.parseEDN(bytes, file: "x")) }),
    DamagedFormat(
      name: "latency.hlog", tokens: "Tag= , HISTFAAA = # \" 0.5 -", samples: { latencies(&$0) },
      parse: { bytes throws(HistoryError) in
        let entries = try HistogramLog.parse(bytes, file: "x")
        let text = HistogramLog.header(realtime: 0) + entries.map(HistogramLog.line).joined()
        let again = try? HistogramLog.parse(Array(text.utf8), file: "again")
        return again?.map(\.histogram) == entries.map(\.histogram) ? nil : "written and read, it is another log"
      }),
    DamagedFormat(
      name: "histogram", tokens: "\u{1c} x",
      samples: { random in
        (0..<4).map { _ in
          var histogram = Histogram()
          for _ in 0..<30 { histogram.record(Int64(random.next() >> UInt64(20 + random.below(40)))) }
          return HistogramEncoding.encode(histogram)
        }
      },
      parse: { bytes throws(HistoryError) in
        do throws(HistogramEncoding.Failure) { _ = try HistogramEncoding.decode(bytes) } catch {
          throw HistoryError(file: "x", byte: 0, error.message)
        }
        return nil
      }),
    DamagedFormat(
      name: "series.csv", tokens: ", \" \"\" n1.cpu offered time_ns -1 0.5 nan inf",
      samples: { _ in [Array((SeriesFile.header(nodes: ["n1", "n2"]) + rows.map(SeriesFile.line).joined()).utf8)] },
      parse: { bytes throws(HistoryError) in
        _ = try SeriesFile.parse(bytes, file: "x")
        return nil
      }),
    DamagedFormat(
      name: "events.jsonl", tokens: words + "{ } [ ] \" , : \"kind\" \"time\" \"counts\" \"fault\"",
      samples: { _ in [events.flatMap(RunEvents.line)] },
      parse: { bytes throws(HistoryError) in
        _ = try RunEvents.parse(bytes, file: "x")
        return nil
      }),
  ]
}
