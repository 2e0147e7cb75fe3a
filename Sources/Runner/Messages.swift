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

/// Exit codes of the command line.
public enum ExitStatus {
  public static let ok: Int32 = 0
  public static let violated: Int32 = 1
  public static let usage: Int32 = 2
  public static let inconclusive: Int32 = 3
  public static let threshold: Int32 = 4
  public static let environment: Int32 = 5
  public static let internalError: Int32 = 70
  public static let interrupted: Int32 = 130
}
