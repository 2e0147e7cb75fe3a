// The user-space switch: a thread per TUN device reads packets, applies the link's policy and writes them on.

import Base
import CLinux
import Glibc

/// The hidden subcommand `switch`.
///
/// It owns the TUN devices: when it ends, every interface of the sandbox loses its carrier and nothing passes.
public enum SwitchProcess {
  /// The descriptors it inherits: the link table, then one TUN per endpoint in their order.
  static let tableNumber: Int32 = 3
  static let firstTunNumber: Int32 = 4

  static func arguments(seed: UInt64, probePort: UInt16, addresses: [IPv4]) -> [String] {
    ["switch", "\(seed)", "\(probePort)"] + addresses.map(\.description)
  }

  /// Runs until it is killed. `arguments` are those after the subcommand's name: seed, probe port, addresses.
  public static func main(_ arguments: [String]) -> Int32 {
    let addresses = arguments.dropFirst(2).compactMap(IPv4.init)
    guard arguments.count >= 3, addresses.count == arguments.count - 2,
      let seed = UInt64(arguments[0]), let probePort = UInt16(arguments[1])
    else { return complain("switch: usage: switch SEED PROBE-PORT ADDRESS…") }
    // Where it is allowed: a switch that waits behind busy brokers would be a fault nobody planned.
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -10)
    do {
      let table = try LinkTable(descriptor: tableNumber, count: addresses.count)
      let line = try DelayLine()
      let tuns = addresses.indices.map { firstTunNumber + Int32($0) }
      for source in addresses.indices {
        let port = SwitchPort(
          source: source, addresses: addresses, tuns: tuns, table: table, line: line, seed: seed, probePort: probePort)
        guard startThread(port.run) else { return complain("switch: cannot start a thread") }
      }
      let releaser = SwitchReleaser(tuns: tuns, table: table, probePort: probePort)
      while true {
        table.alive = monotonicNow()
        line.wait(idle: 250 * .millisecond, release: releaser.release)
      }
    } catch {
      return complain("switch: \(error)")
    }
  }

  private static func complain(_ text: String) -> Int32 {
    writeStandardError(text)
    return 70
  }
}

/// Writes packets to their device and counts them; of the threads that read and the one that releases.
struct SwitchOutput {
  let tuns: [Int32]
  let table: LinkTable
  let probePort: UInt16

  /// Whether the packet is one of our own probes, which no counter sees.
  @inline(__always)
  func isProbe(_ packet: UnsafeRawBufferPointer) -> Bool {
    guard packet[9] == UInt8(IPPROTO_UDP) else { return false }
    let header = Int(packet[0] & 15) * 4
    guard packet.count >= header + 8 else { return false }
    return UInt16(packet[header + 2]) << 8 | UInt16(packet[header + 3]) == probePort
  }

  func deliver(
    _ packet: UnsafeRawBufferPointer, to destination: Int, _ record: UnsafeMutablePointer<UInt64>, isProbe: Bool
  ) {
    // EIO: the interface is down; ENOMEM, EAGAIN: no room. All the same to the packet.
    let written = write(tuns[destination], packet.baseAddress, packet.count)
    if isProbe { return }
    if written < 0 {
      table.add(record, .droppedByQueue)
      return
    }
    let now = UInt64(monotonicNow())
    table.add(record, .packets)
    table.add(record, .bytes, packet.count)
    table.set(record, .lastPacket, now)
    if table.get(record, .firstPacketSincePolicy) == 0 { table.set(record, .firstPacketSincePolicy, now) }
  }
}

/// The end of the delay line.
struct SwitchReleaser {
  let output: SwitchOutput

  init(tuns: [Int32], table: LinkTable, probePort: UInt16) {
    output = SwitchOutput(tuns: tuns, table: table, probePort: probePort)
  }

  func release(link: Int, packet: UnsafeRawBufferPointer) {
    let count = output.table.count
    let (source, destination) = (link / count, link % count)
    let record = output.table.record(from: source, to: destination)
    let isProbe = output.isProbe(packet)
    if output.table.get(record, .cut) != 0 {
      if !isProbe { output.table.add(record, .droppedByCut) }
    } else {
      output.deliver(packet, to: destination, record, isProbe: isProbe)
    }
    // After the write: a packet that comes now may go past the line without overtaking.
    output.table.add(record, .waiting, -1)
  }
}

