// One network namespace with its TUN device: where a node, or the clients, live.

import CLinux
import Glibc

/// The descriptors of a new network namespace, made by a thread that went there and ended.
struct NetworkNamespace {
  /// For entering it.
  let namespace: Int32
  /// For the switch: IP packets, one per read and write.
  let tun: Int32
  /// A UDP socket in the namespace, bound to its address and the probe port.
  let probe: Int32

  static let interface = "eth0"
  static let prefix: Int32 = 24
  /// Far above what brokers and ephemeral ports use (net.ipv4.ip_local_port_range ends at 60999).
  static let probePort: UInt16 = 64_007
  /// Packets that wait for the switch. Longer than the default of 500: a packet dropped here is a fault nobody planned.
  static let queueLength: Int32 = 10_000

  /// Makes a namespace with `lo`, `eth0` with `address`, and reno as congestion control.
  init(address: IPv4, mtu: Int32) throws(ArenaError) {
    var made = cl_network()
    var stage: Int32 = 0
    let path = DevicePaths.tun
    let error = path.withCString { path in
      Self.interface.withCString { interface in
        "reno".withCString { reno in
          var options = cl_network_options()
          options.tun_path = path
          options.interface = interface
          options.address = address.bits
          options.prefix = Self.prefix
          options.mtu = mtu
          options.queue_length = Self.queueLength
          options.congestion = reno
          options.probe_port = Self.probePort
          return cl_network_create(&options, &made, &stage)
        }
      }
    }
    try ArenaError.check(error, Self.describe(stage, path))
    (namespace, tun, probe) = (made.netns_fd, made.tun_fd, made.probe_fd)
  }

  func closeAll() { for fd in [namespace, tun, probe] { close(fd) } }

  private static func describe(_ stage: Int32, _ path: String) -> String {
    switch Int(stage) {
    case CL_NET_UNSHARE: "make a network namespace"
    case CL_NET_LOOPBACK: "bring up lo in a network namespace"
    case CL_NET_OPEN_TUN: "open \(path)"
    case CL_NET_MAKE_TUN: "make a TUN interface through \(path)"
    case CL_NET_ADDRESS: "give a TUN interface its address"
    case CL_NET_CONGESTION: "choose reno as congestion control of a namespace"
    case CL_NET_PROBE_SOCKET: "make the probe's socket in a network namespace"
    default: "make a network namespace (step \(stage))"
    }
  }
}
