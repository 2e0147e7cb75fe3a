// Histories of transactions in a short notation.

import History
import Testing

@testable import Checkers

enum ShortTransactions {
  /// One line for each transaction: `process outcome value`, begun and ended before the next begins; `begin` and `end` on
  /// lines of their own leave it open meanwhile.
  static func check(
    _ lines: [String], _ change: (inout TransactionOptions) -> Void = { _ in }
  ) throws -> TransactionResult {
    var options = TransactionOptions()
    change(&options)
    return TransactionChecker.check(try history(lines), options: options)
  }

  static func history(_ lines: [String]) throws -> TransactionHistory {
    var (text, time) = ([String](), 0)
    func add(_ process: Substring, _ type: String, _ function: String, _ value: String, _ rest: String) {
      time += 1
      text.append(
        #"{"time":\#(time),"process":\#(process),"type":"\#(type)","f":"\#(function)","value":\#(value)\#(rest)}"#)
    }
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 2)
      let isAssignment = words[1].hasPrefix("assign")
      let parts = words[2].split(separator: "|")
      let rest = parts.count > 1 ? "," + parts[1] : ""
      let function = isAssignment ? "assign" : "txn"
      if words[1] != "end" { add(words[0], "invoke", function, String(parts[0]), rest) }
      if words[1] == "begin" { continue }
      let outcome = ["assign": "ok", "assign-fail": "fail", "end": "ok"][words[1]] ?? String(words[1])
      add(words[0], outcome, function, String(parts[0]), rest)
    }
    return try TransactionHistory.parse(Array(text.joined(separator: "\n").utf8), file: "t.jsonl")
  }
}
