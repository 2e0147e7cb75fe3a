// Histories of Jepsen and for it: operations as EDN maps, in the words of its queue workloads or in all of ours.

import Base

/// Import and export of histories as EDN, one map an operation's begin or end, one behind the other or in one vector.
///
/// Every map has `:process`, `:type` (:invoke, :ok, :fail, :info), `:f` and, mostly, `:time` (nanoseconds; where it is
/// missing the place of the map in the file stands for it) and `:index`. Jepsen's queue workloads say `:enqueue` and
/// `:dequeue` with an integer as `:value`, and `:drain`, whose `:ok` has all it took as `:value [1 2 …]`; the rest is what
/// `JSONLines` says, its keys and words as keywords. What a process without a number did (`:nemesis`) is passed over, and so
/// are keys that are not known.
///
/// Where Jepsen is less strict than `JSONLines`, so is this: an operation that failed or whose result is unknown may have
/// anything as its `:value` (`:timeout`, `:exhausted`), and clocks that step back are taken to stand still, for the order of
/// the file is the order of what happened.
public enum JepsenHistory {
  /// The history in `bytes`; `file` is only for errors.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> RecordedHistory {
    try read(ByteWindow(bytes, file: file), progress: nil)
  }

  /// Writes the history through `write`, some 64 KiB at a time, a map a line.
  public static func export(_ history: RecordedHistory, write: ([UInt8]) throws -> Void) rethrows {
    try EventWriter.export(history, .edn, write: write)
  }

  /// The whole text at once.
  public static func export(_ history: RecordedHistory) -> [UInt8] {
    var bytes: [UInt8] = []
    export(history) { bytes += $0 }
    return bytes
  }

  static func read(_ window: ByteWindow, progress: ((Int) -> Void)?) throws(HistoryError) -> RecordedHistory {
    var reader = EDNReader(window)
    var mapper = OperationMapper()
    var count = 0
    while let form = try reader.next() {
      do throws(EventAssembler.Failure) { try mapper.append(form) } catch { throw reader.error(error.message) }
      count += 1
      if count % 8192 == 0 { progress?(count) }
    }
    return mapper.history()
  }
}
