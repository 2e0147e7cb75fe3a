// The arena's processes: the same executable under subcommands that no help text shows.

/// What the command line calls before it parses anything.
public enum HiddenSubcommand {
  /// Runs `switch`, `init`, `disk`, `disk-probe` or `doctor-probe` and returns the exit status; nil when `arguments` name none of them.
  /// - Parameter arguments: the command line's, the program's name included.
  public static func run(_ arguments: [String]) -> Int32? {
    let rest = Array(arguments.dropFirst(2))
    switch arguments.dropFirst().first {
    case "switch": return SwitchProcess.main(rest)
    case "init": return InitProcess.main(rest)
    case "disk": return DiskProcess.main(rest)
    case "disk-probe": return DiskProbeProcess.main(rest)
    case "doctor-probe": return DoctorProbe.main(rest)
    default: return nil
    }
  }
}
