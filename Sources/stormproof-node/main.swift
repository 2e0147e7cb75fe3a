// The embedded broker as a process.

import Broker
import Glibc

do {
  switch try Options.parse(Array(CommandLine.arguments.dropFirst())) {
  case .help: put(Options.help, to: STDOUT_FILENO)
  case .version: put("stormproof-node 0.1\n", to: STDOUT_FILENO)
  case .run(let options): start(options)
  }
} catch {
  put("stormproof-node: \(error); --help tells more\n", to: STDERR_FILENO)
  exit(ExitStatus.usage.rawValue)
}
