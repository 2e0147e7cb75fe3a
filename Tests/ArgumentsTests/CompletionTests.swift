// Completions are tried in the shells that are there.

import Foundation
import Testing

@testable import Arguments

struct CompletionTests {
  /// What bash offers for the last word of a command line.
  private func offered(_ words: [String]) throws -> [String] {
    let script = try #require(ParserTests.program.completions(for: "bash"))
    let line = words.map { "'\($0)'" }.joined(separator: " ")
    let text = "\(script)\nCOMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); _stormproof; echo \"${COMPREPLY[@]}\"\n"
    return try run("/bin/bash", text).split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
  }

  private func run(_ shell: String, _ text: String) throws -> String {
    let process = Process()
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: shell)
    process.arguments = ["-eu"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    input.fileHandleForWriting.write(Data(text.utf8))
    try input.fileHandleForWriting.close()
    let read = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: read, as: UTF8.self)
  }

  @Test func bashOffersWhatTheTableHas() throws {
    #expect(try offered(["stormproof", "r"]) == ["run"])
    #expect(try offered(["stormproof", ""]).contains("doctor"))
    #expect(try offered(["stormproof", "run", "--se"]) == ["--seed"])
    #expect(try offered(["stormproof", "run", "x", "--levels", ""]) == ["low", "medium", "high"])
    #expect(try offered(["stormproof", "check", "x", "--model", "b"]) == ["bag"])
    #expect(try offered(["stormproof", "completions", ""]) == ["bash", "zsh", "fish"])
    #expect(try offered(["stormproof", "run", "/et"]) == ["/etc"])
    #expect(try offered(["stormproof", "run", "--seed", ""]) == [])
  }

  @Test(arguments: ProgramSpec.shells)
  func everyScriptNamesEveryOption(shell: String) throws {
    let script = try #require(ParserTests.program.completions(for: shell))
    for command in ParserTests.program.commands {
      #expect(script.contains(command.name))
      for option in command.options { #expect(script.contains(option.name)) }
    }
    // Balanced quotes, so that the script can be read at all; bash is really run above.
    #expect(script.filter { $0 == "'" }.count % 2 == 0)
  }

  @Test func otherShells() { #expect(ParserTests.program.completions(for: "csh") == nil) }
}
