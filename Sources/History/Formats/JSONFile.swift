// JSON that people read too: sorted keys, the same bytes for the same value; and errors that name the file.

import FoundationEssentials

/// Reading and writing of `manifest.json` and its like.
public enum JSONFile {
  /// The value as JSON with sorted keys, indented unless `isCompact`, ending in a newline.
  public static func encode(_ value: some Encodable, isCompact: Bool = false) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      isCompact ? [.sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    // What JSON has no number for is said in words, not refused: a report must come out whatever was measured.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    guard let data = try? encoder.encode(value) else { return [] }
    return Array(data) + [0x0a]
  }

  public static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8], file: String) throws(HistoryError) -> T {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch {
      throw HistoryError(file: file, describe(error))
    }
  }

  public static func read<T: Decodable>(_ type: T.Type, _ path: String) throws(HistoryError) -> T {
    try decode(type, from: FileBytes.read(path), file: path)
  }

  /// Put into place at once.
  public static func write(_ value: some Encodable, to path: String) throws(HistoryError) {
    try FileBytes.replace(path, with: encode(value))
  }

  /// `levels.0.seed: expected a number`
  private static func describe(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".") + ": "
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return place(context.codingPath) + "expected the key \"\(key.stringValue)\""
    case DecodingError.typeMismatch(let type, let context), DecodingError.valueNotFound(let type, let context):
      return place(context.codingPath) + "expected \(type)"
    case DecodingError.dataCorrupted(let context):
      return place(context.codingPath) + "expected valid JSON: " + context.debugDescription
    default: return "expected valid JSON"
    }
  }
}

extension Manifest {
  /// Reads `manifest.json`.
  public static func read(_ path: String) throws(HistoryError) -> Manifest { try JSONFile.read(Manifest.self, path) }
  /// Writes `manifest.json`, whole or not at all.
  public func write(to path: String) throws(HistoryError) { try JSONFile.write(self, to: path) }
}
