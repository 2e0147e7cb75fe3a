// Foundation has a `Bundle` of its own: where it is imported, the scenario's goes by another name.

import Scenario

typealias ReliabilityBundle = Bundle
/// The testing library has an `Expectation` too.
typealias PlannedExpectation = Expectation
