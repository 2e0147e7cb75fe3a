// The command line: the arena's own processes first, then a command from the table.

import Arena
import Arguments
import Glibc

if let status = HiddenSubcommand.run(CommandLine.arguments) { exit(status) }
exit(Program.main(Array(CommandLine.arguments.dropFirst())))
