// A run directory read, judged and reported: what is in the files, and that they are well formed.

import Base
import Checkers
import Foundation
import FoundationXML
import History
import Reports
import Scenario
import Testing

struct ReportFilesTests {
  @Test func aRunDirectoryGetsItsReports() throws {
    try withFolder { folder in
      try MadeUpRun.write(to: folder)
      let view = try Report.write(folder)
      let directory = RunDirectory(path: folder)
      #expect(view.verdict.levels.map(\.level) == ["low", "medium", "high"])
      #expect(try JSONFile.read(RunVerdict.self, directory.verdict) == view.verdict)
      let page = String(decoding: try FileBytes.read(directory.report), as: UTF8.self)
      #expect(page.utf8.count < 2_000_000)
      try wellFormed(page)
      for forbidden in ["<script", "http://", "https://", "url(", "@import", "src="] {
        #expect(!page.contains(forbidden))
      }
      let lost = try #require(view.verdict.findings.first { $0.name == "lost" && $0.level == "low" })
      let lanes = try #require(lost.lanes)
      #expect(lanes.count == Explainer.perName && lanes.allSatisfy { !$0.rows.isEmpty })
      for picture in lanes {
        #expect(page.components(separatedBy: "aria-label=\"\(picture.sentence)\"").count == 3, "wide and narrow")
        #expect(picture.rows.allSatisfy { row in page.contains(row.intervals[0].label) })
      }
      let text = Report.terminalTable(view.verdict, width: 90, colour: false, explains: true)
      #expect(text.contains(lanes[0].text(width: 90)) && text.split(separator: "\n").allSatisfy { $0.count <= 90 })
      #expect(!Report.terminalTable(view.verdict, colour: false).contains("├"))
      try wellFormed(String(decoding: try FileBytes.read(directory.junit), as: UTF8.self))
      #expect(String(decoding: try FileBytes.read(directory.summary), as: UTF8.self).contains("| low |"))
    }
  }
}

/// Parses as XML; the named entities of HTML are not used.
func wellFormed(_ text: String) throws {
  let body = text.replacing("<!DOCTYPE html>", with: "")
  let parser = XMLParser(data: Data(body.utf8))
  #expect(parser.parse(), "\(parser.parserError.map(String.init(describing:)) ?? "") at line \(parser.lineNumber)")
}
