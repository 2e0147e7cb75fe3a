// A sound broker of keyed logs with transactions, as Kafka means to be: markers take offsets, consumers read what is
// committed, up to the first message of a transaction that is still open.

import Base
import History

@testable import Checkers

struct SimulatedTransactions {
  enum Mode: CaseIterable {
    /// One transaction at a time, and every poll returns all there is: nothing whatever is allowed.
    case serial
    /// Concurrent; consumers are assigned keys.
    case assigned
    /// Concurrent; a group moves consumers without telling.
    case subscribed

    var options: TransactionOptions {
      var options = TransactionOptions()
      options.allowances.subscribes = self == .subscribed
      options.allowances.writesInterleave = self != .serial
      options.allowances.pollsInPieces = self != .serial
      options.allowances.endsUnread = false
      options.pollsReachEnd = self == .serial
      return options
    }
  }

  private enum State { case open, committed, aborted }

  private struct Slot {
    /// `none`: the marker of a transaction.
    var value: MessageID
    var owner: Int
  }

  private struct Client {
    var process: Int32
    var assigned: Set<UInt32> = []
    var positions: [UInt32: Int] = [:]
    /// Of the transaction under way: its item, what it still has to do, and where it began to poll.
    var item: Int?
    var steps = 0
    var planned: [TransactionHistory.Access] = []
    var before: [UInt32: Int] = [:]
  }

  private(set) var history: EditableTransactions
  private let mode: Mode
  private var rng: SeededGenerator
  private var logs: [[Slot]]
  private var states: [Int: State] = [:]
  private var clients: [Client]
  /// Transactions whose client is gone, and which the broker has yet to end.
  private var orphans: [Int] = []
  private var nextProcess: Int32
  private var nextValue = 0
  private var clock: Nanoseconds = 0

  init(seed: UInt64, mode: Mode, transactions: Int, clients count: Int, keys: Int) {
    rng = SeededGenerator(seed: seed, label: "transactions \(mode)")
    self.mode = mode
    history = EditableTransactions(keys: keys)
    logs = Array(repeating: [], count: keys)
    clients = (0..<count).map { Client(process: Int32($0)) }
    nextProcess = Int32(count)
    for client in clients.indices { assign(client) }
    while history.items.count < transactions || clients.contains(where: { $0.item != nil }) {
      let busy = clients.indices.filter { clients[$0].item != nil }
      let isOver = history.items.count >= transactions
      let client = !busy.isEmpty && (mode == .serial || isOver) ? rng.pick(busy) : rng.below(count)
      turn(client)
      if !orphans.isEmpty, mode == .serial || rng.chance(0.2) { endOrphan() }
    }
    while !orphans.isEmpty { endOrphan() }
    drain()
  }

  private mutating func tick() -> Nanoseconds {
    clock += 1 + Int64(rng.below(5))
    return clock
  }

  private mutating func turn(_ c: Int) {
    guard let item = clients[c].item else {
      if rng.chance(0.1) { return assign(c) }
      if mode == .subscribed, rng.chance(0.15) { move(c) }
      return begin(c)
    }
    if clients[c].steps > 0 {
      clients[c].steps -= 1
      if rng.chance(0.5) { send(c, item) } else { poll(c, item) }
    } else {
      finish(c, item)
    }
  }

  private mutating func assign(_ c: Int) {
    let keys = (0..<UInt32(logs.count)).filter { _ in rng.chance(0.6) }
    let item = history.begin(clients[c].process, at: tick(), .assignment)
    history.items[item].keys = keys
    history.end(item, .ok, at: tick())
    clients[c].positions = clients[c].positions.filter { keys.contains($0.key) }
    clients[c].assigned = Set(keys)
    for key in keys where clients[c].positions[key] == nil {
      clients[c].positions[key] = rng.below(logs[Int(key)].count + 1)
    }
  }

  /// The group takes a key away and gives it back, elsewhere.
  private mutating func move(_ c: Int) {
    guard let key = clients[c].assigned.sorted().first else { return }
    clients[c].positions[key] = rng.below(logs[Int(key)].count + 1)
  }

