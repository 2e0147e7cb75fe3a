// The same history is judged alike in every notation, and Jepsen's drains mean what Jepsen means by them.

import Base
import Foundation
import History
import Testing

@testable import Checkers

@Suite struct EDNCheckTests {
  @Test func theCorpusIsJudgedAlikeAsEDN() throws {
    for (folder, model) in [("delivery", CheckModel.atLeastOnce), ("queues", .fifo), ("queues", .bag)] {
      let rows = try CorpusTests.manifest(folder).filter { (Int($0["ops"] ?? $0["events"] ?? "") ?? 0) <= 3000 }
      #expect(rows.count > 5)
      for row in rows.prefix(12) {
        let lines = try CorpusTests.history(folder, row)
        let forms = try JepsenHistory.parse(JepsenHistory.export(lines), file: "h.edn")
        let expected = try CheckCommandCore.run(lines, model: model)
        #expect(try CheckCommandCore.run(forms, model: model) == expected, "\(row["file"] ?? "")")
        guard model != .atLeastOnce else { continue }
        // As Jepsen itself prints it: no numbers of operations.
        let bare = String(decoding: JepsenHistory.export(lines), as: UTF8.self).replacing(/\ :op \d+,/, with: "")
        let paired = try JepsenHistory.parse(Array(bare.utf8), file: "h.edn")
        #expect(try CheckCommandCore.run(paired, model: model) == expected, "\(row["file"] ?? "")")
      }
    }
  }

  /// Two are enqueued, and then drained by two processes.
  private func verdict(_ model: CheckModel, _ drains: [String]) throws -> HistoryVerdict {
    let head = """
      {:process 0, :type :invoke, :f :enqueue, :value 1, :time 1}
      {:process 0, :type :ok, :f :enqueue, :value 1, :time 2}
      {:process 0, :type :invoke, :f :enqueue, :value 2, :time 3}
      {:process 0, :type :ok, :f :enqueue, :value 2, :time 4}
      {:process :nemesis, :type :info, :f :stop, :time 5}
      {:process 0, :type :invoke, :f :drain, :value nil, :time 10}
      {:process 1, :type :invoke, :f :drain, :value nil, :time 11}

      """
    let text = head + drains.joined(separator: "\n")
    return try CheckCommandCore.run(JepsenHistory.parse(Array(text.utf8), file: "h.edn"), model: model).verdict
  }

  @Test(arguments: [CheckModel.fifo, .bag]) func drainsShowWhatIsLost(model: CheckModel) throws {
    func ok(_ process: Int, _ values: String, _ time: Int) -> String {
      "{:process \(process), :type :ok, :f :drain, :value [\(values)], :time \(time)}"
    }
    #expect(try verdict(model, [ok(0, "1 2", 20), ok(1, "", 21)]) == .valid)
    #expect(try verdict(model, [ok(0, "2", 20), ok(1, "1", 21)]) == .valid)
    #expect(try verdict(model, [ok(0, "2", 20), ok(1, "", 21)]) == .violated)
    #expect(try verdict(model, [ok(0, "", 20), ok(1, "", 21)]) == .violated)
    #expect(try verdict(model, [ok(0, "1 2", 20), ok(1, "2", 21)]) == .violated)
    #expect(try verdict(model, [ok(0, "1 2 3", 20), ok(1, "", 21)]) == .violated)
    // Whoever crashed may have taken it.
    #expect(try verdict(model, [ok(0, "2", 20)]) == .valid)
    #expect(
      try verdict(model, [ok(0, "", 20), "{:process 1, :type :info, :f :drain, :value :timeout, :time 21}"]) == .valid)
    #expect(try verdict(model, [ok(0, "2 2", 20)]) == .violated)
  }
}
