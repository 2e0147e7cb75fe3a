// The command line: the arena's own processes first, then a command from the table.

import Arena
import Arguments
import Glibc
import Runner
import Workloads

if let status = HiddenSubcommand.run(CommandLine.arguments) { exit(status) }
let rest = Array(CommandLine.arguments.dropFirst(2))
switch CommandLine.arguments.dropFirst().first {
case "supervisor": exit(SupervisorProcess.main(rest))
case WatchProcess.name: exit(WatchProcess.main(rest))
case "load": exit(LoadProcess.main(rest))
case "load-bench": exit(LoadBench.main(rest))
case "recorder-bench": exit(RecorderBench.main(rest))
default: break
}
exit(Program.main(Array(CommandLine.arguments.dropFirst())))
