// A seeded cluster: members over a network that loses, repeats and disorders, and disks that forget what was not finished.

import Base

@testable import Raft

/// One run is a function of its options. Everything that is drawn comes from one generator, in the order of virtual time.
final class Cluster {
  struct Options {
    var seed: UInt64
    var members = 3
    var mutant: RaftMutant?
    /// How long faults go on; then everything heals and the cluster has `calm` to agree.
    var trouble: Nanoseconds = 20 * .second
    var calm: Nanoseconds = 30 * .second
  }

  struct Write {
    var hardState: HardState?
    var truncateFrom: UInt64?
    var append: [RaftEntry]
    var messages: [(to: Int, message: RaftMessage)]
  }

  struct Member {
    var raft: Raft?
    /// Of which life an event speaks: what belongs to an earlier one is void.
    var life = 0
    var hardState = HardState()
    var log: [RaftEntry] = []
    var writes: [Write] = []
    var isWriting = false
    var isSlow = false
    var nextTick: Nanoseconds = .max
    var applied: UInt64 = 0
  }

  enum Action {
    case arrive(from: Int, to: Int, bytes: [UInt8])
    case written(Int, life: Int)
    case tick(Int, life: Int)
    case restart(Int)
    case trouble
    case propose
  }

  let options: Options
  var random: SeededGenerator
  var now: Nanoseconds = 0
  var members: [Member]
  var watch: Watch
  private var events = EventHeap<Action>()
  private var isCut: [Bool]
  private var loss = 0.0
  /// Drawn for each run: how often something happens, how much goes into one message, how long a crashed member is away.
  private let pace: Nanoseconds
  private let batch: Int
  private let away: Nanoseconds
  private var isCalm = false
  private(set) var committedBeforeCalm: UInt64 = 0
  private(set) var proposals = 0
  private(set) var elections = 0

  init(_ options: Options) {
    self.options = options
    random = SeededGenerator(seed: options.seed, label: "cluster")
    members = Array(repeating: Member(), count: options.members)
    isCut = Array(repeating: false, count: options.members * options.members)
    watch = Watch(members: options.members)
    pace = [2 * .second, 400 * .millisecond][random.below(2)]
    batch = [400, 30][random.below(2)]
    away = [3 * .second, 500 * .millisecond][random.below(2)]
  }

  /// Runs to the end, or to the first rule that is broken, which is then in `watch.broken`.
  func run() {
    for id in members.indices { start(id) }
    events.add(.trouble, at: delay(pace))
    events.add(.propose, at: delay(.second))
    let end = options.trouble + options.calm
    while watch.broken == nil, let (time, action) = events.take(), time <= end {
      now = time
      if !isCalm, now >= options.trouble { beCalm() }
      perform(action)
    }
    if watch.broken == nil { checkEnd() }
  }

  private func delay(_ upTo: Nanoseconds) -> Nanoseconds { now + 1 + Nanoseconds(random.below(Int(upTo))) }

  private func perform(_ action: Action) {
    switch action {
    case .arrive(let from, let to, let bytes):
      guard members[to].raft != nil else { return }
      guard let message = bytes.withUnsafeBytes({ try? RaftMessage(decoding: $0) }) else {
        return watch.breaks("a message could not be read again")
      }
      members[to].raft?.receive(from: from, message: message, now: now)
      // Often several things happen before the output is taken.
      if random.chance(0.8) { settle(to) }
    case .written(let id, let life):
      guard members[id].life == life else { return }
      finishWrite(id)
      settle(id)
    case .tick(let id, let life):
      guard members[id].life == life, members[id].nextTick <= now else { return }
      members[id].nextTick = .max
      members[id].raft?.tick(now: now)
      settle(id)
    case .restart(let id):
      if members[id].raft == nil { start(id) }
    case .trouble:
      if !isCalm {
        makeTrouble()
        events.add(.trouble, at: delay(pace))
      }
    case .propose:
      propose()
      events.add(.propose, at: delay(isCalm ? .second : 60 * .millisecond))
    }
  }

  private func propose() {
    for id in members.indices where members[id].raft?.role == .leader {
      for _ in 0...random.below(3) {
        proposals += 1
        let size = random.below(20) == 0 ? 300 : 8
        var payload = [UInt8](repeating: 7, count: size)
        for byte in 0..<8 { payload[byte] = UInt8(truncatingIfNeeded: proposals >> (8 * byte)) }
        _ = members[id].raft?.propose(payload)
      }
      if random.chance(0.1), let round = members[id].raft?.confirmLeadership(), members[id].raft?.isServing == true {
        watch.reads[id] = (round, watch.lastCommitted)
      }
      settle(id)
    }
  }

  // MARK: Members

