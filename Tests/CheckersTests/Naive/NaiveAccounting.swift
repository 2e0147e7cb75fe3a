// The table of findings evaluated from its words: every question looks through the whole history again. Small ones only.

import Base
import History

@testable import Checkers

/// Shares no rule with `DeliveryChecker`: no pass, no chains, no sweeps, and times instead of positions.
final class NaiveAccounting {
  let events: [Event]
  let names: Names
  let options: DeliveryOptions
  /// Units by finding, as `unit(of:)` writes them, sorted.
  private(set) var found: [FindingName: [String]] = [:]
  private(set) var pending: Set<FindingName> = []
  /// Messages and queues: of certain losses, and of which something was taken.
  private var missing: [(id: MessageID, queue: UInt16)] = []
  private var taken: [(id: MessageID, queue: UInt16)] = []
  private var lateByQueue: [String: Int] = [:]
  private var lateByKey: [UInt64: Int] = [:]
  private(set) var acknowledged = 0
  private(set) var delivered = 0
  private(set) var attempted = 0
  private(set) var unknown = 0
  private(set) var committed = 0
  private(set) var unknownTransactions = 0

  let letters: NaiveLetters
  let publishes: [Event]
  private let good: [Event]
  private let completions: [UInt64: [Event]]
  private var floors: [String: Nanoseconds] = [:]

  init(_ history: RecordedHistory, _ options: DeliveryOptions) {
    events = history.events
    names = history.names
    self.options = options
    let publishes = events.filter { $0.function == .publish && $0.outcome == .invoke }
    self.publishes = publishes
    completions = Dictionary(grouping: events.filter { $0.outcome != .invoke && $0.op != 0 }, by: \.op)
    let letters = NaiveLetters(names: history.names, next: options.deadLetters)
    self.letters = letters
    good = events.filter { d in
      d.function == .deliver && d.flags.isDisjoint(with: [.damaged, .foreign])
        && publishes.contains {
          $0.message == d.message && $0.attempt == d.attempt && $0.time < d.time
            && letters.ways($0.place, d.place) > 0
        }
    }
    evaluate()
  }

  // MARK: Questions

  func all(_ function: Function, _ outcomes: [Outcome], _ condition: (Event) -> Bool = { _ in true }) -> [Event] {
    events.filter { $0.function == function && outcomes.contains($0.outcome) && condition($0) }
  }

  func replies(_ event: Event) -> [Event] { (completions[event.op] ?? []).filter { $0.function == event.function } }

  func queues(_ publish: Event) -> [UInt16] { names.queues(publish.place) }

  /// With those of its dead letters.
  func places(_ publish: Event) -> [UInt16] { letters.places(publish.place) }

  /// There is one copy of the attempt in the queue at most.
  func isSole(_ d: Event) -> Bool { letters.ways(attempt(d).place, d.place) == 1 }

  func attempt(_ d: Event) -> Event { publishes.first { $0.message == d.message && $0.attempt == d.attempt } ?? d }

  func deliveries(_ p: Event, _ queue: UInt16) -> [Event] {
    good.filter { $0.message == p.message && $0.attempt == p.attempt && $0.place == queue }
  }

  func isDrained(_ queue: UInt16) -> Bool {
    events.contains { $0.function == .drained && $0.outcome == .ok && $0.place == queue }
  }

  /// `ok`, `fail` or `info`.
  func transaction(_ number: UInt64) -> Outcome {
    let commits = all(.commit, [.invoke]) { $0.transaction == number }
    let answers = commits.flatMap(replies).map(\.outcome)
    if commits.isEmpty || answers.contains(.fail) { return .fail }
    return answers.contains(.ok) ? .ok : .info
  }

  func outcome(_ p: Event) -> Outcome {
    let answers = replies(p).map(\.outcome)
    if answers.contains(.fail) { return .fail }
    if p.transaction != 0 { return transaction(p.transaction) }
    return answers.contains(.ok) ? .ok : .info
  }

  func isAcknowledged(_ p: Event) -> Bool {
    switch outcome(p) {
    case .ok: true
    case .fail: false
    default: !options.hasConfirms && replies(p).contains { $0.flags.contains(.sent) }
    }
  }

