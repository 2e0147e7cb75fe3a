// A history as JSON lines, one event a line, for other tools and from them: the format of delivery accounting, and the
// plain ones of queues (`enqueue`, `dequeue`), logs (`append`, `read`), registers and key-value stores (`write`, `read`,
// `cas`).

import Base

/// Export and import of histories as text.
///
/// Every line has `time` (nanoseconds), `process`, `type` (invoke, ok, fail, info) and `f`. The rest depends on `f`:
/// `publish` {op, value: [id, attempt], to: [queues], channel, tx, intended, sent, nack}, `subscribe` {op, queue, session,
/// mode, prefetch}, `deliver` {value, queue, session, tag, redelivered, bad, intended}, `ack` and `nack` {op, session, tag,
/// requeue, tx}, `recover`, `alive`, `release` {op, session}, `commit`, `rollback` {op, tx, channel}, `fault` {value: name},
/// `drained` {op, queue, count}, `enqueue`, `dequeue` {op, value}; `node` anywhere. An id is its raw value: a histories' own
/// small numbers are ids of producer 0.
///
/// The rest have {op, value} too, and their value is: `append` v, when ok [offset, v]; `read` of a log [offset, null], when
/// ok [offset, v], or [offset, null] past its end; of a register `write` v, `read` null, when ok v, `cas` [old, new]; of a
/// key-value store the same under a key: [key, v], [key, null], [key, [old, new]]. A log's read and a store's look alike:
/// the reader of the history knows which it is.
public enum JSONLines {
  /// In the order of the cases.
  static let functions: [StaticString] = [
    "publish", "subscribe", "deliver", "ack", "nack", "recover", "commit", "rollback", "alive", "release", "fault",
    "drained", "enqueue", "dequeue", "append", "read", "write", "cas",
  ]
  /// The word for a function in a line.
  public static func name(_ function: Function) -> String { functions[Int(function.rawValue)].description }

  static let outcomes: [StaticString] = ["invoke", "ok", "fail", "info"]

  /// Writes the history through `write`, some 64 KiB at a time.
  public static func export(_ history: RecordedHistory, write: ([UInt8]) throws -> Void) rethrows {
    try EventWriter.export(history, .json, write: write)
  }

  /// The whole text at once.
  public static func export(_ history: RecordedHistory) -> [UInt8] {
    var bytes: [UInt8] = []
    export(history) { bytes += $0 }
    return bytes
  }
}
