// An IPv4 address as a number.

/// An IPv4 address.
public struct IPv4: Hashable, Sendable, CustomStringConvertible {
  /// In host byte order: 10.77.0.1 is 0x0a4d0001.
  public let bits: UInt32

  public init(bits: UInt32) { self.bits = bits }

  /// Four decimal bytes with dots, nothing else.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bits: UInt32 = 0
    for part in parts {
      guard part.count <= 3, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let byte = UInt8(part) else {
        return nil
      }
      bits = bits << 8 | UInt32(byte)
    }
    self.bits = bits
  }

  public var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
}
