// The planted defects of the front end: confirms before their time, and transactions in two parts.
import AMQP
import Base

/// A request that a planted defect holds back.
struct LateRequest {
  enum Work {
    case enqueue(Enqueue)
    case publish(node: Int, Enqueue)
    case operation(Operation, UInt64)
  }

  let due: Nanoseconds
  let work: Work
}

extension FrontEnd {
  /// A confirm would promise that the message survives.
  func isPromised(_ route: Route, _ isPersistent: Bool) -> Bool {
    guard route.homes.isEmpty else {
      return !route.quorum.isEmpty
        || (isPersistent
          && route.homes.contains { $0.queues.contains { state.queuesByID[$0]?.definition.isDurable == true } })
    }
    return true
  }

  /// Confirms what is neither on any disk nor at any other node, and sends it on up to half a second later.
  func confirmEarly(_ message: Message, _ route: Route, _ channel: Channel, _ tag: UInt64) {
    lastRelease = max(lastRelease, now + Nanoseconds(generator.below(500)) * .millisecond)
    if !route.quorum.isEmpty {
      late.append(LateRequest(due: lastRelease, work: .enqueue(Enqueue(message: message, queues: route.quorum))))
      confirmed(channel, tag)
    }
    for home in route.homes where board.isUp[home.node] {
      let enqueue = Enqueue(message: message, queues: home.queues)
      late.append(LateRequest(due: lastRelease, work: .publish(node: home.node, enqueue)))
      confirmed(channel, tag)
    }
  }

  /// Puts a transaction into the log as two entries, the second up to 50 ms after the first. False where it has one
  /// part only.
  func tear(_ part: Commit.Part, _ number: UInt64) -> Bool {
    guard part.enqueues.count + part.settlements.count > 1 else { return false }
    let first = part.enqueues.isEmpty ? 0 : max(1, part.enqueues.count / 2)
    let early = part.enqueues.isEmpty ? part.settlements.count / 2 : 0
    requests.append(.transaction(Array(part.enqueues[..<first]), Array(part.settlements[..<early])), .none)
    let rest = Operation.transaction(Array(part.enqueues[first...]), Array(part.settlements[early...]))
    let due = now + Nanoseconds(1 + generator.below(50)) * .millisecond
    late.append(LateRequest(due: due, work: .operation(rest, number)))
    return true
  }

  /// Sends on what was held back long enough.
  func releaseLate() {
    guard late.contains(where: { $0.due <= now }) else { return }
    requests.closeBatch()
    for request in late where request.due <= now {
      switch request.work {
      case .enqueue(let enqueue): requests.append(.enqueue(enqueue), .none)
      case .operation(let operation, let number): requests.append(operation, .wait(number))
      case .publish(let node, let enqueue): board.post(.publish(serial: 0, enqueue), to: node)
      }
    }
    late.removeAll { $0.due <= now }
    requests.closeBatch(isEarly: true)
  }

  /// What the defects answered, or tore, and what is not applied, ends with the leader.
  func loseLateRequests() {
    let lost = requests.blankEarly()
    var numbers: [UInt64] = []
    for completion in lost { if case .wait(let number) = completion { numbers.append(number) } }
    late.removeAll { request in
      switch request.work {
      case .enqueue: return true
      case .operation(_, let number):
        numbers.append(number)
        return true
      case .publish: return false
      }
    }
    for number in numbers { fail(.wait(number)) }
  }
}
