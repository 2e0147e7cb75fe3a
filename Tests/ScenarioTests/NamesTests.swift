// Names that two modules must agree on, though neither may import the other.

import Checkers
import Testing

@testable import Scenario

struct NamesTests {
  @Test func findingsAreThoseOfTheCheckers() { #expect(FindingRule.names == FindingName.allCases.map(\.rawValue)) }
}
