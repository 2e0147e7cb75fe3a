// `doctor`: which faults this machine can do.

import Arena
import Arguments
import FoundationEssentials

enum DoctorCommand {
  static func run(_ invocation: Invocation) -> Int32 {
    let report = Doctor.examine()
    if invocation.has("json") {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      guard let data = try? encoder.encode(report) else { return 70 }
      Terminal.write(String(decoding: data, as: UTF8.self) + "\n")
    } else {
      Terminal.write(report.text)
    }
    return report.ok ? 0 : 5
  }
}