  /// What settles a delivery: acks, and nacks that do not requeue.
  func acks(_ d: Event) -> [Event] {
    events.filter {
      ($0.function == .ack || $0.function == .nack && !$0.flags.contains(.requeue)) && $0.outcome == .invoke
        && $0.session == d.session && $0.tag == d.tag && $0.time > d.time
    }
  }

  func outcome(ofAck ack: Event) -> Outcome {
    let answers = replies(ack).map(\.outcome)
    if answers.contains(.fail) { return .fail }
    if ack.transaction != 0 { return transaction(ack.transaction) }
    return answers.contains(.ok) ? .ok : .info
  }

  func isAuto(_ d: Event) -> Bool {
    events.contains {
      $0.function == .subscribe && $0.outcome == .invoke && $0.session == d.session && $0.flags.contains(.autoAck)
    }
  }

  /// The latest invocation that must precede something read on the session until `limit`.
  func floor(_ session: UInt32, until limit: Nanoseconds) -> Nanoseconds {
    let key = "\(session) \(limit)"
    if let known = floors[key] { return known }
    var times = all(.subscribe, [.invoke]) { $0.session == session && $0.time <= limit }.map(\.time)
    times += good.filter { $0.session == session && $0.time <= limit }.map { attempt($0).time }
    let acked = Set(
      events.filter {
        [.ack, .nack].contains($0.function) && $0.outcome == .invoke && $0.session == session
          && !($0.function == .nack && $0.flags.contains(.requeue))
      }.map(\.transaction))
    for event in events where event.outcome == .invoke {
      let isRequest = [.alive, .release, .recover, .ack, .nack].contains(event.function) && event.session == session
      let isEnd =
        [.commit, .rollback].contains(event.function) && event.transaction != 0 && acked.contains(event.transaction)
      if isRequest || isEnd, replies(event).contains(where: { $0.outcome != .info && $0.time <= limit }) {
        times.append(event.time)
      }
    }
    let floor = times.max() ?? .min
    floors[key] = floor
    return floor
  }

  func windows() -> [(begin: Nanoseconds, end: Nanoseconds)] {
    all(.fault, [.invoke]).map { begin in
      let heal = all(.fault, [.ok]) { $0.place == begin.place && $0.time > begin.time }.map(\.time).min()
      return (begin.time, heal.map { $0 + options.suspicion } ?? .max)
    }
  }

  /// - Parameter known: transactions known to be committed although nobody said so.
  func free(_ d: Event, known: Set<UInt64> = []) -> Nanoseconds {
    let acks = acks(d)
    let isGone = acks.contains {
      outcome(ofAck: $0) == .ok || outcome(ofAck: $0) != .fail && known.contains($0.transaction)
    }
    if isAuto(d) || isGone { return .max }
    let low = floor(d.session, until: d.time)
    var moments = [floor(d.session, until: .max)]
    moments += all(.nack, [.invoke]) {
      $0.flags.contains(.requeue) && $0.session == d.session && $0.tag == d.tag && $0.time > d.time
    }.map(\.time)
    for ack in acks where ack.transaction != 0 {
      moments += events.filter {
        [.commit, .rollback].contains($0.function) && $0.outcome == .invoke && $0.transaction == ack.transaction
      }.map(\.time)
    }
    for recover in all(.recover, [.invoke], { $0.session == d.session }) {
      let isPending = replies(recover).allSatisfy { $0.outcome == .info || $0.time > d.time }
      if isPending { moments.append(max(low, recover.time)) }
    }
    for window in windows() where window.end >= low { moments.append(max(window.begin, low)) }
    return moments.min() ?? .max
  }

  /// Is there an order of sending in which each may have been free again before any later one was read?
  func hasOrder(_ spans: [(read: Nanoseconds, free: Nanoseconds)]) -> Bool {
    if spans.count > 7 {
      return spans.indices.allSatisfy { a in
        spans.indices.allSatisfy { b in a == b || spans[a].free <= spans[b].read || spans[b].free <= spans[a].read }
      }
    }
    func place(_ left: [Int], _ before: [Int]) -> Bool {
      left.isEmpty
        || left.contains { next in
          before.allSatisfy { spans[$0].free <= spans[next].read } && place(left.filter { $0 != next }, before + [next])
        }
    }
    return place(Array(spans.indices), [])
  }

