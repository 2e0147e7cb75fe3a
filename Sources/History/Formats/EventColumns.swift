// The events of a block, field by field: as the recorder collects them, and packed as they lie on disk.
//
//   payload = width u8 (14 of them, then 2 bytes of zero), base u64 (14), columns; each column begins at a multiple of 8
//   column  = one number of `width` bytes (0, 1, 2, 4 or 8) an event; the value is base + number, modulo 2^64
//
// A field that is the same in the whole block takes no room, one that varies a little takes little: some 25 bytes an event
// of a run instead of 72, and a reader that wants three fields touches no other.

import Base

enum EventColumns {
  /// In the order of the file: the wide ones first, so that all are aligned in memory.
  enum Column: Int, CaseIterable {
    case time, op
    /// Low 40 bits of (message + 1); the high 24 bits are `producer`. So `MessageID.none` is 0 in both.
    case sequence
    case transaction, tag
    /// 0 where `intended` is 0; otherwise time − intended + 1.
    case lateness
    case producer, attempt, session, process
    case place, node
    case flags
    /// function × 4 + outcome.
    case kind
  }

  static let count = Column.allCases.count
  /// Bytes of a value in memory, and so the greatest width on disk.
  static let sizes = [8, 8, 8, 8, 8, 8, 4, 4, 4, 4, 2, 2, 1, 1]
  static let eventSize = 70
  static let prefixSize = 16 + 8 * 14
  static let sequenceMask: UInt64 = 0xff_ffff_ffff

  /// Bytes that `events` events take when nothing can be packed.
  static func largestPayload(events: Int) -> Int { prefixSize + events * eventSize + 8 * count }

  static func padded(_ size: Int) -> Int { (size + 7) & ~7 }
}

/// Memory for the fields of up to `capacity` events, one array a field.
final class EventBuffer: @unchecked Sendable {
  let capacity: Int
  private(set) var count = 0
  private let memory: UnsafeMutableRawPointer
  private let wide: UnsafeMutablePointer<UInt64>
  private let middle: UnsafeMutablePointer<UInt32>
  private let narrow: UnsafeMutablePointer<UInt16>
  private let bytes: UnsafeMutablePointer<UInt8>

  init(capacity: Int) {
    self.capacity = capacity
    memory = .allocate(byteCount: capacity * EventColumns.eventSize, alignment: 64)
    wide = memory.bindMemory(to: UInt64.self, capacity: 6 * capacity)
    middle = (memory + 48 * capacity).bindMemory(to: UInt32.self, capacity: 4 * capacity)
    narrow = (memory + 64 * capacity).bindMemory(to: UInt16.self, capacity: 2 * capacity)
    bytes = (memory + 68 * capacity).bindMemory(to: UInt8.self, capacity: 2 * capacity)
  }

  deinit { memory.deallocate() }

  var isFull: Bool { count == capacity }
  func removeAll() { count = 0 }

  /// Adds the event, at `time` instead of its own; there must be room.
  @inline(__always)
  func append(_ event: Event, time: Nanoseconds) {
    let (at, n) = (count, capacity)
    let message = event.message.rawValue &+ 1
    let lateness = event.intended == 0 ? 0 : max(time &- event.intended, 0) &+ 1
    wide[at] = UInt64(bitPattern: time)
    wide[n &+ at] = event.op
    wide[2 &* n &+ at] = message & EventColumns.sequenceMask
    wide[3 &* n &+ at] = event.transaction
    wide[4 &* n &+ at] = event.tag
    wide[5 &* n &+ at] = UInt64(bitPattern: lateness)
    middle[at] = UInt32(truncatingIfNeeded: message >> 40)
    middle[n &+ at] = event.attempt
    middle[2 &* n &+ at] = event.session
    middle[3 &* n &+ at] = UInt32(bitPattern: event.process)
    narrow[at] = event.place
    narrow[n &+ at] = event.node
    bytes[at] = event.flags.rawValue
    bytes[n &+ at] = event.function.rawValue << 2 | event.outcome.rawValue
    count = at &+ 1
  }

