// The hidden subcommand `recorder-bench`: what an event costs the recorder, by itself.

import Base
import EventLoop
import Glibc
import History

/// Appends the events that messages of a work queue make, as fast as it goes, and prints CPU time and bytes for each.
public enum RecorderBench {
  static let usage = "usage: stormproof recorder-bench FILE MESSAGES"

  /// - Parameter arguments: what follows the subcommand.
  /// - Returns: 0, 2 for a mistake in the arguments, 5 where recording fails.
  public static func main(_ arguments: [String]) -> Int32 {
    guard arguments.count == 2, let messages = Int(arguments[1]), messages > 0 else {
      print(usage)
      return 2
    }
    do {
      let recorder = try HistoryRecorder(path: arguments[0])
      // Once around for the memory that all later rounds use again.
      append(200_000, to: recorder, firstOp: 0)
      drain(recorder)
      let (thread, process) = (CPUTime.ofThread(), CPUTime.ofProcess())
      let before = recorder.count
      append(messages, to: recorder, firstOp: 200_000)
      let appending = CPUTime.ofThread() - thread
      guard recorder.close() else {
        print("recorder-bench: \(recorder.failure ?? "nothing was recorded")")
        return 5
      }
      let cost = CPUTime.ofProcess() - process
      let events = Double(recorder.count - before)
      let size = try FileBytes.read(arguments[0]).count
      func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
      print("events: \(Int(events))")
      print("appending ns/event: \(tenths(Double(appending) / events))")
      print("CPU ns/event: \(tenths(Double(cost) / events))")
      print("bytes/event: \(tenths(Double(size) / Double(recorder.count)))")
      return 0
    } catch {
      print("recorder-bench: \(error)")
      return 5
    }
  }

  /// Publish, confirm, delivery and acknowledgement of each message, a thousand messages under way at any time.
  private static func append(_ messages: Int, to recorder: HistoryRecorder, firstOp: UInt64) {
    var event = Event()
    event.place = recorder.word("q")
    for number in 0..<messages {
      let op = firstOp + UInt64(number)
      event.time = Loop.monotonicNow()
      (event.function, event.outcome, event.op, event.process, event.session) = (.publish, .invoke, 2 * op, 1, 1)
      (event.message, event.attempt, event.tag) = (MessageID(producer: 1, sequence: Int(op)), 1, 0)
      recorder.append(event)
      (event.outcome, event.op, event.message) = (.ok, 2 * max(op, 1000) - 1000, .none)
      recorder.append(event)
      (event.function, event.op, event.process, event.session) = (.deliver, 0, 10_000, 2)
      (event.message, event.tag) = (MessageID(producer: 1, sequence: Int(max(op, 2000) - 2000)), op)
      recorder.append(event)
      (event.function, event.outcome, event.op, event.message) = (.ack, .invoke, 2 * op + 1, .none)
      recorder.append(event)
      // A thousand times the rate of a broker would only fill the memory that waits for the disk.
      if number % 100_000 == 99_999 { drain(recorder) }
    }
  }

  private static func drain(_ recorder: HistoryRecorder) {
    recorder.flush()
    recorder.waitUntilWritten()
  }
}

/// CPU time spent so far, user and system.
enum CPUTime {
  // RUSAGE_SELF, RUSAGE_THREAD: the header has them as an enum that does not convert.
  static func ofProcess() -> Nanoseconds { read(0) }
  static func ofThread() -> Nanoseconds { read(1) }
  /// Of the whole process, in the kernel.
  static func ofKernel() -> Nanoseconds { read(0, onlySystem: true) }

  private static func read(_ who: Int32, onlySystem: Bool = false) -> Nanoseconds {
    var usage = rusage()
    getrusage(who, &usage)
    func length(_ time: timeval) -> Nanoseconds {
      Nanoseconds(time.tv_sec) * .second + Nanoseconds(time.tv_usec) * .microsecond
    }
    return (onlySystem ? 0 : length(usage.ru_utime)) + length(usage.ru_stime)
  }
}
