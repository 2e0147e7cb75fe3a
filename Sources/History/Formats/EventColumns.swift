// The events of a block, field by field: as the recorder collects them, and packed as they lie on disk.
//
//   payload = width u8 (14 of them, then 2 bytes of zero), base u64 (14), columns; each column begins at a multiple of 8
//   column  = one number of `width` bytes (0, 1, 2, 4 or 8) an event; the value is 0 where the number is 0, else
//             base + number, modulo 2^64; without numbers (width 0) all values are the base
//
// A field that is the same in the whole block takes no room, one that varies a little takes little, and a field that some
// events do not have (0) does not widen it for the others: some 15 bytes an event of a run instead of 72, and a reader that
// wants three fields touches no other.

import Base

enum EventColumns {
  /// In the order of the file: the wide ones first, so that all are aligned in memory.
  enum Column: Int, CaseIterable {
    /// 0 where `intended` is 0; otherwise time − intended + 1.
    case lateness
    case time, op
    /// Low 40 bits of (message + 1); the high 24 bits are `producer`. So `MessageID.none` is 0 in both.
    case sequence
    case transaction, tag
    case producer, attempt, session, process
    case place, node
    case flags
    /// function × 4 + outcome.
    case kind
  }

  static let count = Column.allCases.count
  /// Bytes of a number in memory, and so the greatest width on disk.
  static let sizes = [8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 2, 2, 1, 1]
  static let eventSize = 50
  static let prefixSize = 16 + 8 * 14
  static let sequenceMask: UInt64 = 0xff_ffff_ffff

  /// Bytes that `events` events take when nothing can be packed.
  static func largestPayload(events: Int) -> Int { prefixSize + events * eventSize + 8 * count }

  static func padded(_ size: Int) -> Int { (size + 7) & ~7 }
}

/// Memory for the fields of up to `capacity` events, one array a field.
///
/// Wide fields are kept as distances from a base, as far as 2^30: what an append writes is what recording costs. An event
/// that is farther away from the others has to go into the next buffer. And what no event of the buffer has, schedule or
/// transaction, is neither stored nor looked at.
final class EventBuffer: @unchecked Sendable {
  /// So many that all of it stays in the processor's cache until it is packed; not a power of two, where all arrays would
  /// compete for the same lines of it.
  static let largestCapacity = 1020

  let capacity: Int
  private(set) var count = 0
  /// `capacity` where only times have a base and nothing has a lateness or a transaction; else 0, as before the first event.
  private var plainCapacity = 0
  /// Some event had a lateness, or a transaction; until then those arrays mean nothing.
  private var hasLateness = false
  private var hasTransactions = false
  private let memory: UnsafeMutableRawPointer
  /// Where the distances in this buffer begin; put by its first event.
  private var bases = Bases()

  private struct Bases {
    var time: UInt64 = 0
    var op: UInt64 = 0
    var sequence: UInt64 = 0
    var transaction: UInt64 = 0
    var tag: UInt64 = 0
    var areOfTimeOnly: Bool { op | sequence | transaction | tag == 0 }
  }

  /// - Parameter capacity: 1 to `largestCapacity`.
  init(capacity: Int) {
    self.capacity = min(max(capacity, 1), Self.largestCapacity)
    memory = .allocate(byteCount: Self.largestCapacity * EventColumns.eventSize, alignment: 64)
  }

  deinit { memory.deallocate() }

  func removeAll() {
    count = 0
    plainCapacity = 0
    (hasLateness, hasTransactions) = (false, false)
  }

  // Where the arrays begin: of 8, 4, 2 and 1 bytes, the wide ones first.
  private var wide: UnsafeMutablePointer<UInt64> { memory.assumingMemoryBound(to: UInt64.self) }
  @inline(__always)
  private func middle(_ column: Int) -> UnsafeMutablePointer<UInt32> {
    (memory + Self.largestCapacity * (8 + 4 * column)).assumingMemoryBound(to: UInt32.self)
  }
  @inline(__always)
  private func narrow(_ column: Int) -> UnsafeMutablePointer<UInt16> {
    (memory + Self.largestCapacity * (44 + 2 * column)).assumingMemoryBound(to: UInt16.self)
  }
  @inline(__always)
  private func bytes(_ column: Int) -> UnsafeMutablePointer<UInt8> {
    (memory + Self.largestCapacity * (48 + column)).assumingMemoryBound(to: UInt8.self)
  }

  /// Adds the event, at `time` instead of its own, and returns its index in the buffer. Nil where `append` has to look
  /// closer: this is the short way that nearly all events of a load without schedule and transactions take.
  @inline(__always)
  func appendPlain(_ event: Event, time: Nanoseconds) -> Int? {
    let at = count
    let message = event.message.rawValue &+ 1
    let sequence = message & EventColumns.sequenceMask
    let distance = UInt64(bitPattern: time) &- bases.time
    // What a run has short of its billionth operation: numbers that fit as they are.
    let misfit = (event.op | sequence | event.tag | (distance &- 1)) >> 30
    guard misfit | event.transaction | UInt64(bitPattern: event.intended) == 0, at < plainCapacity else { return nil }
    middle(0)[at] = UInt32(truncatingIfNeeded: distance)
    middle(1)[at] = UInt32(truncatingIfNeeded: event.op)
    middle(2)[at] = UInt32(truncatingIfNeeded: sequence)
    middle(4)[at] = UInt32(truncatingIfNeeded: event.tag)
    storeRest(of: event, message: message)
    return at
  }

