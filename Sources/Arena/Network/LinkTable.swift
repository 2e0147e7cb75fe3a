// The policy and the counters of every directed link, in memory shared with the switch: a change is a store.

import Base
import CLinux
import Glibc

/// What happens to packets on one directed link. The default lets everything through.
public struct LinkPolicy: Codable, Equatable, Hashable, Sendable {
  /// Nothing passes, and what waits in the delay line is dropped when its time comes.
  public var cut = false
  /// Added to every packet.
  public var delay: Nanoseconds = 0
  /// A packet's delay is uniform in `delay ± jitter` (not below 0); the order on the link stays.
  public var jitter: Nanoseconds = 0
  /// Share of packets that are lost, 0 to 1, each by itself.
  public var loss: Double = 0
  /// Share of packets that arrive twice, 0 to 1.
  public var duplicate: Double = 0
  /// Bytes per second; 0: no limit. What would wait longer than half a second for its turn is dropped.
  public var rate: UInt64 = 0

  public init(
    cut: Bool = false, delay: Nanoseconds = 0, jitter: Nanoseconds = 0, loss: Double = 0, duplicate: Double = 0,
    rate: UInt64 = 0
  ) {
    (self.cut, self.delay, self.jitter) = (cut, delay, jitter)
    (self.loss, self.duplicate, self.rate) = (loss, duplicate, rate)
  }
}

/// What happened on one directed link since the start. Our own probes are not counted.
public struct LinkCounters: Codable, Equatable, Sendable {
  /// Packets that arrived, and their bytes with the IP header.
  public var packets: UInt64 = 0
  public var bytes: UInt64 = 0
  public var droppedByCut: UInt64 = 0
  public var droppedByLoss: UInt64 = 0
  /// Dropped because a queue was full, or the interface took nothing.
  public var droppedByQueue: UInt64 = 0
  /// Packets that waited in the delay line.
  public var delayed: UInt64 = 0
  public var duplicated: UInt64 = 0
  /// When a packet last arrived (CLOCK_MONOTONIC); 0: never.
  public var lastPacket: Nanoseconds = 0
  /// When the first packet arrived after the last `setPolicy`; 0: none yet.
  public var firstPacketSincePolicy: Nanoseconds = 0

  public init() {}

  /// Packets of others that a policy kept from arriving, or arriving in time.
  public var touched: UInt64 { droppedByCut + droppedByLoss + droppedByQueue + delayed + duplicated }
}

/// The table: one record per ordered pair of endpoints, indexed by their order in the network.
///
/// The supervisor writes policies and reads counters, the switch the other way round; every field is one aligned word.
public final class LinkTable: @unchecked Sendable {
  public let count: Int
  /// The memfd that the switch maps too.
  let descriptor: Int32
  private let base: UnsafeMutablePointer<UInt64>
  private let size: Int

  /// The words of a record, and of the header before all records.
  enum Field: Int, CaseIterable {
    case cut, delay, jitter, loss, duplicate, rate
    case packets, bytes, droppedByCut, droppedByLoss, droppedByQueue, delayed, duplicated, lastPacket
    case firstPacketSincePolicy
    /// How many of the link's packets are in the delay line: the switch's own.
    case waiting
  }
  private enum Header: Int { case alive }
  private static let wordsPerRecord = 16
  private static let wordsOfHeader = 16

  /// A new table in a new memfd.
  init(count: Int) throws(ArenaError) {
    let size = Self.size(count)
    let fd = cl_memfd("links", size)
    if fd < 0 { throw ArenaError("make the link table", code: -fd) }
    (self.count, self.size, descriptor) = (count, size, fd)
    base = try Self.map(fd, size)
  }

  /// The table that another process made.
  init(descriptor: Int32, count: Int) throws(ArenaError) {
    (self.count, self.size, self.descriptor) = (count, Self.size(count), descriptor)
    base = try Self.map(descriptor, size)
  }