  func report(_ name: FindingName, _ unit: String, isCertain: Bool = true) {
    if isCertain { found[name, default: []].append(unit) } else { pending.insert(name) }
  }

  // MARK: The table

  private func evaluate() {
    for (k, event) in events.enumerated()
    where event.function == .deliver && !good.contains(where: { $0.time == event.time }) {
      report(.unexpected, "\(k)")
    }
    var seen: Set<MessageID> = []
    for message in publishes.map(\.message) where seen.insert(message).inserted { judge(message) }
    for p in publishes {
      if outcome(p) == .info { unknown += 1 }
      for queue in places(p) { judge(p, queue) }
    }
    judgeOrder()
    judgeTransactions()
    judgeStuck()
    for name in found.keys { found[name]?.sort() }
  }

  private func judge(_ message: MessageID) {
    let tries = publishes.filter { $0.message == message }
    attempted += 1
    if tries.contains(where: isAcknowledged) { acknowledged += 1 }
    if tries.contains(where: { p in places(p).contains { !deliveries(p, $0).isEmpty } }) { delivered += 1 }
    for queue in Set(tries.flatMap(places)).sorted() {
      let there = tries.filter { places($0).contains(queue) }
      let owing = there.filter { queues($0).contains(queue) }
      if owing.contains(where: { isTaken($0, queue) }) { taken.append((message, queue)) }
      let isHad = ([queue] + letters.behind(queue)).contains { place in tries.contains { isTaken($0, place) } }
      if !isHad, owing.contains(where: isAcknowledged) {
        if isOver(queue) { missing.append((message, queue)) }
        report(.lost, "\(message) \(queue)", isCertain: isOver(queue))
      }
      if there.filter({ !deliveries($0, queue).isEmpty && outcome($0) != .fail }).count > 1 {
        report(.duplicatedByRetry, "\(message) \(queue)")
      }
    }
    judgeLetters(message)
    let isSeen = tries.contains { p in outcome(p) == .info && places(p).contains { !deliveries(p, $0).isEmpty } }
    if isSeen, !tries.contains(where: isAcknowledged) { report(.recovered, "\(message)") }
  }

  var losses: LossSplit {
    var split = LossSplit()
    let start = events.first?.time ?? 0
    for lost in missing {
      let others = taken.filter { $0.queue == lost.queue && $0.id.producer == lost.id.producer }.map(\.id.sequence)
      if others.allSatisfy({ $0 < lost.id.sequence }) {
        split.tail += 1
      } else if others.allSatisfy({ $0 > lost.id.sequence }) {
        split.prefix += 1
      } else {
        split.middle += 1
      }
      let sent = publishes.filter { $0.message == lost.id }.map(\.time).min() ?? start
      let second = Int((sent - start) / .second)
      if let known = split.seconds.firstIndex(where: { $0.second == second }) {
        split.seconds[known].count += 1
      } else {
        split.seconds.append(LossSplit.Second(second: second, count: 1))
      }
    }
    split.seconds.sort { $0.second < $1.second }
    return split
  }

  private func judge(_ p: Event, _ queue: UInt16) {
    let list = deliveries(p, queue)
    let unit = "\(p.message).\(p.attempt) \(queue)"
    if !list.isEmpty, outcome(p) == .fail { report(.abortedRead, unit) }
    guard list.allSatisfy(isSole) else { return }
    if list.filter({ !$0.flags.contains(.redelivered) }).count > 1 { report(.wrongRedeliveredFlag, unit) }
    guard list.count > 1 else { return }
    if hasOrder(list.map { ($0.time, free($0)) }) {
      for again in list.dropFirst() { report(.redelivered, "\(unit) \(again.time)") }
    } else {
      report(.duplicated, unit)
    }
  }