  private func start(_ id: Int) {
    let config = RaftConfig(
      id: id, peers: Array(members.indices), maxBatchBytes: batch, maxInFlight: 4, maxInFlightBytes: 2000,
      seed: options.seed &+ UInt64(members[id].life))
    members[id].applied = 0
    members[id].nextTick = .max
    var raft = Raft(config: config, hardState: members[id].hardState, log: members[id].log, now: now)
    raft.mutant = options.mutant
    members[id].raft = raft
    settle(id)
  }

  private func crash(_ id: Int) {
    guard members[id].raft != nil else { return }
    members[id].raft = nil
    members[id].life += 1
    members[id].isWriting = false
    watch.reads[id] = nil
    // Of what was not finished, any beginning may have reached the disk: hard state before entries, entries in order.
    let writes = members[id].writes
    members[id].writes = []
    for write in writes {
      if random.chance(0.5) { break }
      let kept = random.below(write.append.count + 1)
      keep(id, write, entries: write.append[..<kept])
      if kept < write.append.count { break }
    }
    events.add(.restart(id), at: delay(away))
  }

  private func settle(_ id: Int) {
    guard let output = members[id].raft?.takeOutput() else { return }
    for (to, message) in output.send { send(id, to, message) }
    if output.needsPersisting || !output.sendAfterPersist.isEmpty {
      members[id].writes.append(
        Write(
          hardState: output.hardState, truncateFrom: output.truncateFrom, append: output.append,
          messages: output.sendAfterPersist))
      beginWrite(id)
    }
    check(id, output)
    guard let raft = members[id].raft, raft.nextDeadline < members[id].nextTick else { return }
    let time = max(raft.nextDeadline, now) + Nanoseconds(random.below(Int(10 * Nanoseconds.millisecond)))
    members[id].nextTick = time
    events.add(.tick(id, life: members[id].life), at: time)
  }

  private func beginWrite(_ id: Int) {
    guard !members[id].isWriting, !members[id].writes.isEmpty else { return }
    members[id].isWriting = true
    let longest: Nanoseconds = members[id].isSlow ? 800 * .millisecond : 8 * .millisecond
    events.add(.written(id, life: members[id].life), at: delay(longest))
  }

  private func finishWrite(_ id: Int) {
    members[id].isWriting = false
    let write = members[id].writes.removeFirst()
    keep(id, write, entries: write.append[...])
    if let last = write.append.last { members[id].raft?.persisted(upTo: last.index, term: last.term) }
    for (to, message) in write.messages { send(id, to, message) }
    beginWrite(id)
  }

  private func keep(_ id: Int, _ write: Write, entries: ArraySlice<RaftEntry>) {
    if let hardState = write.hardState { members[id].hardState = hardState }
    if let from = write.truncateFrom { members[id].log.removeSubrange((Int(from) - 1)...) }
    for entry in entries {
      guard entry.index == UInt64(members[id].log.count + 1) else { return watch.breaks("a gap in the log of \(id)") }
      members[id].log.append(entry)
      watch.wrote(entry, after: members[id].log.dropLast().last?.term ?? 0)
    }
  }

  private func check(_ id: Int, _ output: RaftOutput) {
    guard let raft = members[id].raft else { return }
    if output.roleChanged, raft.role == .leader {
      elections += 1
      watch.leads(id, raft)
    }
    for entry in output.committed {
      guard entry.index == members[id].applied + 1 else {
        return watch.breaks("\(id) applied \(entry.index) after \(members[id].applied)")
      }
      members[id].applied = entry.index
      watch.applied(entry, by: id, term: raft.term, copies: members.map { holds($0, entry) })
    }
    if let (round, known) = watch.reads[id], raft.role == .leader, raft.confirmedRound >= round {
      watch.reads[id] = nil
      if raft.commitIndex < known {
        watch.breaks("\(id) confirmed a read at \(raft.commitIndex), committed was \(known)")
      }
    }
    if raft.role != .leader { watch.reads[id] = nil }
    if random.chance(0.05) { members[id].raft?.compact(to: .max) }
  }

  private func holds(_ member: Member, _ entry: RaftEntry) -> Bool {
    entry.index <= member.log.count && member.log[Int(entry.index) - 1] == entry
  }

  // MARK: Trouble

  private func send(_ from: Int, _ to: Int, _ message: RaftMessage) {
    guard !isCut[from * members.count + to] else { return }
    var bytes: [UInt8] = []
    message.encode(into: &bytes)
    var copies = 1
    if random.chance(loss) { copies = 0 } else if random.chance(loss) { copies = 2 }
    for _ in 0..<copies {
      let longest: Nanoseconds = random.chance(loss) ? 900 * .millisecond : 10 * .millisecond
      events.add(.arrive(from: from, to: to, bytes: bytes), at: delay(longest))
    }
  }

