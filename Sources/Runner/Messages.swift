// What harness and supervisor say to each other, one JSON message a packet.

import Base
import History

/// From the harness, outside, to the supervisor.
public enum SupervisorCommand: Codable, Sendable {
  /// End the run now: everything inside dies with the supervisor.
  case stop
}

/// From the supervisor to the harness: all of it is display, but for how the level ended.
public enum SupervisorReport: Codable, Sendable {
  case event(RunEvent)
  case row(SeriesRow)
  /// The level ran through.
  case finished
  /// It could not: an exit code of the command line, and why.
  case failed(code: Int32, text: String)
}