  /// The same of any event: nil where the buffer is full, or the event too far away from those in it. An empty buffer takes
  /// any; its bases are put so that the first event is in the middle of what can be said.
  func append(_ event: Event, time: Nanoseconds) -> Int? {
    let at = count
    let message = event.message.rawValue &+ 1
    let sequence = message & EventColumns.sequenceMask
    guard at < capacity else { return nil }
    if at == 0 {
      func base(_ value: UInt64) -> UInt64 { value >> 30 == 0 ? 0 : value &- 1 << 29 }
      bases = Bases(
        time: UInt64(bitPattern: time) &- 1, op: base(event.op), sequence: base(sequence),
        transaction: base(event.transaction), tag: base(event.tag))
    }
    var misfit = false
    /// 0 for 0, else the distance from the base, where that is from 1 to 2^30.
    func distance(_ value: UInt64, _ base: UInt64) -> UInt32 {
      if value == 0 { return 0 }
      if (value &- base &- 1) >> 30 != 0 { misfit = true }
      return UInt32(truncatingIfNeeded: value &- base)
    }
    let distances = (
      time: distance(UInt64(bitPattern: time), bases.time), op: distance(event.op, bases.op),
      sequence: distance(sequence, bases.sequence), transaction: distance(event.transaction, bases.transaction),
      tag: distance(event.tag, bases.tag)
    )
    if misfit { return nil }
    if event.intended != 0, !hasLateness { beginLateness() }
    if distances.transaction != 0, !hasTransactions { beginTransactions() }
    plainCapacity = hasLateness || hasTransactions || !bases.areOfTimeOnly ? 0 : capacity
    if hasLateness {
      wide[at] = event.intended == 0 ? 0 : UInt64(bitPattern: max(time &- event.intended, 0) &+ 1)
    }
    if hasTransactions { middle(3)[at] = distances.transaction }
    middle(0)[at] = distances.time
    middle(1)[at] = distances.op
    middle(2)[at] = distances.sequence
    middle(4)[at] = distances.tag
    storeRest(of: event, message: message)
    return at
  }

  @inline(__always)
  private func storeRest(of event: Event, message: UInt64) {
    let at = count
    middle(5)[at] = UInt32(truncatingIfNeeded: message >> 40)
    middle(6)[at] = event.attempt
    middle(7)[at] = event.session
    middle(8)[at] = UInt32(bitPattern: event.process)
    narrow(0)[at] = event.place
    narrow(1)[at] = event.node
    bytes(0)[at] = event.flags.rawValue
    bytes(1)[at] = event.function.rawValue << 2 | event.outcome.rawValue
    count = at &+ 1
  }

  /// The events so far had none.
  private func beginLateness() {
    wide.update(repeating: 0, count: count)
    hasLateness = true
  }

  private func beginTransactions() {
    middle(3).update(repeating: 0, count: count)
    hasTransactions = true
  }