  private func makeTrouble() {
    switch random.below(8) {
    case 0, 1: crash(random.below(members.count))
    case 2: if let leader = members.indices.first(where: { members[$0].raft?.role == .leader }) { crash(leader) }
    case 3: for id in members.indices { crash(id) }
    case 4:
      // Any directed set of links: one-way cuts are part of it.
      for link in isCut.indices { isCut[link] = random.chance(0.25) }
    case 5:
      let alone = random.below(members.count)
      for other in members.indices {
        isCut[alone * members.count + other] = true
        isCut[other * members.count + alone] = true
      }
    case 6:
      loss = [0, 0.05, 0.3][random.below(3)]
      for id in members.indices { members[id].isSlow = random.chance(0.25) }
    default:
      for link in isCut.indices { isCut[link] = false }
    }
  }

  private func beCalm() {
    isCalm = true
    committedBeforeCalm = watch.lastCommitted
    loss = 0
    for link in isCut.indices { isCut[link] = false }
    for id in members.indices {
      members[id].isSlow = false
      if members[id].raft == nil { start(id) }
    }
  }

  /// After the calm one member leads, and all have applied the same and more than before.
  private func checkEnd() {
    let serving = members.indices.filter { members[$0].raft?.isServing == true }
    guard serving.count == 1 else { return watch.breaks("\(serving.count) members serve after the calm") }
    let least = members.map(\.applied).min() ?? 0
    // The newest entries may still be on their way.
    guard least + 20 >= watch.lastCommitted, least > committedBeforeCalm else {
      return watch.breaks("a member has applied \(least) of \(watch.lastCommitted) after the calm")
    }
  }
}

/// The rules of figure 3 of the paper, and those of the library, kept over all members.
struct Watch {
  private(set) var broken: String?
  /// Of each committed index: the entry, and the term of the leader that was first to say so.
  private(set) var committed: [(entry: RaftEntry, term: UInt64)] = []
  var reads: [(round: UInt64, known: UInt64)?]
  private var leaders: [UInt64: Int] = [:]
  private var written: [LogKey: (payload: [UInt8], previous: UInt64)] = [:]

  private struct LogKey: Hashable {
    var index: UInt64
    var term: UInt64
  }

  init(members: Int) { reads = Array(repeating: nil, count: members) }

  var lastCommitted: UInt64 { UInt64(committed.count) }

  mutating func breaks(_ rule: String) { if broken == nil { broken = rule } }

  /// Election safety and leader completeness.
  mutating func leads(_ id: Int, _ raft: Raft) {
    if let other = leaders[raft.term], other != id {
      return breaks("election safety: \(other) and \(id) lead term \(raft.term)")
    }
    leaders[raft.term] = id
    guard let last = committed.last(where: { $0.term < raft.term }) else { return }
    if last.entry.index >= raft.firstIndex, raft.log.term(at: last.entry.index) != last.entry.term {
      breaks("leader completeness: \(id) leads term \(raft.term) without \(last.entry.index).\(last.entry.term)")
    }
  }

  /// Log matching: an index and a term name one entry with one predecessor, in all logs.
  mutating func wrote(_ entry: RaftEntry, after previous: UInt64) {
    let key = LogKey(index: entry.index, term: entry.term)
    if let known = written[key] {
      if known.payload != entry.payload || known.previous != previous {
        breaks("log matching: two entries \(entry.index).\(entry.term)")
      }
    } else {
      written[key] = (entry.payload, previous)
    }
  }

  /// State machine safety, and that a majority has durable what is applied first.
  mutating func applied(_ entry: RaftEntry, by id: Int, term: UInt64, copies: [Bool]) {
    if entry.index <= lastCommitted {
      if committed[Int(entry.index) - 1].entry != entry {
        breaks("state machine safety: \(id) applied another entry \(entry.index)")
      }
      return
    }
    committed.append((entry, term))
    if copies.count(where: { $0 }) < copies.count / 2 + 1 {
      breaks("durability: \(entry.index).\(entry.term) was applied with \(copies.count(where: { $0 })) durable copies")
    }
  }

}

/// Events by time, then by the order of their adding.
struct EventHeap<Value> {
  private var heap: [(time: Nanoseconds, order: UInt64, value: Value)] = []
  private var order: UInt64 = 0

  mutating func add(_ value: Value, at time: Nanoseconds) {
    order += 1
    heap.append((time, order, value))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard isBefore(child, parent) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func take() -> (time: Nanoseconds, value: Value)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var least = parent
        for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
          least = child
        }
        guard least != parent else { break }
        heap.swapAt(parent, least)
        parent = least
      }
    }
    return (first.time, first.value)
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool { (heap[a].time, heap[a].order) < (heap[b].time, heap[b].order) }
}
