// Lines to stderr, at once and whole: what is buffered is lost in a kill. And the ways in which a node ends.

import Base
import Glibc

/// Writes one line with the time of day before it.
func say(_ text: String) {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  var parts = tm()
  gmtime_r(&now.tv_sec, &parts)
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  let thousandth = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
  let time = "\(two(Int(parts.tm_hour))):\(two(Int(parts.tm_min))):\(two(Int(parts.tm_sec))).\(thousandth)"
  put("\(time) \(text)\n", to: STDERR_FILENO)
}

func put(_ text: String, to descriptor: Int32) {
  var text = text
  text.withUTF8 { bytes in
    var done = 0
    while done < bytes.count {
      let count = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0 && errno != EINTR { return }
      done += max(0, count)
    }
  }
}

/// Exit statuses, the same as the harness's.
enum ExitStatus: Int32 {
  case orderly = 0
  /// The disk failed, or the log is damaged: nothing this node has not confirmed may be counted on.
  case storage = 1
  case usage = 2
  case cannotStart = 5
}

/// Ends the process now, from any thread, without running anything of it any more.
func end(_ status: ExitStatus, _ text: String) -> Never {
  say(text)
  _exit(status.rawValue)
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
