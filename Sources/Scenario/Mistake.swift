// What is wrong in a file that a person wrote, and where: all of it at once, in the order of the file.

/// A place in a file, counted from 1; columns are characters.
public struct Mark: Comparable, Hashable, Sendable {
  public var line: Int
  public var column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  public static func < (a: Mark, b: Mark) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// One mistake.
public struct Mistake: Equatable, Sendable {
  public var mark: Mark
  /// What stands there: `cluster.nodes is "many"`.
  public var what: String
  /// What should: `a whole number from 1 to 7`.
  public var expected: String

  public init(_ mark: Mark, _ what: String, expected: String) {
    self.mark = mark
    self.what = what
    self.expected = expected
  }

  /// `FILE:LINE:COLUMN: what, expected what`, in one line.
  public func line(file: String) -> String {
    "\(file):\(mark.line):\(mark.column): \(what), expected \(expected)"
  }
}

/// All mistakes of a file; never empty when thrown.
public struct Mistakes: Error, Equatable, Sendable, CustomStringConvertible {
  /// By position.
  public var list: [Mistake]

  public init(_ list: [Mistake]) {
    // Stable, and without repetitions: an anchor that is used twice would be reported twice.
    var seen: [Mistake] = []
    for (_, mistake) in list.enumerated().sorted(by: { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) })
    where seen.last != mistake {
      seen.append(mistake)
    }
    self.list = seen
  }

  public func lines(file: String) -> [String] { list.map { $0.line(file: file) } }
  public var description: String { lines(file: "scenario").joined(separator: "\n") }
}

/// A piece of somebody's text, safe for a message of one line: shortened, control characters escaped.
func quoted(_ text: String) -> String {
  var short = ""
  for scalar in text.unicodeScalars.prefix(60) {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
      short += scalar.escaped(asASCII: true)
    default: short.unicodeScalars.append(scalar)
    }
  }
  return "\"" + short + (text.unicodeScalars.count > 60 ? "…" : "") + "\""
}

/// The candidate that was probably meant: the nearest by edit distance, near enough for a slip of the fingers.
func nearest(_ word: String, in candidates: [String]) -> String? {
  let limit = max(1, min(3, word.unicodeScalars.count / 3))
  var best: (distance: Int, word: String)?
  for candidate in candidates {
    let distance = editDistance(Array(word.unicodeScalars.prefix(64)), Array(candidate.unicodeScalars))
    if distance <= limit, best.map({ distance < $0.distance }) ?? true { best = (distance, candidate) }
  }
  return best?.word
}

/// Wagner and Fischer's, with transpositions of neighbours counted as one (restricted Damerau–Levenshtein).
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  var before: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
      row.append(cost)
    }
    before = last
    last = row
  }
  return last[b.count]
}
