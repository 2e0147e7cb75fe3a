// One direction of a TCP connection: bytes arrive in order and late, and while the way is cut they wait.

import Base

final class Pipe {
  private let clock: VirtualClock
  private let latency: ClosedRange<Nanoseconds>
  private(set) var isCut = false
  /// Nothing arrives before what was sent earlier.
  private var lastArrival: Nanoseconds = 0
  private var held: [() -> Void] = []

  init(_ clock: VirtualClock, latency: ClosedRange<Nanoseconds>) {
    self.clock = clock
    self.latency = latency
  }

  func send(_ deliver: @escaping () -> Void) {
    guard !isCut, held.isEmpty else { return held.append(deliver) }
    launch(deliver, extra: 0)
  }

  private func launch(_ deliver: @escaping () -> Void, extra: Nanoseconds) {
    lastArrival = max(lastArrival + 1, clock.now + extra + clock.draw(latency))
    clock.at(lastArrival) { [self] in
      if isCut { held.append(deliver) } else { deliver() }
    }
  }

  func cut() { isCut = true }

  /// What was held is sent again, as late as retransmission makes it.
  func heal() {
    guard isCut else { return }
    isCut = false
    let waiting = held
    held = []
    let pause = clock.draw(0...200 * .millisecond)
    for deliver in waiting { launch(deliver, extra: pause) }
  }

  /// The connection is given up with what it held.
  func clear() { held = [] }
}
