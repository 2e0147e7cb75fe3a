// `series.csv`: one row a second, the columns of each node behind those of the whole; readable by any spreadsheet.

import Base

/// Lines of `series.csv`. Times in seconds would lose digits, so they stay nanoseconds of CLOCK_MONOTONIC; latencies are
/// milliseconds, an empty field is a second without a sample.
public enum SeriesFile {
  static let columns = [
    "time_ns", "phase", "offered", "confirmed", "delivered", "failed", "unknown", "disconnects", "confirm_p50_ms",
    "confirm_p99_ms", "confirm_max_ms", "end_to_end_p50_ms", "end_to_end_p99_ms", "end_to_end_max_ms", "backlog",
    "unacknowledged",
  ]
  static let nodeColumns = ["alive", "paused", "role", "cpu", "resident_bytes", "disk_written_bytes"]

  /// The first line, for nodes of these names in this order.
  public static func header(nodes: [String]) -> String {
    let all = columns + nodes.flatMap { node in nodeColumns.map { "\(node).\($0)" } }
    return all.map(quoted).joined(separator: ",") + "\n"
  }

  /// One row. Its nodes must stand in the order of the header.
  public static func line(_ row: SeriesRow) -> String {
    var fields = [
      "\(row.time)", row.phase, "\(row.offered)", "\(row.confirmed)", "\(row.delivered)", "\(row.failed)",
      "\(row.unknown)", "\(row.disconnects)",
    ]
    for latency in [
      row.confirmP50, row.confirmP99, row.confirmMax, row.endToEndP50, row.endToEndP99, row.endToEndMax,
    ] { fields.append(latency.map(decimal) ?? "") }
    fields += ["\(row.backlog)", "\(row.unacknowledged)"]
    for node in row.nodes {
      fields += [
        node.alive ? "1" : "0", node.paused ? "1" : "0", node.role, decimal(node.cpu), "\(node.residentBytes)",
        "\(node.diskWritten)",
      ]
    }
    return fields.map(quoted).joined(separator: ",") + "\n"
  }

  /// The rows of a file: columns by name, in any order; unknown ones are passed over. A last line without its newline was
  /// being written when the process ended, and is left out.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> [SeriesRow] {
    var lines: [[UInt8]] = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map(Array.init)
    lines.removeLast()
    guard let first = lines.first else { return [] }
    let header = split(first)
    // The nodes in the order of their first column.
    var nodes: [String] = []
    var places: [(node: Int, column: String)?] = []
    for name in header {
      guard let dot = name.lastIndex(of: "."), nodeColumns.contains(String(name[name.index(after: dot)...])) else {
        places.append(nil)
        continue
      }
      let node = String(name[..<dot])
      let index = nodes.firstIndex(of: node) ?? nodes.count
      if index == nodes.count { nodes.append(node) }
      places.append((index, String(name[name.index(after: dot)...])))
    }
    var rows: [SeriesRow] = []
    for (number, line) in lines.enumerated().dropFirst() where !line.isEmpty {
      let fields = split(line)
      guard fields.count == header.count else {
        throw HistoryError(file: file, line: number + 1, "expected \(header.count) fields, found \(fields.count)")
      }
      var row = SeriesRow()
      row.nodes = nodes.map(NodeSample.init)
      for (index, field) in fields.enumerated() {
        let isGood =
          if let (node, column) = places[index] { set(column, field, &row.nodes[node]) } else {
            set(header[index], field, &row)
          }
        guard isGood else {
          throw HistoryError(file: file, line: number + 1, "expected a number for \(header[index]), found \"\(field)\"")
        }
      }
      rows.append(row)
    }
    return rows
  }

  public static func read(_ path: String) throws(HistoryError) -> [SeriesRow] {
    try parse(FileBytes.read(path), file: path)
  }

  /// False where the field is not of the column's type.
  private static func set(_ column: String, _ field: String, _ row: inout SeriesRow) -> Bool {
    func whole(_ path: WritableKeyPath<SeriesRow, Int>) -> Bool {
      Int(field).map { row[keyPath: path] = $0 } != nil
    }
    func latency(_ path: WritableKeyPath<SeriesRow, Double?>) -> Bool {
      if field.isEmpty { return true }
      row[keyPath: path] = Double(field)
      return row[keyPath: path] != nil
    }
    switch column {
    case "time_ns": return Nanoseconds(field).map { row.time = $0 } != nil
    case "phase": row.phase = field
    case "offered": return whole(\.offered)
    case "confirmed": return whole(\.confirmed)
    case "delivered": return whole(\.delivered)
    case "failed": return whole(\.failed)
    case "unknown": return whole(\.unknown)
    case "disconnects": return whole(\.disconnects)
    case "confirm_p50_ms": return latency(\.confirmP50)
    case "confirm_p99_ms": return latency(\.confirmP99)
    case "confirm_max_ms": return latency(\.confirmMax)
    case "end_to_end_p50_ms": return latency(\.endToEndP50)
    case "end_to_end_p99_ms": return latency(\.endToEndP99)
    case "end_to_end_max_ms": return latency(\.endToEndMax)
    case "backlog": return whole(\.backlog)
    case "unacknowledged": return whole(\.unacknowledged)
    default: break
    }
    return true
  }

  private static func set(_ column: String, _ field: String, _ node: inout NodeSample) -> Bool {
    switch column {
    case "alive": node.alive = field == "1"
    case "paused": node.paused = field == "1"
    case "role": node.role = field
    case "cpu": return Double(field).map { node.cpu = $0 } != nil
    case "resident_bytes": return Int64(field).map { node.residentBytes = $0 } != nil
    default: return Int64(field).map { node.diskWritten = $0 } != nil
    }
    return true
  }

  /// Thousandths: what is finer in these figures is noise.
  private static func decimal(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 9e15 else { return "0" }
    let thousandths = Int((value * 1000).rounded())
    let (whole, rest) = thousandths.magnitude.quotientAndRemainder(dividingBy: 1000)
    let digits = "\(rest + 1000)".dropFirst()
    return (thousandths < 0 ? "-" : "") + (rest == 0 ? "\(whole)" : "\(whole).\(digits)")
  }

  /// RFC 4180: quotes only where they are needed.
  private static func quoted(_ field: String) -> String {
    guard field.utf8.contains(where: { $0 == 0x2c || $0 == 0x22 || $0 == 0x0a || $0 == 0x0d }) else { return field }
    return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  /// The fields of one line; a quoted field does not hold a newline here.
  private static func split(_ line: [UInt8]) -> [String] {
    var fields: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var index = 0
    while index < line.count {
      let byte = line[index]
      switch byte {
      case 0x22 where isQuoted && index + 1 < line.count && line[index + 1] == 0x22:
        field.append(0x22)
        index += 1
      case 0x22: isQuoted.toggle()
      case 0x2c where !isQuoted:
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
      case 0x0d where index == line.count - 1: break
      default: field.append(byte)
      }
      index += 1
    }
    fields.append(String(decoding: field, as: UTF8.self))
    return fields
  }
}
