// What a fault is, and what it may touch. Each kind has a file of its own beside this; how to add one: conform to `Fault`,
// give it a case in `FaultPlan.Kind` and a line in `makeFault`.

import Arena
import Base
import EventLoop
import Scenario

/// What faults act upon. The runner's cluster is one; everything happens on its loop's thread.
public protocol Field: AnyObject {
  var loop: Loop { get }
  /// Names of the nodes, in the plan's order.
  var nodes: [String] { get }
  var network: Network { get }
  func process(of node: String) -> NodeProcess?
  func disk(of node: String) -> NodeDisk?
  /// Starts a node that is down, on its old address and disk. `done` comes with the instant of the start, not of readiness.
  func start(_ node: String, done: @escaping () -> Void)
}

/// How a fault is known to have been one.
public struct Evidence: Equatable {
  /// A probe of ours through the same path was stopped or delayed, or the process is gone.
  public var inForce: Bool
  /// The broker's own packets, requests or processes were touched.
  public var felt: Bool
  /// What was seen, in words and figures.
  public var text: String
  public var counts: [String: Double]

  public init(inForce: Bool, felt: Bool, text: String, counts: [String: Double] = [:]) {
    self.inForce = inForce
    self.felt = felt
    self.text = text
    self.counts = counts
  }
}

/// One fault at its targets. The nemesis calls `begin` once, then `evidence` once while it still stands, then `heal` once.
public protocol Fault: AnyObject {
  /// Does it; `done` when it is done.
  func begin(done: @escaping () -> Void)
  /// Asked just before the heal, so that it speaks of the fault's whole length.
  func evidence(done: @escaping (Evidence) -> Void)
  /// Undoes it; `done` when it is undone.
  func heal(done: @escaping () -> Void)
  /// After the heal: has the broker used what was broken?
  func trafficAgain() -> Bool
}

/// The fault of a plan's entry at the nodes to which its target resolved.
public func makeFault(_ plan: FaultPlan, targets: [String], field: any Field) -> any Fault {
  switch plan.kind {
  case .crash: Crash(targets: targets, field: field)
  case .pause: Pause(targets: targets, field: field)
  case .partition: Partition(plan: plan, targets: targets, field: field)
  case .link: LinkTrouble(plan: plan, targets: targets, field: field)
  case .diskStall, .diskDelay, .diskError: DiskTrouble(plan: plan, targets: targets, field: field)
  }
}

/// Calls `each` for every element and `done` once, when all of them have called back.
func forAll<T>(_ elements: [T], each: (T, @escaping () -> Void) -> Void, done: @escaping () -> Void) {
  guard !elements.isEmpty else { return done() }
  var left = elements.count
  for element in elements {
    each(element) {
      left -= 1
      if left == 0 { done() }
    }
  }
}
