// What a transformer did as JSON lines. A mistake is told with its line, its byte and what was expected there.

import Base

extension TransformHistory {
  /// The history in `bytes`, which may be compressed, one fact a line, in the order in which they became known:
  ///
  ///     {"f": "input", "value": 7, "partition": "in-0", "offset": 12, "parts": 2}
  ///     {"f": "transaction", "value": 3, "type": "invoke"}
  ///     {"f": "transaction", "value": 3, "type": "ok"}
  ///     {"f": "output", "value": 7, "part": 0, "transaction": 3}
  ///     {"f": "output", "value": 7, "part": 1, "transaction": 3}
  ///     {"f": "committed", "partition": "in-0", "offset": 13}
  ///     {"f": "drained"}
  ///
  /// An input is to have `parts` outputs, else one, and `part` counts them from 0. An output is what a reader of committed
  /// messages found; its payload names the input and the transaction. A transaction has a line when it begins, which may be
  /// missing, and one with its end: ok, fail or info. `committed` is the offset from which a new consumer would go on, the
  /// last one of a partition counts. `drained` says that the transformer was left alone until it had nothing more to do, and
  /// that everything above was looked up after that; it counts where it is the last of all. `time` in nanoseconds may stand
  /// in every line and ascends then. Lines of `fault` and keys that are none of these are passed over.
  /// - Parameter file: Only for errors.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> TransformHistory {
    try FlatLineReader.read(ByteWindow(bytes, file: file), TransformBuilder()).history
  }

  /// The history in a file, plain or compressed.
  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - name: What errors call it; nil: its path.
  public static func read(_ path: String, name: String? = nil) throws(HistoryError) -> TransformHistory {
    try FlatLineReader.read(path, name: name, TransformBuilder()).history
  }
}

private struct TransformBuilder: FlatLineBuilder {
  static var content: StaticString { "inputs, outputs and transactions" }

  var history = TransformHistory()
  private var inputs: [MessageID: LineMark] = [:]
  private var transactions: [UInt64: Int] = [:]
  private var partitions: [String: Int] = [:]

  init() { history.isDrained = false }

  mutating func add(_ line: FlatLine, _ function: String) throws(FlatLine.Failure) {
    if history.events == 0 { history.start = line.mark.time }
    switch function {
    case "transaction": try transaction(line)
    case "input": try input(line)
    case "output": try output(line)
    case "committed": try committed(line)
    case "drained":
      let type = try line.outcome() ?? .ok
      history.isDrained = type == .ok
    case "fault": return
    default: throw line.stranger("transaction, input, output, committed or drained")
    }
    if function != "drained" { history.isDrained = false }
    history.events += 1
  }

  private mutating func transaction(_ line: FlatLine) throws(FlatLine.Failure) {
    let number: UInt64 = try line.need(line.integer("value", "the number of a transaction, 0 or more"), "value")
    let outcome = try line.need(line.outcome(), "type")
    let k = transactions[number] ?? history.transactions.count
    if k == history.transactions.count {
      transactions[number] = k
      history.transactions.append(TransformHistory.Transaction(number, .invoke))
    }
    try history.transactions[k].told.add(line, outcome, "transaction \(number)")
  }

  private mutating func input(_ line: FlatLine) throws(FlatLine.Failure) {
    try line.expectFact("an input")
    let id = try line.id("the id of an input, 0 or more")
    let partition = try partition(line)
    let offset = try offset(line)
    let parts = try line.integer("parts", "how many outputs it is to have, from 0 to 4294967295") as UInt32? ?? 1
    if let first = inputs.updateValue(line.mark, forKey: id) {
      throw line.failure("expected each input once: \(id) is in line \(first.line + 1)")
    }
    history.inputs.append(
      TransformHistory.Input(
        id, partition: UInt32(truncatingIfNeeded: partition), offset: offset, parts: parts, mark: line.mark))
  }

  private mutating func output(_ line: FlatLine) throws(FlatLine.Failure) {
    try line.expectFact("an output")
    let id = try line.id("the id of the input it came from, 0 or more")
    let part = try line.integer("part", "which output of its input it is, from 0 to 4294967295") as UInt32? ?? 0
    let number: UInt64? = try line.integer("transaction", "the number of a transaction, 0 or more")
    history.effects.append(
      TransformHistory.Effect(
        of: id, part: part, transaction: try line.need(number, "transaction"), mark: line.mark))
  }

  private mutating func committed(_ line: FlatLine) throws(FlatLine.Failure) {
    try line.expectFact("a committed offset")
    let k = try partition(line)
    history.partitions[k].committed = try offset(line)
    history.partitions[k].mark = line.mark
  }

  private func offset(_ line: FlatLine) throws(FlatLine.Failure) -> Int64 {
    let offset: UInt64 = try line.need(line.integer("offset", "an offset of 0 or more"), "offset")
    // Whatever the scanner takes as an integer fits into 63 bits.
    return Int64(clamping: offset)
  }

  private mutating func partition(_ line: FlatLine) throws(FlatLine.Failure) -> Int {
    let name = try line.need(line.name("partition", "the name or number of a partition"), "partition")
    if let known = partitions[name] { return known }
    partitions[name] = history.partitions.count
    history.partitions.append(TransformHistory.Partition(name))
    return history.partitions.count - 1
  }
}
