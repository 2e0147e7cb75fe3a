// A history in memory as a `history.bin`: what is given in another format can then be checked in the fastest one.

#if canImport(Glibc)
  import Glibc
#endif

extension RecordedHistory {
  /// Writes the history as a recorder would have, whole or not at all: a file beside it is renamed into its place. Times
  /// that do not increase are put a nanosecond behind the one before. A history that is not complete stays so.
  /// - Throws: the file cannot be written.
  public func write(to path: String) throws(HistoryError) {
    let temporary = path + ".new"
    let problem: HistoryError?
    do throws(HistoryError) {
      problem = try record(at: temporary)
    } catch {
      problem = error
    }
    if let problem {
      unlink(temporary)
      throw problem
    }
    guard rename(temporary, path) == 0 else {
      let failure = FileBytes.failure(path, "cannot be put into place")
      unlink(temporary)
      throw failure
    }
  }

  private func record(at path: String) throws(HistoryError) -> HistoryError? {
    let recorder = try HistoryRecorder(path: path)
    // In their order, so that each keeps its number.
    for entry in names.entries {
      switch entry {
      case .word(let text): _ = recorder.word(text)
      case .route(let queues): _ = recorder.route(to: queues.map(names.text))
      }
    }
    for (number, event) in events.enumerated() {
      recorder.append(event)
      // The disk sets the pace: nothing is lost where there is no run to keep up with.
      if number % 1_000_000 == 999_999 { recorder.waitUntilWritten() }
    }
    if isComplete { recorder.close() } else { recorder.flush() }
    recorder.waitUntilWritten()
    return recorder.failure.map { HistoryError(file: path, $0) }
  }
}
