// Time as the whole house counts it: nanoseconds of CLOCK_MONOTONIC, in 64 bits. Pure modules receive it, they never read it.

/// Nanoseconds, either an instant of CLOCK_MONOTONIC or a length of time; the name of the variable says which.
public typealias Nanoseconds = Int64

extension Nanoseconds {
  public static let microsecond: Nanoseconds = 1_000
  public static let millisecond: Nanoseconds = 1_000_000
  public static let second: Nanoseconds = 1_000_000_000

  /// The same length in seconds, for people and for reports.
  public var seconds: Double { Double(self) / 1e9 }
  /// The same length in milliseconds.
  public var milliseconds: Double { Double(self) / 1e6 }
}
