// The tests' stand-in for the command line: the arena's hidden subcommands, and small supervisors to test inside.

import Arena
import Glibc

if let status = HiddenSubcommand.run(CommandLine.arguments) { exit(status) }
switch CommandLine.arguments.dropFirst().first {
case "doctor":
  let report = Doctor.examine()
  print(report.text, terminator: "")
  exit(report.ok ? 0 : 5)
default:
  exit(2)
}
