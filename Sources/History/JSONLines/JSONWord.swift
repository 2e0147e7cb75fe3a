// The short words of JSON lines as numbers: a comparison of two registers instead of two strings.

/// The bytes of a word of at most seven, the first byte lowest, as `JSONScanner.shortWord` gives them. A word of eight or
/// more (`prefetch`, `intended`, `redelivered`, `subscribe`, `rollback`) is compared byte by byte.
enum JSONWord {
  static var time: UInt64 { 0x656d_6974 }
  static var process: UInt64 { 0x73_7365_636f_7270 }
  static var type: UInt64 { 0x6570_7974 }
  static var f: UInt64 { 0x66 }
  static var op: UInt64 { 0x706f }
  static var value: UInt64 { 0x65_756c_6176 }
  static var to: UInt64 { 0x6f74 }
  static var queue: UInt64 { 0x65_7565_7571 }
  static var node: UInt64 { 0x6564_6f6e }
  static var channel: UInt64 { 0x6c_656e_6e61_6863 }
  static var session: UInt64 { 0x6e_6f69_7373_6573 }
  static var tx: UInt64 { 0x7874 }
  static var key: UInt64 { 0x79_656b }
  static var tag: UInt64 { 0x67_6174 }
  static var count: UInt64 { 0x74_6e75_6f63 }
  static var requeue: UInt64 { 0x65_7565_7571_6572 }
  static var sent: UInt64 { 0x746e_6573 }
  static var nack: UInt64 { 0x6b63_616e }
  static var mode: UInt64 { 0x6564_6f6d }
  static var bad: UInt64 { 0x64_6162 }
  static var invoke: UInt64 { 0x656b_6f76_6e69 }
  static var ok: UInt64 { 0x6b6f }
  static var fail: UInt64 { 0x6c69_6166 }
  static var info: UInt64 { 0x6f66_6e69 }
  static var publish: UInt64 { 0x68_7369_6c62_7570 }
  static var deliver: UInt64 { 0x72_6576_696c_6564 }
  static var ack: UInt64 { 0x6b_6361 }
  static var recover: UInt64 { 0x72_6576_6f63_6572 }
  static var commit: UInt64 { 0x7469_6d6d_6f63 }
  static var alive: UInt64 { 0x65_7669_6c61 }
  static var release: UInt64 { 0x65_7361_656c_6572 }
  static var fault: UInt64 { 0x74_6c75_6166 }
  static var drained: UInt64 { 0x64_656e_6961_7264 }
  static var enqueue: UInt64 { 0x65_7565_7571_6e65 }
  static var dequeue: UInt64 { 0x65_7565_7571_6564 }
  static var append: UInt64 { 0x646e_6570_7061 }
  static var read: UInt64 { 0x6461_6572 }
  static var write: UInt64 { 0x65_7469_7277 }
  static var cas: UInt64 { 0x73_6163 }
  static var manual: UInt64 { 0x6c61_756e_616d }
  static var auto: UInt64 { 0x6f74_7561 }
  static var foreign: UInt64 { 0x6e_6769_6572_6f66 }
  static var damaged: UInt64 { 0x64_6567_616d_6164 }

  /// The number of a word.
  static func number(of word: String) -> UInt64 {
    word.utf8.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