  /// Writes the payload of the block to `out`, which has room for `EventColumns.largestPayload(events: capacity)` bytes, and
  /// returns its length.
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
    put(hasLateness ? Self.pack(wide, count, to: out + offset) : (0, 0))
    put(Self.pack(middle(0), count, from: bases.time, isAscending: true, to: out + offset))
    put(Self.pack(middle(1), count, from: bases.op, to: out + offset))
    put(Self.pack(middle(2), count, from: bases.sequence, to: out + offset))
    put(hasTransactions ? Self.pack(middle(3), count, from: bases.transaction, to: out + offset) : (0, 0))
    put(Self.pack(middle(4), count, from: bases.tag, to: out + offset))
    for column in 5..<9 { put(Self.pack(middle(column), count, to: out + offset)) }
    for column in 0..<2 { put(Self.pack(narrow(column), count, to: out + offset)) }
    for column in 0..<2 { put(Self.pack(bytes(column), count, to: out + offset)) }
    return offset
  }

  /// Stores the values themselves, as narrow as they are.
  private static func pack<T: FixedWidthInteger & UnsignedInteger>(
    _ values: UnsafeMutablePointer<T>, _ count: Int, to out: UnsafeMutableRawPointer
  ) -> (width: Int, base: UInt64) {
    guard count > 0 else { return (0, 0) }
    let first = values[0]
    var (all, spread): (T, T) = (0, 0)
    for index in 0..<count {
      all |= values[index]
      spread |= values[index] ^ first
    }
    if spread == 0 { return (0, UInt64(first)) }
    return (store(values, count, less: 0, widest: UInt64(all), to: out), 0)
  }

  /// Stores how far the values are above the least of them that is not 0. `isAscending`: each above the one before.
  private static func pack(
    _ distances: UnsafeMutablePointer<UInt32>, _ count: Int, from base: UInt64, isAscending: Bool = false,
    to out: UnsafeMutableRawPointer
  ) -> (width: Int, base: UInt64) {
    // Signed, which compares in one instruction; they are 2^30 at most.
    var (least, most, zeros) = (Int32.max, Int32(0), Int32(0))
    if isAscending, let first = UnsafeBufferPointer(start: distances, count: count).first, first > 0 {
      (least, most) = (Int32(bitPattern: first), Int32(bitPattern: distances[count - 1]))
    } else {
      for index in 0..<count {
        let distance = Int32(bitPattern: distances[index])
        let isZero: Int32 = distance == 0 ? -1 : 0
        zeros |= isZero
        least = min(least, distance | (isZero & .max))
        most = max(most, distance)
      }
    }
    if most == 0 { return (0, 0) }
    if least == most, zeros == 0 { return (0, base &+ UInt64(least)) }
    let below = UInt32(least - 1)
    let width = store(distances, count, less: below, widest: UInt64(UInt32(most) - below), to: out)
    return (width, base &+ UInt64(below))
  }

  /// Stores what the numbers are above `less`, and 0 for 0. Returns the bytes of each, enough for `widest`.
  @inline(__always)
  private static func store<T: FixedWidthInteger & UnsignedInteger>(
    _ values: UnsafeMutablePointer<T>, _ count: Int, less: T, widest: UInt64, to out: UnsafeMutableRawPointer
  ) -> Int {
    switch widest {
    case ...0xff: store(values, count, less, to: out, as: UInt8.self)
    case ...0xffff: store(values, count, less, to: out, as: UInt16.self)
    case ...0xffff_ffff: store(values, count, less, to: out, as: UInt32.self)
    default: store(values, count, less, to: out, as: UInt64.self)
    }
  }

  @inline(__always)
  private static func store<T: FixedWidthInteger & UnsignedInteger, U: FixedWidthInteger>(
    _ values: UnsafeMutablePointer<T>, _ count: Int, _ less: T, to out: UnsafeMutableRawPointer, as: U.Type
  ) -> Int {
    let numbers = out.assumingMemoryBound(to: U.self)
    for index in 0..<count {
      let value = values[index]
      numbers[index] = U(truncatingIfNeeded: value == 0 ? 0 : value &- less).littleEndian
    }
    return MemoryLayout<U>.size
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
    return width > 0 && number == 0 ? 0 : base(column) &+ number
  }

  /// True where every value is above the one before, as the numbers show without being unpacked; false where they may not
  /// be.
  func isAscending(_ column: EventColumns.Column) -> Bool {
    guard let start = payload.baseAddress.map({ $0 + offsets[column.rawValue] }), count > 0 else { return false }
    func rises<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(as: T.Type) -> Bool {
      let size = MemoryLayout<T>.size
      func number(_ index: Int) -> T {
        T(littleEndian: start.loadUnaligned(fromByteOffset: size &* index, as: T.self))
      }
      var falls: T = number(0) == 0 ? 1 : 0
      for index in 1..<count { falls |= number(index) <= number(index &- 1) ? 1 : 0 }
      let last = Int64(bitPattern: base(column)).addingReportingOverflow(Int64(clamping: number(count - 1)))
      return falls == 0 && !last.overflow
    }
    return switch payload[column.rawValue] {
    case 1: rises(as: UInt8.self)
    case 2: rises(as: UInt16.self)
    case 4: rises(as: UInt32.self)
    default: false
    }
  }

  /// The greatest number of a column of one byte without base; nil where it is not of that kind.
  func greatestByte(_ column: EventColumns.Column) -> UInt8? {
    guard payload[column.rawValue] == 1, base(column) == 0,
      let bytes = payload.baseAddress.map({ ($0 + offsets[column.rawValue]).assumingMemoryBound(to: UInt8.self) })
    else { return nil }
    var greatest: UInt8 = 0
    for index in 0..<count { greatest = max(greatest, bytes[index]) }
    return greatest
  }

  /// Calls `body` with the number of each event and the column's value for it, in order.
  @inline(__always)
  func forEach(_ column: EventColumns.Column, _ body: (Int, UInt64) -> Void) {
    guard let start = payload.baseAddress.map({ $0 + offsets[column.rawValue] }) else { return }
    let base = base(column)
    switch payload[column.rawValue] {
    case 0: for index in 0..<count { body(index, base) }
    case 1: Self.forEach(start, count, base, as: UInt8.self, body)
    case 2: Self.forEach(start, count, base, as: UInt16.self, body)
    case 4: Self.forEach(start, count, base, as: UInt32.self, body)
    default: Self.forEach(start, count, base, as: UInt64.self, body)
    }
  }

  @inline(__always)
  private static func forEach<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ start: UnsafeRawPointer, _ count: Int, _ base: UInt64, as: T.Type, _ body: (Int, UInt64) -> Void
  ) {
    for index in 0..<count {
      let number = UInt64(
        T(littleEndian: start.loadUnaligned(fromByteOffset: MemoryLayout<T>.size * index, as: T.self)))
      body(index, number == 0 ? 0 : base &+ number)
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
