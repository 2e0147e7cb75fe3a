// Is a history of reads and writes that of a register, or of one for each key?

import Base
import History

/// Linearizability of registers, key by key, since it is a local property (Herlihy and Wing, 1990).
///
/// Where every value of a key is written once it follows from the zones of the values (`RegisterZones`), sorted: n log n.
/// A key with a compare-and-set or a value written twice is searched as far as the budget goes. In both nothing is held
/// against a write of unknown result: it may take effect at any later time, or never.
public enum RegisterChecker {
  /// - Parameters:
  ///   - history: `read`, `write` and `compareAndSet` events; anything else is passed over, and a history without any is
  ///     undecided. Equal times count as concurrent. 0, and `MessageID.none`, is the value of what was never written.
  ///   - findingLimit: Findings listed of each name; all are counted.
  ///   - budget: For the search of one key. Beyond it the key is undecided.
  public static func check(
    _ history: RecordedHistory, findingLimit: Int = 1000, budget: SearchBudget = .standard
  ) -> RegisterResult {
    var audit = RegisterAudit(history, findingLimit: findingLimit)
    audit.collect()
    audit.placeReads()
    audit.judgeZones()
    audit.search(budget)
    return audit.close(isComplete: history.isComplete)
  }
}

struct RegisterAudit {
  struct Key {
    var name: UInt64
    /// Not every value is written once.
    var isOutside = false
    var isBroken = false
    var operations = 0
  }

  struct Value {
    var key: Int32
    var value: UInt64
    /// How often it was put there by what did not fail, and from when on it can have been there.
    var writes = 0
    var born = Int32.max
    var hasFailed = false
    /// From the least return to the greatest invocation among its operations, with the operations.
    var least = Int32.max
    var greatest: Int32 = -1
    var leastOperation: Int32 = -1
    var greatestOperation: Int32 = -1
  }

  private(set) var operations: [PlainOperation]
  var keys: [Key] = []
  private(set) var values: [Value] = []
  private var keyTable = PairTable()
  private var valueTable: PairTable
  private var keyOf: [Int32] = []
  private var book: RegisterBook
  private var result = RegisterResult()

  init(_ history: RecordedHistory, findingLimit: Int) {
    let order = EventOrder(history)
    operations = PlainOperations.join(history.events, order) { function in
      switch function {
      case .read, .write, .compareAndSet: true
      default: false
      }
    }
    for k in operations.indices where operations[k].value == .none { operations[k].value = MessageID(rawValue: 0) }
    valueTable = PairTable(capacity: operations.count)
    book = RegisterBook(events: history.events, order: order, operations: operations, limit: findingLimit)
  }

  /// What was written under each key, before anything is said of reads.
  mutating func collect() {
    keyOf.reserveCapacity(operations.count)
    for operation in operations {
      let key = key(operation.tag)
      keyOf.append(Int32(key))
      keys[key].operations += 1
      guard operation.function != .read else { continue }
      let k = value(operation.value.rawValue, key)
      if operation.outcome == .fail {
        values[k].hasFailed = true
        continue
      }
      result.writes += 1
      if values[k].writes > 0 || operation.function == .compareAndSet { keys[key].isOutside = true }
      values[k].writes += 1
      values[k].born = min(values[k].born, operation.invoke)
      extend(k, by: Int32(keyOf.count - 1))
    }
  }

  private mutating func key(_ name: UInt64) -> Int {
    let known = keyTable.find(name)
    if known >= 0 { return Int(known) }
    keyTable.set(name, to: Int32(keys.count))
    keys.append(Key(name: name))
    // The first value is there before everything.
    let first = value(0, keys.count - 1)
    (values[first].writes, values[first].born, values[first].least) = (1, -1, -1)
    return keys.count - 1
  }

  private mutating func value(_ word: UInt64, _ key: Int) -> Int {
    let known = valueTable.find(word, UInt32(key))
    if known >= 0 { return Int(known) }
    valueTable.set(word, UInt32(key), to: Int32(values.count))
    values.append(Value(key: Int32(key), value: word))
    return values.count - 1
  }

  private mutating func extend(_ k: Int, by operation: Int32) {
    let (invoke, complete) = (operations[Int(operation)].invoke, operations[Int(operation)].complete)
    if complete < values[k].least { (values[k].least, values[k].leastOperation) = (complete, operation) }
    if invoke > values[k].greatest { (values[k].greatest, values[k].greatestOperation) = (invoke, operation) }
  }

  /// Reads of what cannot have been there are findings by themselves and take no part in others.
  mutating func placeReads() {
    for (at, operation) in operations.enumerated() where operation.function == .read && operation.outcome == .ok {
      result.reads += 1
      let key = Int(keyOf[at])
      let known = valueTable.find(operation.value.rawValue, UInt32(key))
      if known >= 0, values[Int(known)].born < operation.complete {
        extend(Int(known), by: Int32(at))
        continue
      }
      let isAborted = known >= 0 && values[Int(known)].hasFailed && values[Int(known)].writes == 0
      book.impossible(at, key: keys[key].name, isAborted: isAborted)
      keys[key].isBroken = true
    }
  }

  mutating func judgeZones() {
    let zones = RegisterZones.sorted(values.filter { $0.least < Int32.max && !keys[Int($0.key)].isOutside })
    for (old, new) in RegisterZones.conflicts(zones) { book.stale(old, new, key: keys[Int(old.key)].name) }
  }

  mutating func search(_ budget: SearchBudget) {
    result.searchedKeys = keys.count(where: \.isOutside)
    guard result.searchedKeys > 0 else { return }
    var members: [[Int]] = Array(repeating: [], count: keys.count)
    for at in operations.indices where keys[Int(keyOf[at])].isOutside { members[Int(keyOf[at])].append(at) }
    for (key, members) in members.enumerated() where keys[key].isOutside && !keys[key].isBroken {
      let possible = members.filter { at in
        let operation = operations[at]
        // What is not known to have been read says nothing.
        return operation.outcome == .ok || operation.outcome == .info && operation.function != .read
      }
      let searched = possible.map { at in
        SearchOperation(
          action: action(operations[at]), begin: operations[at].invoke, end: operations[at].complete)
      }
      var search = LinearizabilitySearch(SequentialRegister(), searched, budget: budget)
      switch search.run() {
      case .explained: break
      case .unexplained(let index): book.unexplained(possible[index], key: keys[key].name)
      case .outOfBounds: result.undecidedKeys += 1
      }
    }
  }

  private func action(_ operation: PlainOperation) -> SequentialRegister.Action {
    switch operation.function {
    case .write: .write(operation.value.rawValue)
    case .read: .read(operation.value.rawValue)
    default: .compareAndSet(old: operation.expected, new: operation.value.rawValue)
    }
  }

  mutating func close(isComplete: Bool) -> RegisterResult {
    result.keys = keys.count
    // A history that does not speak of a register proves nothing about one.
    book.close(&result, isComplete: isComplete && !operations.isEmpty)
    return result
  }
}
