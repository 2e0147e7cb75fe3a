// The commands that need no run: plan, validate, schema.

import Arguments
import Checkers
import FoundationEssentials
import Glibc
import Scenario

enum ScenarioCommands {
  static func plan(_ invocation: Invocation) throws(UsageError) -> Int32 {
    guard let (_, plan) = try load(RunOptions(invocation, hint: Program.spec.hint("plan"))) else { return 2 }
    Terminal.write(plan.json)
    return 0
  }

  static func validate(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let file = invocation.operands[0]
    guard let bytes = read(file) else { return 2 }
    do {
      let scenario = try Scenario.decode(bytes)
      if invocation.has("json") {
        Terminal.write("[]\n")
      } else {
        let levels = scenario.levels.map(\.name).joined(separator: ", ")
        let faults = scenario.faults.isEmpty ? "none" : scenario.faults.map(\.id).joined(separator: ", ")
        Terminal.write("\(file): \(scenario.name) is well formed; levels: \(levels); faults: \(faults)\n")
      }
      return 0
    } catch {
      if invocation.has("json") { Terminal.write(json(error, file)) } else { show(error, file) }
      return 2
    }
  }

  static func schema(_ invocation: Invocation) -> Int32 {
    Terminal.write(invocation.operands.first == "check" ? CheckSchema.text : Schema.text)
    return 0
  }

  /// A scenario with its plan, for whatever runs one; nil when the mistakes are said already (exit status 2).
  static func load(_ options: RunOptions) -> (yaml: [UInt8], plan: Plan)? {
    guard let bytes = read(options.file) else { return nil }
    let scenario: Scenario
    do { scenario = try Scenario.decode(bytes) } catch {
      show(error, options.file)
      return nil
    }
    do {
      let plan = try Planner.plan(scenario, seed: options.seed, levels: options.levels, defect: options.defect)
      return (bytes, plan)
    } catch {
      Terminal.say(error.description)
      return nil
    }
  }

  private static let shownMistakes = 50

  private static func show(_ mistakes: Mistakes, _ file: String) {
    // Nobody reads the thousandth; a file of another kind would give that many.
    for line in mistakes.lines(file: file).prefix(shownMistakes) { Terminal.note(line) }
    let more = mistakes.list.count - shownMistakes
    if more > 0 { Terminal.note("\(file): and \(more) more") }
  }

  /// At most what a scenario may have, and one byte more, so that too much is seen as too much.
  private static func read(_ path: String) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 {
      Terminal.note("\(path): \(String(cString: strerror(errno))), expected a scenario file")
      return nil
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= Scenario.byteLimit {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes += buffer[..<count]
      } else if errno != EINTR {
        Terminal.note("\(path): \(String(cString: strerror(errno))), expected a scenario file")
        return nil
      }
    }
    return bytes
  }

  private struct Line: Encodable {
    var file: String
    var line: Int
    var column: Int
    var what: String
    var expected: String
  }

  private static func json(_ mistakes: Mistakes, _ file: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let lines = mistakes.list.map {
      Line(file: file, line: $0.mark.line, column: $0.mark.column, what: $0.what, expected: $0.expected)
    }
    return ((try? encoder.encode(lines)).map { String(decoding: $0, as: UTF8.self) } ?? "[]") + "\n"
  }
}