  private mutating func begin(_ c: Int) {
    let item = history.begin(clients[c].process, at: tick())
    states[item] = .open
    clients[c].item = item
    clients[c].steps = 1 + rng.below(4)
    clients[c].before = clients[c].positions
    clients[c].planned = []
  }

  private mutating func send(_ c: Int, _ item: Int) {
    let key = UInt32(rng.below(logs.count))
    nextValue += 1
    let value = MessageID(producer: 0, sequence: nextValue)
    let offset = rng.chance(0.05) ? -1 : Int64(logs[Int(key)].count)
    let step = UInt32(history.items[item].accesses.count)
    logs[Int(key)].append(Slot(value: value, owner: item))
    history.items[item].accesses.append(.init(isSend: true, step: step, key: key, offset: offset, value: value))
    clients[c].planned.append(.init(isSend: true, step: step, key: key, value: value))
  }

  private mutating func poll(_ c: Int, _ item: Int) {
    history.items[item].transaction.hasPoll = true
    if mode != .serial, let key = clients[c].assigned.min(), rng.chance(0.05) {
      // Taken away and given back within the transaction, and the client tells of it.
      history.items[item].keys.append(key)
      clients[c].positions[key] = rng.below(logs[Int(key)].count + 1)
    }
    for key in clients[c].assigned.sorted() {
      let log = logs[Int(key)]
      let stable = log.firstIndex { states[$0.owner] == .open } ?? log.count
      var room = mode == .serial ? Int.max : rng.below(6)
      var position = clients[c].positions[key] ?? 0
      while position < stable, room > 0 {
        let slot = log[position]
        if slot.value != .none, states[slot.owner] == .committed {
          history.items[item].accesses.append(
            .init(isSend: false, step: 0, key: key, offset: Int64(position), value: slot.value))
          room -= 1
        }
        position += 1
      }
      clients[c].positions[key] = position
    }
  }

  private mutating func finish(_ c: Int, _ item: Int) {
    clients[c].item = nil
    let chance = rng.unit()
    if chance < 0.78 {
      end(item, .committed)
      history.end(item, .ok, at: tick())
    } else if chance < 0.9 {
      end(item, .aborted)
      if rng.chance(0.5) { history.items[item].accesses = clients[c].planned }
      history.end(item, .fail, at: tick())
      clients[c].positions = clients[c].before
    } else {
      // Nobody knows: it may be over, or end later. A new process takes the client's place.
      if rng.chance(0.5) { end(item, rng.chance(0.6) ? .committed : .aborted) } else { orphans.append(item) }
      if rng.chance(0.6) { history.items[item].accesses = clients[c].planned }
      if rng.chance(0.7) { history.end(item, .info, at: tick()) }
      clients[c] = Client(process: nextProcess)
      nextProcess += 1
      assign(c)
    }
  }

  private mutating func endOrphan() {
    end(orphans.remove(at: rng.below(orphans.count)), rng.chance(0.5) ? .committed : .aborted)
  }

  private mutating func end(_ item: Int, _ state: State) {
    states[item] = state
    for key in logs.indices where logs[key].contains(where: { $0.owner == item }) {
      logs[key].append(Slot(value: .none, owner: item))
    }
  }

  /// Reads every log from its begin to its end, in several transactions.
  private mutating func drain() {
    var client = Client(process: nextProcess)
    client.assigned = Set((0..<UInt32(logs.count)))
    clients = [client]
    for _ in 0..<10_000 {
      let item = history.begin(client.process, at: tick())
      poll(0, item)
      // A drain is assigned its keys, and nothing takes them away.
      if !history.items[item].keys.isEmpty {
        history.items.removeLast()
        for key in clients[0].assigned { clients[0].positions[key] = client.positions[key] ?? 0 }
        continue
      }
      client.positions = clients[0].positions
      history.end(item, .ok, at: tick())
      if logs.indices.allSatisfy({ clients[0].positions[UInt32($0)] == logs[$0].count }) { return }
    }
  }
}
