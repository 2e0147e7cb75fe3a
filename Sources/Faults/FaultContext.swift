// What a fault may touch, as the supervisor hands it over. Belongs to the supervisor's loop thread.

import Arena
import Base
import EventLoop
import History
import Scenario

/// The arena seen by the nemesis.
public protocol FaultContext: AnyObject {
  var loop: Loop { get }
  var network: Network { get }
  /// `n1`, `n2`, …: names of nodes, which are their endpoints in the network too.
  var nodeNames: [String] { get }
  /// The clients' endpoint in the network.
  var clientName: String { get }

  func node(_ name: String) -> NodeProcess?
  /// The node's disk; nil where it has none of ours.
  func disk(_ name: String) -> Disk?
  /// The nodes that a target means now, and how that is known: `leader-of q is n2, term 3, said 0.2 s ago`. An empty list
  /// when nobody could say.
  func resolve(_ target: Target, seed: UInt64, _ then: @escaping (_ nodes: [String], _ how: String) -> Void)
  /// Starts a node that has ended again, on its own disk; `then` when it is ready, or with false when it does not come.
  func restart(_ node: String, _ then: @escaping (_ ready: Bool) -> Void)
  /// Has the fault's begin (before the act) or heal (after it) recorded in the history, then goes on.
  func record(_ fault: String, begins: Bool, _ then: @escaping () -> Void)
  /// Writes to `events.jsonl` and shows it.
  func emit(_ event: RunEvent)
}