  private func judgeOrder() {
    let first = good.filter { d in
      !d.flags.contains(.redelivered) && deliveries(attempt(d), d.place).first?.time == d.time
        && !letters.isLed(attempt(d).place, d.place)
    }
    for late in first {
      let own = attempt(late)
      let isOvertaken = first.contains { d in
        d.session == late.session && d.time < late.time && attempt(d).session == own.session
          && attempt(d).time > own.time
      }
      if isOvertaken, own.session != 0 { report(.outOfOrder, "\(late.message).\(late.attempt) \(late.place)") }
      guard own.session != 0 else { continue }
      // Sent after the other had been read: between sessions as far as the floor tells.
      let ahead = first.filter { d in
        let isEarlier =
          d.session == late.session
          ? d.time < late.time : d.place == late.place && d.time < floor(late.session, until: late.time)
        return isEarlier && attempt(d).session == own.session && attempt(d).time > own.time
      }
      if !ahead.isEmpty { lateByQueue[names.text(late.place), default: 0] += 1 }
      if own.tag != 0, ahead.contains(where: { attempt($0).tag == own.tag }) { lateByKey[own.tag, default: 0] += 1 }
    }
  }

  var order: OrderSplit {
    var split = OrderSplit()
    let queues = names.entries.indices.map { names.text(UInt16($0)) }
    split.queues = queues.compactMap { queue in
      lateByQueue[queue].map { OrderSplit.Queue(queue: queue, count: $0) }
    }
    split.keys = lateByKey.sorted { $0.key < $1.key }.map { OrderSplit.Key(key: $0.key, count: $0.value) }
    split.keysOutOfOrder = lateByKey.count
    split.keysUsed = Set(publishes.map(\.tag)).subtracting([0]).count
    return split
  }

  private func judgeTransactions() {
    var numbers: [UInt64] = []
    for event in events where event.transaction != 0 && !numbers.contains(event.transaction) {
      if transaction(event.transaction) != .fail { numbers.append(event.transaction) }
    }
    var published: [UInt64: [(Event, UInt16)]] = [:]
    for number in numbers {
      published[number] = publishes.filter { $0.transaction == number && outcome($0) != .fail }.flatMap { p in
        queues(p).map { (p, $0) }
      }
    }
    func came(_ p: Event, _ queue: UInt16) -> Bool {
      ([queue] + letters.behind(queue)).contains { !deliveries(p, $0).isEmpty }
    }
    func came(_ number: UInt64) -> Bool { published[number, default: []].contains { came($0, $1) } }
    let known = Set(numbers.filter { transaction($0) == .ok || came($0) })
    let void = Set(numbers.filter { !known.contains($0) && !published[$0, default: []].isEmpty })
    committed = known.count
    unknownTransactions = numbers.count - known.count
    for number in numbers {
      let missing = published[number, default: []].filter { !came($0, $1) }.map(\.1)
      let taken = good.filter { d in
        acks(d).contains { $0.transaction == number && outcome(ofAck: $0) != .fail }
      }
      func others(_ d: Event) -> [Event] { deliveries(attempt(d), d.place) }
      if came(number) {
        let isBack = taken.contains { d in
          isSole(d) && others(d).contains { $0.time != d.time && free($0, known: known) > d.time }
        }
        if isBack {
          report(.tornTransaction, "\(number)")
        } else if !missing.isEmpty {
          report(.tornTransaction, "\(number)", isCertain: missing.contains(where: isOver))
        }
      } else if void.contains(number) {
        let eaten = taken.filter { d in
          !([d.place] + letters.behind(d.place)).flatMap { deliveries(attempt(d), $0) }.contains { other in
            isAuto(other)
              || acks(other).contains { outcome(ofAck: $0) != .fail && !void.contains($0.transaction) }
          }
        }
        if !eaten.isEmpty {
          report(
            .tornTransaction, "\(number)",
            isCertain: missing.allSatisfy(isOver) && eaten.contains { isOver($0.place) })
        }
      }
    }
  }

