// `events.jsonl`: run events, one JSON object a line, in the order in which things happened.

/// Lines of `events.jsonl`.
public enum RunEvents {
  /// The event as one line with its newline; keys sorted.
  public static func line(_ event: RunEvent) -> [UInt8] { JSONFile.encode(event, isCompact: true) }

  /// The events of a file. A last line without its newline that cannot be read was being written when the process ended,
  /// and is left out.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> [RunEvent] {
    var events: [RunEvent] = []
    var number = 0
    var start = 0
    while start < bytes.count {
      number += 1
      let end = bytes[start...].firstIndex(of: 0x0a)
      let line = bytes[start..<(end ?? bytes.count)]
      start = (end ?? bytes.count) + 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0d }) { continue }
      do throws(HistoryError) {
        events.append(try JSONFile.decode(RunEvent.self, from: Array(line), file: file))
      } catch {
        if end == nil { break }
        throw HistoryError(file: file, line: number, error.message)
      }
    }
    return events
  }

  public static func read(_ path: String) throws(HistoryError) -> [RunEvent] {
    try parse(FileBytes.read(path), file: path)
  }
}
