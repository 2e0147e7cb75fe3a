// What the home of classic queues does with publishes, acknowledgements and transactions: in memory, and in its record.
import Base

/// The planted half of a transaction that comes too late.
struct LatePart {
  let due: Nanoseconds
  let node: Int
  let serial: UInt64
  let enqueues: [Enqueue]
  let settlements: [Settlement]
}

extension Master {
  func publish(_ serial: UInt64, _ enqueue: Enqueue, from node: Int) {
    if store(enqueue), serial != 0 {
      unsynced.append((node, serial))
    } else {
      confirm(serial, to: node)
    }
  }

  /// True where it has to reach the disk.
  private func store(_ enqueue: Enqueue) -> Bool {
    var places: [Place] = []
    for id in enqueue.queues {
      guard let dispatcher = dispatchers[id], !dispatcher.queue.isQuorum else { continue }
      let position = dispatcher.queue.messages.append(enqueue.message)
      arrived(dispatcher.queue)
      if dispatcher.queue.definition.isDurable, enqueue.message.isPersistent {
        places.append(Place(queue: id, position: position))
      }
    }
    guard !places.isEmpty else { return false }
    record.arrivals.append(.init(message: enqueue.message, places: places))
    return true
  }

  /// False where the attachment does not hold the delivery (any more).
  func settle(_ settlement: Settlement, from node: Int) -> Bool {
    guard let dispatcher = dispatchers[settlement.queue], !dispatcher.queue.isQuorum,
      dispatcher.beginSettling(settlement.position, of: .init(node: node, number: settlement.attachment))
    else { return false }
    remove(settlement.position, from: dispatcher)
    return true
  }

  /// All of it, in one record, or nothing.
  func transact(_ serial: UInt64, _ enqueues: [Enqueue], _ settlements: [Settlement], from node: Int) {
    var marked: [Settlement] = []
    for settlement in settlements {
      guard let dispatcher = dispatchers[settlement.queue],
        dispatcher.beginSettling(settlement.position, of: .init(node: node, number: settlement.attachment))
      else {
        for settlement in marked { dispatchers[settlement.queue]?.undoSettling(settlement.position) }
        return board.post(.transactionRefused(serial: serial), to: node)
      }
      marked.append(settlement)
    }
    guard defects.contains(.tornCommit), enqueues.count + settlements.count > 1 else {
      return carryOut(serial, enqueues, settlements, for: node)
    }
    let first = enqueues.isEmpty ? 0 : max(1, enqueues.count / 2)
    for one in enqueues[..<first] { _ = store(one) }
    let early = enqueues.isEmpty ? settlements.count / 2 : 0
    finish(settlements[..<early])
    let due = now + Nanoseconds(1 + generator.below(50)) * .millisecond
    lateParts.append(
      LatePart(
        due: due, node: node, serial: serial, enqueues: Array(enqueues[first...]),
        settlements: Array(settlements[early...])))
  }

  func finishLateParts() {
    guard !lateParts.isEmpty else { return }
    let due = lateParts.filter { $0.due <= now }
    lateParts.removeAll { $0.due <= now }
    for part in due { carryOut(part.serial, part.enqueues, part.settlements, for: part.node) }
  }

  private func carryOut(_ serial: UInt64, _ enqueues: [Enqueue], _ settlements: [Settlement], for node: Int) {
    veil(enqueues)
    for one in enqueues { _ = store(one) }
    finish(settlements[...])
    if record.isEmpty { confirm(serial, to: node) } else { unsynced.append((node, serial)) }
  }

  /// Where anything of a transaction must reach the disk, all of it waits for that, what is transient included.
  private func veil(_ enqueues: [Enqueue]) {
    guard enqueues.contains(where: isForDisk) else { return }
    var seen: Set<UInt32> = []
    for enqueue in enqueues {
      for id in enqueue.queues where seen.insert(id).inserted {
        guard let dispatcher = dispatchers[id], !dispatcher.queue.isQuorum else { continue }
        let place = Place(queue: id, position: dispatcher.queue.messages.end)
        dispatcher.veil(from: place.position)
        veiled.append(place)
      }
    }
  }

  private func isForDisk(_ enqueue: Enqueue) -> Bool {
    enqueue.message.isPersistent
      && enqueue.queues.contains { id in
        guard let queue = dispatchers[id]?.queue else { return false }
        return queue.definition.isDurable && !queue.isQuorum
      }
  }

  private func finish(_ settlements: ArraySlice<Settlement>) {
    for settlement in settlements {
      if let dispatcher = dispatchers[settlement.queue] { remove(settlement.position, from: dispatcher) }
    }
  }
}
