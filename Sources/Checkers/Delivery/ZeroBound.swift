// What a zero is worth: how often the thing may happen all the same, and not have been seen.

import Base
import History

#if canImport(Glibc)
  import Glibc
#endif

/// The bounds behind the zeros of one history of deliveries.
public struct ZeroBound: Codable, Equatable, Sendable {
  /// Faults that began. Whether each was felt by the broker a history does not tell.
  public var faults: Int
  /// At most this share of such faults does it, at 95 %; nil without faults.
  public var upper95PerFault: Double?
  /// Messages acknowledged.
  public var messages: Int
  /// At most this share of messages meets it, at 95 %, were messages independent of each other, which under a fault they
  /// are not; nil without messages.
  public var upper95PerMessage: Double?

  enum CodingKeys: String, CodingKey {
    case faults, messages
    case upper95PerFault = "upper95-per-fault"
    case upper95PerMessage = "upper95-per-message"
  }

  public init(_ history: RecordedHistory, acknowledged: Int) {
    faults = history.events.count { $0.function == .fault && $0.outcome == .invoke }
    messages = acknowledged
    (upper95PerFault, upper95PerMessage) = (Self.upper95(faults), Self.upper95(messages))
  }

  /// The greatest probability under which `count` independent trials all pass with 5 %: 1 − 0.05^(1/n), about 3/n
  /// (the "rule of three", Hanley and Lippman-Hand 1983); nil for no trial.
  public static func upper95(_ count: Int) -> Double? {
    count < 1 ? nil : 1 - pow(0.05, 1 / Double(count))
  }

  /// Two lines for a terminal.
  var words: [String] {
    var lines: [String] = []
    if let upper95PerFault {
      lines.append(
        "a 0 in \(faults) \(faults == 1 ? "fault" : "faults"): at most \(Self.percent(upper95PerFault)) of such faults do it, "
          + "at 95 %, if the broker felt each (a history does not tell)")
    } else {
      lines.append("a 0 without a fault says nothing about faults")
    }
    if let upper95PerMessage {
      lines.append(
        "a 0 in \(messages) messages: at most \(Self.percent(upper95PerMessage)) of messages, at 95 %, were they independent"
      )
    }
    return lines
  }

  /// `63 %`, `0.011 %`: two digits that count.
  private static func percent(_ share: Double) -> String {
    let value = share * 100
    guard value > 0, value < 10 else { return "\(Int(value.rounded())) %" }
    let unit = pow(10, floor(log10(value)) - 1)
    let decimals = max(0, Int(-log10(unit).rounded()))
    let digits = String(Int((value / unit).rounded()))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return "\(padded.dropLast(decimals)).\(padded.suffix(decimals)) %"
  }
}