  /// Writes the payload of the block to `out`, which has room for `EventColumns.largestPayload(events: capacity)` bytes, and
  /// returns its length. The times in memory are spent afterwards.
  func pack(to out: UnsafeMutableRawPointer) -> Int {
    (out + 14).storeBytes(of: 0, as: UInt16.self)
    var offset = EventColumns.prefixSize
    var index = 0
    func put(_ column: (width: Int, base: UInt64)) {
      out.storeBytes(of: UInt8(column.width), toByteOffset: index, as: UInt8.self)
      out.storeBytes(of: column.base.littleEndian, toByteOffset: 16 + 8 * index, as: UInt64.self)
      let length = column.width * count
      // What lies between two columns must not depend on old memory.
      for gap in length..<EventColumns.padded(length) {
        out.storeBytes(of: 0, toByteOffset: offset + gap, as: UInt8.self)
      }
      offset += EventColumns.padded(length)
      index += 1
    }
    // Times only grow: their distance from the first is what varies least.
    let first = count == 0 ? 0 : wide[0]
    for at in 0..<count { wide[at] &-= first }
    let times = Self.pack(wide, count, to: out + offset)
    put((times.width, times.base &+ first))
    for column in 1..<6 { put(Self.pack(wide + column * capacity, count, to: out + offset)) }
    for column in 0..<4 { put(Self.pack(middle + column * capacity, count, to: out + offset)) }
    for column in 0..<2 { put(Self.pack(narrow + column * capacity, count, to: out + offset)) }
    for column in 0..<2 { put(Self.pack(bytes + column * capacity, count, to: out + offset)) }
    return offset
  }

  /// Stores the bytes of the values that differ from one value to another. The base is what they have in common.
  private static func pack<T: FixedWidthInteger & UnsignedInteger>(
    _ values: UnsafeMutablePointer<T>, _ count: Int, to out: UnsafeMutableRawPointer
  ) -> (width: Int, base: UInt64) {
    guard count > 0 else { return (0, 0) }
    let first = values[0]
    var spread: T = 0
    for index in 0..<count { spread |= values[index] ^ first }
    switch UInt64(spread) {
    case 0: return (0, UInt64(first))
    case ...0xff:
      store(values, count, to: out, as: UInt8.self)
      return (1, UInt64(first) & ~0xff)
    case ...0xffff:
      store(values, count, to: out, as: UInt16.self)
      return (2, UInt64(first) & ~0xffff)
    case ...0xffff_ffff:
      store(values, count, to: out, as: UInt32.self)
      return (4, UInt64(first) & ~0xffff_ffff)
    default:
      store(values, count, to: out, as: UInt64.self)
      return (8, 0)
    }
  }

  @inline(__always)
  private static func store<T: FixedWidthInteger, U: FixedWidthInteger>(
    _ values: UnsafeMutablePointer<T>, _ count: Int, to out: UnsafeMutableRawPointer, as: U.Type
  ) {
    let numbers = out.assumingMemoryBound(to: U.self)
    for index in 0..<count { numbers[index] = U(truncatingIfNeeded: values[index]).littleEndian }
  }
}

/// The packed events of one block, looked at without being copied.
struct PackedEvents {
  let count: Int
  private let payload: UnsafeRawBufferPointer
  private var offsets: [Int] = []

  /// What is wrong with a payload, and at which of its bytes.
  struct Problem: Error {
    var byte: Int
    var message: String
  }

  /// Checks that the columns fill the payload exactly.
  init(_ payload: UnsafeRawBufferPointer, count: Int) throws(Problem) {
    self.payload = payload
    self.count = count
    guard payload.count >= EventColumns.prefixSize else {
      throw Problem(byte: 0, message: "expected a block of events to begin with its widths and bases")
    }
    var offset = EventColumns.prefixSize
    for column in 0..<EventColumns.count {
      let width = Int(payload[column])
      guard [0, 1, 2, 4, 8].contains(width), width <= EventColumns.sizes[column] else {
        throw Problem(
          byte: column,
          message: "expected a width of 0, 1, 2, 4 or 8, at most \(EventColumns.sizes[column]), found \(width)")
      }
      offsets.append(offset)
      offset += EventColumns.padded(width * count)
    }
    guard offset == payload.count else {
      throw Problem(
        byte: 0, message: "expected \(offset) bytes for \(count) events of these widths, found \(payload.count)")
    }
  }

  func offset(of column: EventColumns.Column) -> Int { offsets[column.rawValue] }

  func base(_ column: EventColumns.Column) -> UInt64 {
    UInt64(littleEndian: payload.loadUnaligned(fromByteOffset: 16 + 8 * column.rawValue, as: UInt64.self))
  }

  /// All events have the base for this column.
  func isConstant(_ column: EventColumns.Column) -> Bool { payload[column.rawValue] == 0 }

