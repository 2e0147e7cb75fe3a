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
