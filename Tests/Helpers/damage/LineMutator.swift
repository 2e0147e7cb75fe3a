// Damages histories of JSON lines field by field and line by line: most of what comes of it is decoded, and says what no
// sound recorder would.

import Base

/// Damage that leaves lines lines: some are lost, come twice, change places or stand in a file of another kind, and fields
/// have the values of others, or numbers at the edges. Bytes are `Mutator`'s.
public struct LineMutator: Sendable {
  private typealias Line = [UInt8]

  /// A number, a word or a string, and the key under which it stands (in an array the one of the array).
  private struct Scalar {
    var key: Range<Int>
    var value: Range<Int>
  }

  public init() {}

  /// The file with one to six damages.
  public func damaged(_ file: [UInt8], others: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
    var lines = Self.lines(of: file)
    for _ in 0...[0, 0, 1, 2, 5][random.below(5)] where !lines.isEmpty { damage(&lines, others, &random) }
    // Files whose times go back are refused at their first line that does: few are enough.
    if random.below(16) > 0 { Self.putTimesInOrder(&lines) }
    return Array(lines.joined(separator: [0x0a]))
  }

  private func damage(_ lines: inout [Line], _ others: [[UInt8]], _ random: inout SeededGenerator) {
    let at = random.below(lines.count)
    switch random.below(16) {
    case 0: lines.remove(at: at)
    case 1: lines.insert(lines[at], at: random.below(lines.count))
    case 2: lines.swapAt(at, random.below(lines.count))
    case 3:
      // Back to before, or gone from there on.
      if random.below(4) == 0 { lines.removeSubrange(at...) } else { lines.append(lines.remove(at: at)) }
    case 4:
      let other = Self.lines(of: others[random.below(others.count)])
      guard !other.isEmpty else { return }
      let from = random.below(other.count)
      lines.insert(contentsOf: other[from..<min(other.count, from + 1 + random.below(4))], at: at)
    default: changeField(&lines, at, others, &random)
    }
  }

  private func changeField(
    _ lines: inout [Line], _ at: Int, _ others: [[UInt8]], _ random: inout SeededGenerator
  ) {
    let scalars = Self.scalars(of: lines[at])
    guard !scalars.isEmpty else { return }
    let scalar = scalars[random.below(scalars.count)]
    let old = lines[at][scalar.value]
    let number = Int64(String(decoding: old, as: UTF8.self))
    let new: [UInt8]
    switch random.below(8) {
    case 0, 1: new = number == nil ? Array("null".utf8) : Mutator.edges[random.below(Mutator.edges.count)]
    case 2 where number != nil, 3 where number != nil:
      new = Array("\((number ?? 0) &+ [-2, -1, 1, 2][random.below(4)])".utf8)
    default:
      // What another line says of the same.
      let donor =
        random.below(8) > 0
        ? lines[random.below(lines.count)]
        : Self.lines(of: others[random.below(others.count)]).first ?? []
      let key = lines[at][scalar.key]
      let choices = Self.scalars(of: donor).filter { donor[$0.key] == key }
      guard !choices.isEmpty else { return }
      new = Array(donor[choices[random.below(choices.count)].value])
    }
    lines[at].replaceSubrange(scalar.value, with: new)
  }

  private static func lines(of file: [UInt8]) -> [Line] { file.split(separator: 0x0a).map(Array.init) }

  private static func scalars(of line: Line) -> [Scalar] {
    var scalars: [Scalar] = []
    var key = 0..<0
    var at = 0
    while at < line.count {
      let start = at
      switch line[at] {
      case 0x22:
        at += 1
        while at < line.count, line[at] != 0x22 { at += line[at] == 0x5c ? 2 : 1 }
        at = min(at + 1, line.count)
        if at < line.count, line[at] == 0x3a {
          key = start..<at
        } else {
          scalars.append(Scalar(key: key, value: start..<at))
        }
      case 0x2b, 0x2d, 0x2e, 0x30...0x39, 0x41...0x5a, 0x61...0x7a:
        while at < line.count, ![0x20, 0x22, 0x2c, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d].contains(line[at]) { at += 1 }
        scalars.append(Scalar(key: key, value: start..<at))
      default: at += 1
      }
    }
    return scalars
  }

  private static let time = Array("\"time\":".utf8)

  /// The times of all lines, sorted, in the places where times stand.
  private static func putTimesInOrder(_ lines: inout [Line]) {
    var places: [(line: Int, range: Range<Int>, time: Int64)] = []
    for (number, line) in lines.enumerated() {
      guard let begin = line.firstRange(of: time)?.upperBound else { continue }
      let end = line[begin...].firstIndex { $0 != 0x2d && !(0x30...0x39).contains($0) } ?? line.count
      guard let time = Int64(String(decoding: line[begin..<end], as: UTF8.self)) else { continue }
      places.append((number, begin..<end, time))
    }
    for (place, time) in zip(places, places.map(\.time).sorted()) where place.time != time {
      lines[place.line].replaceSubrange(place.range, with: Array("\(time)".utf8))
    }
  }
}