  deinit {
    munmap(base, size)
    close(descriptor)
  }

  /// From this store on, the switch treats packets of the link by `policy`.
  public func setPolicy(_ policy: LinkPolicy, from: Int, to: Int) {
    let link = record(from: from, to: to)
    set(link, .delay, UInt64(max(0, policy.delay)))
    set(link, .jitter, UInt64(max(0, policy.jitter)))
    set(link, .loss, Self.partsPerMillion(policy.loss))
    set(link, .duplicate, Self.partsPerMillion(policy.duplicate))
    set(link, .rate, policy.rate)
    set(link, .cut, policy.cut ? 1 : 0)
    set(link, .firstPacketSincePolicy, 0)
  }

  public func policy(from: Int, to: Int) -> LinkPolicy {
    let link = record(from: from, to: to)
    return LinkPolicy(
      cut: get(link, .cut) != 0, delay: Nanoseconds(get(link, .delay)), jitter: Nanoseconds(get(link, .jitter)),
      loss: Double(get(link, .loss)) / 1e6, duplicate: Double(get(link, .duplicate)) / 1e6, rate: get(link, .rate))
  }

  public func counters(from: Int, to: Int) -> LinkCounters {
    let link = record(from: from, to: to)
    var counters = LinkCounters()
    counters.packets = get(link, .packets)
    counters.bytes = get(link, .bytes)
    counters.droppedByCut = get(link, .droppedByCut)
    counters.droppedByLoss = get(link, .droppedByLoss)
    counters.droppedByQueue = get(link, .droppedByQueue)
    counters.delayed = get(link, .delayed)
    counters.duplicated = get(link, .duplicated)
    counters.lastPacket = Nanoseconds(get(link, .lastPacket))
    counters.firstPacketSincePolicy = Nanoseconds(get(link, .firstPacketSincePolicy))
    return counters
  }

  /// Every link as if nothing had ever been set.
  public func healAll() {
    for from in 0..<count { for to in 0..<count { setPolicy(LinkPolicy(), from: from, to: to) } }
  }

  /// When the switch last said that it lives (CLOCK_MONOTONIC); 0: not yet.
  public internal(set) var alive: Nanoseconds {
    get { Nanoseconds(cl_load64(base + Header.alive.rawValue)) }
    set { cl_store64(base + Header.alive.rawValue, UInt64(newValue)) }
  }

  // What the switch uses, per packet.

  func record(from: Int, to: Int) -> UnsafeMutablePointer<UInt64> {
    precondition(from >= 0 && from < count && to >= 0 && to < count)
    return base + (Self.wordsOfHeader + (from * count + to) * Self.wordsPerRecord)
  }

  @inline(__always)
  func get(_ record: UnsafeMutablePointer<UInt64>, _ field: Field) -> UInt64 { cl_load64(record + field.rawValue) }

  @inline(__always)
  func set(_ record: UnsafeMutablePointer<UInt64>, _ field: Field, _ value: UInt64) {
    cl_store64(record + field.rawValue, value)
  }

  @inline(__always)
  func add(_ record: UnsafeMutablePointer<UInt64>, _ field: Field, _ value: Int = 1) {
    cl_add64(record + field.rawValue, UInt64(bitPattern: Int64(value)))
  }

  private static func size(_ count: Int) -> Int { (wordsOfHeader + count * count * wordsPerRecord) * 8 }

  private static func partsPerMillion(_ share: Double) -> UInt64 {
    UInt64((min(1, max(0, share.isNaN ? 0 : share)) * 1e6).rounded())
  }

  private static func map(_ fd: Int32, _ size: Int) throws(ArenaError) -> UnsafeMutablePointer<UInt64> {
    guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), memory != MAP_FAILED else {
      let code = errno
      close(fd)
      throw ArenaError("map the link table", code: code)
    }
    return memory.bindMemory(to: UInt64.self, capacity: size / 8)
  }
}
