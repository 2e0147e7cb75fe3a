// `latency.hlog`: the histogram log format of HdrHistogram, version 1.3, with V2 histograms in it; the usual viewers read it.

import Base
import FoundationEssentials

/// Lines of `latency.hlog`: a histogram of nanoseconds for a stretch of time, under a tag.
///
/// Tags of a level: `confirm` and `end-to-end` count from the intended send time where there is a schedule,
/// `confirm-service` and `end-to-end-service` from the real one.
public enum HistogramLog {
  public static let tags = ["confirm", "confirm-service", "end-to-end", "end-to-end-service"]

  public struct Entry: Equatable, Sendable {
    public var tag: String
    /// Seconds since the start time of the log.
    public var start: Double
    public var length: Double
    public var histogram: Histogram

    public init(tag: String, start: Double, length: Double, histogram: Histogram) {
      self.tag = tag
      self.start = start
      self.length = length
      self.histogram = histogram
    }
  }

  /// The first lines. `realtime`: nanoseconds since 1970 at which offset 0 lies.
  public static func header(realtime: Nanoseconds) -> String {
    """
    #[Logged with stormproof: nanoseconds]
    #[Histogram log format version 1.3]
    #[StartTime: \(decimal(realtime.seconds)) (seconds since epoch)]
    "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"

    """
  }

  /// One line; the maximum is in milliseconds, as the format has it by default.
  public static func line(_ entry: Entry) -> String {
    let data = Data(HistogramEncoding.encodeCompressed(entry.histogram)).base64EncodedString()
    let maximum = entry.histogram.max.milliseconds
    return "Tag=\(entry.tag),\(decimal(entry.start)),\(decimal(entry.length)),\(decimal(maximum)),\(data)\n"
  }

  /// The entries of a log. A last line without its newline was being written when the process ended, and is left out.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> [Entry] {
    var entries: [Entry] = []
    var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    if !lines.isEmpty { lines.removeLast() }
    for (number, bytes) in lines.enumerated() {
      let text = String(decoding: bytes.last == 0x0d ? bytes.dropLast() : bytes, as: UTF8.self)
      if text.isEmpty || text.hasPrefix("#") || text.hasPrefix("\"") { continue }
      var fields = text.split(separator: ",", omittingEmptySubsequences: false)
      var tag = ""
      if let first = fields.first, first.hasPrefix("Tag=") {
        tag = String(first.dropFirst(4))
        fields.removeFirst()
      }
      guard fields.count == 4, let start = Double(fields[0]), let length = Double(fields[1]),
        let data = Data(base64Encoded: String(fields[3]))
      else {
        throw HistoryError(file: file, line: number + 1, "expected [Tag=…,]start,length,max,histogram in base64")
      }
      do throws(HistogramEncoding.Failure) {
        let histogram = try HistogramEncoding.decode(Array(data))
        entries.append(Entry(tag: tag, start: start, length: length, histogram: histogram))
      } catch {
        throw HistoryError(file: file, line: number + 1, error.message)
      }
    }
    return entries
  }

  /// The entries of a file, which may be compressed.
  public static func read(_ path: String) throws(HistoryError) -> [Entry] {
    try parse(CompressedFile.read(path), file: path)
  }

  /// All entries of each tag in one.
  public static func merged(_ entries: [Entry]) -> [String: Histogram] {
    var all: [String: Histogram] = [:]
    for entry in entries { all[entry.tag, default: Histogram()].merge(entry.histogram) }
    return all
  }

  private static func decimal(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "0.000" }
    let thousandths = Int((value * 1000).rounded())
    let digits = "\(thousandths.magnitude % 1000 + 1000)".dropFirst()
    return (thousandths < 0 ? "-" : "") + "\(thousandths.magnitude / 1000).\(digits)"
  }
}
