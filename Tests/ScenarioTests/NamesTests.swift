// Names that two modules must agree on, though neither may import the other.

import Checkers
import Testing

@testable import Scenario

struct NamesTests {
  /// No scenario can ask for dead letters, so none can expect something of them.
  @Test func findingsAreThoseOfTheCheckers() {
    let names = FindingName.allCases.filter { $0 != .deadLetterLost }.map(\.rawValue)
    #expect(FindingRule.names == names)
  }
}