  /// The column's value for one event, from 0 to `count` − 1.
  func value(_ column: EventColumns.Column, _ index: Int) -> UInt64 {
    let width = Int(payload[column.rawValue])
    var number: UInt64 = 0
    for byte in 0..<width {
      number |= UInt64(payload[offsets[column.rawValue] + index * width + byte]) << (8 * UInt64(byte))
    }
    return base(column) &+ number
  }

  /// Calls `body` with the number of each event and the column's value for it, in order.
  @inline(__always)
  func forEach(_ column: EventColumns.Column, _ body: (Int, UInt64) -> Void) {
    guard let start = payload.baseAddress.map({ $0 + offsets[column.rawValue] }) else { return }
    let base = base(column)
    switch payload[column.rawValue] {
    case 0: for index in 0..<count { body(index, base) }
    case 1: for index in 0..<count { body(index, base &+ UInt64(start.load(fromByteOffset: index, as: UInt8.self))) }
    case 2:
      for index in 0..<count {
        body(
          index, base &+ UInt64(UInt16(littleEndian: start.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))))
      }
    case 4:
      for index in 0..<count {
        body(
          index, base &+ UInt64(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))))
      }
    default:
      for index in 0..<count {
        body(index, base &+ UInt64(littleEndian: start.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)))
      }
    }
  }

  /// The events as values. Kinds must have been looked at: an enum is never made from a byte that is no case of it.
  func unpack(into events: UnsafeMutableBufferPointer<Event>) {
    for index in 0..<count { events.initializeElement(at: index, to: Event()) }
    forEach(.time) { events[$0].time = Nanoseconds(bitPattern: $1) }
    forEach(.op) { events[$0].op = $1 }
    forEach(.producer) { events[$0].message.rawValue = $1 << 40 }
    forEach(.sequence) { events[$0].message.rawValue = (events[$0].message.rawValue &+ $1) &- 1 }
    forEach(.transaction) { events[$0].transaction = $1 }
    forEach(.tag) { events[$0].tag = $1 }
    forEach(.lateness) {
      if $1 != 0 { events[$0].intended = events[$0].time &- Nanoseconds(bitPattern: $1 &- 1) }
    }
    forEach(.attempt) { events[$0].attempt = UInt32(truncatingIfNeeded: $1) }
    forEach(.session) { events[$0].session = UInt32(truncatingIfNeeded: $1) }
    forEach(.process) { events[$0].process = Int32(truncatingIfNeeded: $1) }
    forEach(.place) { events[$0].place = UInt16(truncatingIfNeeded: $1) }
    forEach(.node) { events[$0].node = UInt16(truncatingIfNeeded: $1) }
    forEach(.flags) { events[$0].flags = Event.Flags(rawValue: UInt8(truncatingIfNeeded: $1)) }
    forEach(.kind) {
      events[$0].function = Function(rawValue: UInt8(truncatingIfNeeded: $1 >> 2)) ?? .publish
      events[$0].outcome = Outcome(rawValue: UInt8($1 & 3)) ?? .invoke
    }
  }

  /// One event as a value, from 0 to `count` − 1; its kind must have been looked at.
  func event(_ index: Int) -> Event {
    var event = Event()
    func field(_ column: EventColumns.Column) -> UInt64 { value(column, index) }
    event.time = Nanoseconds(bitPattern: field(.time))
    event.op = field(.op)
    event.message.rawValue = (field(.producer) << 40 &+ field(.sequence)) &- 1
    (event.transaction, event.tag) = (field(.transaction), field(.tag))
    let lateness = field(.lateness)
    if lateness != 0 { event.intended = event.time &- Nanoseconds(bitPattern: lateness &- 1) }
    event.attempt = UInt32(truncatingIfNeeded: field(.attempt))
    event.session = UInt32(truncatingIfNeeded: field(.session))
    event.process = Int32(truncatingIfNeeded: field(.process))
    event.place = UInt16(truncatingIfNeeded: field(.place))
    event.node = UInt16(truncatingIfNeeded: field(.node))
    event.flags = Event.Flags(rawValue: UInt8(truncatingIfNeeded: field(.flags)))
    event.function = Function(rawValue: UInt8(truncatingIfNeeded: field(.kind) >> 2)) ?? .publish
    event.outcome = Outcome(rawValue: UInt8(field(.kind) & 3)) ?? .invoke
    return event
  }
}
