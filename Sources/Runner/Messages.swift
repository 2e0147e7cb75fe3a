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
  /// The level ran through, or was ended on a violation that is certain.
  case finished(aborted: Bool)
  /// It could not: an exit code of the command line, and why.
  case failed(code: Int32, text: String)
}

/// From the supervisor to the watch.
public enum WatchCommand: Codable, Sendable {
  /// Read the history as it is written, and look for these findings.
  case follow(history: String, findings: [String])
}

/// From the watch to the supervisor.
public enum WatchReport: Codable, Sendable {
  /// The first one that is certain, whatever still comes: the finding's name, and the case in a clause.
  case violation(name: String, text: String)
  /// It cannot go on: a sentence.
  case failed(String)
}