  private func judgeStuck() {
    let heals = all(.fault, [.ok]).map(\.time)
    let isStanding = windows().contains { $0.end == .max }
    for p in publishes where options.hasConfirms && !isStanding && p.transaction == 0 {
      let answers = replies(p).filter { $0.outcome != .info || $0.flags.contains(.nack) }.map(\.time)
      let ends = all(.release, [.ok, .info]) { $0.session == p.session && p.session != 0 }.map(\.time)
      let until = (answers + ends + [events.last?.time ?? 0]).min() ?? 0
      let isOvertaken = publishes.contains { later in
        later.transaction == 0 && later.time > p.time && outcome(later) != .fail
          && !Set(queues(later)).isDisjoint(with: queues(p))
          && replies(later).contains { $0.outcome == .ok && $0.time <= until }
      }
      if isOvertaken, until - max(p.time, heals.max() ?? .min) > options.stuckConfirmAfter {
        report(.stuckConfirm, "\(p.message).\(p.attempt)")
      }
    }
    for gaveUp in all(.drained, [.info]) where gaveUp.tag > 0 {
      let (queue, now) = (gaveUp.place, gaveUp.time)
      let isAttached = all(.subscribe, [.ok]).contains { s in
        let place = all(.subscribe, [.invoke]) { $0.session == s.session }.first?.place
        return place == queue && s.time < now
          && !all(.release, [.ok, .info]).contains { $0.session == s.session && $0.time < now }
      }
      let moves = events.filter {
        $0.time < now && $0.place == queue
          && ($0.function == .deliver || $0.function == .drained && $0.outcome == .invoke)
      }
      let last = (moves.map(\.time) + heals.filter { $0 < now }).max()
      let isFaulty = all(.fault, [.invoke]).contains { b in
        b.time < now && !all(.fault, [.ok]).contains { $0.place == b.place && $0.time > b.time && $0.time < now }
      }
      if let last, isAttached, !isFaulty, now - last > options.stuckMessageAfter { report(.stuckMessage, "\(queue)") }
    }
  }
}

extension RecordedHistory {
  /// What a finding is about, written so that two evaluations can be compared.
  func unit(of finding: Finding) -> String {
    let attempt = "\(finding.message).\(finding.attempt)"
    switch finding.name {
    case .lost, .duplicatedByRetry, .deadLetterLost: return "\(finding.message) \(finding.queue)"
    case .recovered: return "\(finding.message)"
    case .abortedRead, .duplicated, .wrongRedeliveredFlag, .outOfOrder: return "\(attempt) \(finding.queue)"
    case .redelivered: return "\(attempt) \(finding.queue) \(finding.end)"
    case .tornTransaction: return "\(finding.transaction)"
    case .stuckConfirm: return attempt
    case .stuckMessage: return "\(finding.queue)"
    case .unexpected: return "\(finding.events.first { events[$0].function == .deliver } ?? -1)"
    }
  }

  /// Where the one-pass account and the naive one differ, in words; empty: nowhere.
  func differences(_ options: DeliveryOptions) -> String {
    var full = options
    full.listed = Set(FindingName.allCases)
    full.findingLimit = .max
    let result = DeliveryChecker.check(self, options: full)
    let naive = NaiveAccounting(self, options)
    var text = ""
    for name in FindingName.allCases {
      let units = result.findings.filter { $0.name == name }.map(unit(of:)).sorted()
      if units != naive.found[name] ?? [] { text += "\(name): \(units) naive \(naive.found[name] ?? [])\n" }
      if units.count != result.counts[name] { text += "\(name): counted \(result.counts[name] ?? -1)\n" }
    }
    let pending = Set(FindingName.allCases.filter { result.undecided[$0, default: 0] > 0 })
    if pending != naive.pending { text += "undecided: \(pending) naive \(naive.pending)\n" }
    if result.order != naive.order { text += "order: \(result.order) naive \(naive.order)\n" }
    if result.losses != naive.losses { text += "losses: \(result.losses) naive \(naive.losses)\n" }
    let counts = [
      result.attempted, result.acknowledged, result.delivered, result.unknown, result.committed,
      result.unknownTransactions,
    ]
    let same = [
      naive.attempted, naive.acknowledged, naive.delivered, naive.unknown, naive.committed, naive.unknownTransactions,
    ]
    if counts != same { text += "counts: \(counts) naive \(same)\n" }
    return text
  }
}
