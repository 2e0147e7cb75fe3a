// When a register certainly held a value, and which two values cannot both have been there.

/// The zones of Gibbons and Korach ("Testing shared memories", 1997, section 4.2). The zone of a value lies between the
/// least return and the greatest invocation among its write and its reads. Where the return comes first the zone is
/// forward: the register held the value all the time between. Else it is backward: all its operations overlap there, and
/// the value was there at some moment of it. A history in which every value is written once is that of a register exactly
/// when no read is of what had not been written, forward zones are disjoint, and no backward zone lies inside a forward
/// one.
enum RegisterZones {
  typealias Value = RegisterAudit.Value

  static func sorted(_ values: [Value]) -> [Value] {
    values.sorted { ($0.key, min($0.least, $0.greatest)) < ($1.key, min($1.least, $1.greatest)) }
  }

  /// By value that was read again too late: it, and of those that had taken its place the last that was there before that
  /// read.
  static func conflicts(_ values: [Value]) -> [(old: Value, new: Value)] {
    var conflicts: [(old: Value, new: Value)] = []
    // Of this key's forward zones so far the one that ends last, and what contradicts it.
    var cover: Value?
    var last: Value?
    func close() { if let cover, let last { conflicts.append((cover, last)) } }
    for value in values {
      if cover?.key != value.key {
        close()
        (cover, last) = (nil, nil)
      }
      // Of zones that begin later: forward, it need only begin before the other's end; backward, it must end there too.
      if let cover, value.least < cover.greatest, value.least > last?.least ?? -1 { last = value }
      if value.least < value.greatest, value.greatest > cover?.greatest ?? -1 {
        close()
        (cover, last) = (value, nil)
      }
    }
    close()
    return conflicts
  }
}