/// One TUN device's reader. It alone decides about the links that begin at its endpoint.
final class SwitchPort: @unchecked Sendable {
  private let source: Int
  private let output: SwitchOutput
  private let table: LinkTable
  private let line: DelayLine
  /// Endpoint by the last byte of the address, in the endpoints' common /24.
  private var endpoint = [Int](repeating: -1, count: 256)
  private let prefix: UInt32
  private var generators: [SeededGenerator]
  private var lastDue: [Nanoseconds]
  /// When the link's last byte will have left, under a rate.
  private var free: [Nanoseconds]

  init(
    source: Int, addresses: [IPv4], tuns: [Int32], table: LinkTable, line: DelayLine, seed: UInt64, probePort: UInt16
  ) {
    self.source = source
    self.table = table
    self.line = line
    output = SwitchOutput(tuns: tuns, table: table, probePort: probePort)
    prefix = addresses[source].bits >> 8
    for (index, address) in addresses.enumerated() { endpoint[Int(address.bits & 255)] = index }
    generators = addresses.indices.map { SeededGenerator(seed: seed, label: "link \(source)>\($0)") }
    lastDue = Array(repeating: 0, count: addresses.count)
    free = lastDue
  }

  func run() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = read(output.tuns[source], buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count == 0 { return }
      if count < 0 { return writeStandardError("switch: read of TUN \(source): \(String(cString: strerror(errno)))") }
      forward(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
    }
  }

  /// Applies the link's policy to one IPv4 packet. What is not for another endpoint goes nowhere: there is no uplink.
  private func forward(_ packet: UnsafeRawBufferPointer) {
    guard packet.count >= 20, packet[0] >> 4 == 4 else { return }
    let address = UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
    guard address >> 8 == prefix else { return }
    let destination = endpoint[Int(address & 255)]
    guard destination >= 0, destination != source else { return }
    let record = table.record(from: source, to: destination)
    let isProbe = output.isProbe(packet)

    if table.get(record, .cut) != 0 {
      if !isProbe { table.add(record, .droppedByCut) }
      return
    }
    if chance(table.get(record, .loss), destination) {
      if !isProbe { table.add(record, .droppedByLoss) }
      return
    }
    send(packet, to: destination, record, isProbe)
    if chance(table.get(record, .duplicate), destination) {
      if !isProbe { table.add(record, .duplicated) }
      send(packet, to: destination, record, isProbe)
    }
  }

  private func send(
    _ packet: UnsafeRawBufferPointer, to destination: Int, _ record: UnsafeMutablePointer<UInt64>, _ isProbe: Bool
  ) {
    let delay = Nanoseconds(table.get(record, .delay))
    let jitter = Nanoseconds(table.get(record, .jitter))
    let rate = table.get(record, .rate)
    // A packet goes past the line only when none of its link waits there.
    if delay == 0 && jitter == 0 && rate == 0 && table.get(record, .waiting) == 0 {
      return output.deliver(packet, to: destination, record, isProbe: isProbe)
    }
    let now = monotonicNow()
    var due = now + delay
    if jitter > 0 { due += Nanoseconds(generators[destination].below(Int(2 * jitter + 1))) - jitter }
    if rate > 0 {
      let begin = max(now, free[destination])
      let full = begin - now > 500 * .millisecond
      if !full { free[destination] = begin + Nanoseconds(Double(packet.count) * 1e9 / Double(rate)) }
      due += free[destination] - now
      if full { return refuse(record, isProbe) }
    }
    due = max(due, lastDue[destination], now)
    table.add(record, .waiting)
    guard line.push(packet, link: source * table.count + destination, due: due) else {
      table.add(record, .waiting, -1)
      return refuse(record, isProbe)
    }
    lastDue[destination] = due
    if !isProbe { table.add(record, .delayed) }
  }

  private func refuse(_ record: UnsafeMutablePointer<UInt64>, _ isProbe: Bool) {
    if !isProbe { table.add(record, .droppedByQueue) }
  }

  /// Draws only where there is something to draw for: a link without loss keeps its stream of random numbers.
  private func chance(_ partsPerMillion: UInt64, _ destination: Int) -> Bool {
    partsPerMillion > 0 && generators[destination].below(1_000_000) < Int(partsPerMillion)
  }
}
