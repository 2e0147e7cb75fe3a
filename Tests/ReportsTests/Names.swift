// Foundation has a `Bundle` of its own: where it is imported, the scenario's goes by this name.

import Scenario

typealias ReliabilityBundle = Bundle
