// From a command line to an exit status.

import Arguments
import Glibc
import Runner

enum Program {
  /// The commands that there are, each with what it does. Order of help.
  private static let commands: [(spec: CommandSpec, action: @Sendable (Invocation) throws(UsageError) -> Int32)] = [
    (Commands.runScenario, RunCommands.run), (Commands.check, CheckCommand.run),
    (Commands.report, { RunCommands.report($0) }), (Commands.export, ExportCommand.run),
    (Commands.plan, ScenarioCommands.plan), (Commands.validate, ScenarioCommands.validate),
    (Commands.schema, ScenarioCommands.schema), (Commands.doctor, DoctorCommand.run),
    (Commands.completions, completions),
  ]

  static let spec = ProgramSpec(
    "stormproof", summary: "Chaos and reliability testing of message brokers.", commands: commands.map(\.spec))

  /// - Parameter arguments: without the program's name.
  /// - Returns: the exit status; everything is written.
  static func main(_ arguments: [String]) -> Int32 {
    do {
      switch try spec.parse(arguments) {
      case .help(let command): Terminal.write(spec.help(command))
      case .version: Terminal.write("\(spec.name) \(Stormproof.version)\n")
      case .run(let invocation):
        guard let command = commands.first(where: { $0.spec.name == invocation.command }) else { return 70 }
        return try command.action(invocation)
      }
      return 0
    } catch {
      Terminal.say(error.message + "; " + error.hint)
      return 2
    }
  }

  private static func completions(_ invocation: Invocation) -> Int32 {
    guard let script = spec.completions(for: invocation.operands[0]) else { return 2 }
    Terminal.write(script)
    return 0
  }
}
