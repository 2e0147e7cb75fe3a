// The tests' stand-in for the command line: the arena's hidden subcommands, and small supervisors to test inside.

import Arena
import Glibc

if let status = HiddenSubcommand.run(CommandLine.arguments) { exit(status) }
let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "doctor":
  let report = Doctor.examine()
  print(report.text, terminator: "")
  exit(report.ok ? 0 : 5)
case "run": exit(Harness.run(arguments.dropFirst().map { $0 }))
case "inside": exit(Supervisor.run(arguments.dropFirst().map { $0 }))
case "companion": exit(Companion.run())
case "notify": exit(Tools.notify(arguments.dropFirst().joined(separator: "\n")))
case "serve": exit(Tools.serve())
case "fetch": exit(Tools.fetch(from: arguments[1], bytes: Int(arguments[2]) ?? 0))
default: exit(2)
}
