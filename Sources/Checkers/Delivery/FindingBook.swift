// Counts every unit of every finding and keeps the first few of each that somebody wants to see.

import Base
import History

struct FindingBook {
  private let limit: Int
  private let listed: [Bool]
  private(set) var counts: [Int]
  private var lists: [[Finding]]

  init(limit: Int, listed: Set<FindingName>) {
    self.limit = limit
    self.listed = FindingName.allCases.map(listed.contains)
    counts = Array(repeating: 0, count: FindingName.allCases.count)
    lists = Array(repeating: [], count: FindingName.allCases.count)
  }

  /// Counts one more.
  /// - Returns: Whether it is worth describing.
  mutating func count(_ name: FindingName) -> Bool {
    counts[name.position] += 1
    return listed[name.position] && lists[name.position].count < limit
  }

  mutating func keep(_ finding: Finding) { lists[finding.name.position].append(finding) }

  /// By name, each in the order of the history.
  var findings: [Finding] {
    lists.flatMap { list in
      let order = list.indices.sorted { a, b in
        let (x, y) = (list[a].events.first ?? 0, list[b].events.first ?? 0)
        return x == y ? a < b : x < y
      }
      return order.map { list[$0] }
    }
  }
}

extension FindingName {
  /// Its place in `allCases`.
  var position: Int {
    switch self {
    case .lost: 0
    case .unexpected: 1
    case .abortedRead: 2
    case .duplicated: 3
    case .duplicatedByRetry: 4
    case .redelivered: 5
    case .wrongRedeliveredFlag: 6
    case .recovered: 7
    case .tornTransaction: 8
    case .outOfOrder: 9
    case .stuckConfirm: 10
    case .stuckMessage: 11
    case .deadLetterLost: 12
    }
  }
}
