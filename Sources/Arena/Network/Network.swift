// The cluster's network inside a sandbox: a namespace per endpoint, the switch between them, and the policies of links.

import Base
import CLinux
import EventLoop
import Glibc

/// All endpoints (the nodes, and one for the clients), their namespaces and the switch process.
///
/// Belongs to the supervisor's loop thread. When the supervisor ends, the kernel removes all of it.
public final class Network {
  /// A node, or the clients.
  public struct Endpoint: Equatable, Sendable {
    public var name: String
    /// All endpoints of a network are in one /24.
    public var address: String

    public init(name: String, address: String) { (self.name, self.address) = (name, address) }
  }

  public let endpoints: [Endpoint]
  /// Policies and counters by the endpoints' order; by name: `setPolicy(_:from:to:)`, `counters(from:to:)`.
  public let links: LinkTable
  /// Called when the switch ends, which it never should: the run is over then.
  public var onSwitchExit: (ExitStatus) -> Void = { _ in }

  let addresses: [IPv4]
  private let namespaces: [Int32]
  private let prober: Prober
  private let switchProcess: ChildProcess
  private var exitWatch: Watch?

  /// Makes the namespaces and starts the switch.
  /// - Parameters:
  ///   - seed: of the switch's random numbers (loss, jitter, duplication); each link has a stream of its own.
  ///   - mtu: bytes of an IP packet, at most 65535.
  ///   - executable: a program whose hidden subcommand `switch` is `SwitchProcess.main`.
  /// - Throws: `ArenaError`; nothing is left then.
  public init(
    endpoints: [Endpoint], seed: UInt64, mtu: Int = Network.defaultMTU, loop: Loop,
    executable: String = SpawnRequest.ownExecutable
  ) throws {
    self.endpoints = endpoints
    let addresses = try endpoints.map { endpoint in
      guard let address = IPv4(endpoint.address) else { throw ArenaError("read the address \(endpoint.address)") }
      return address
    }
    guard (1...64).contains(addresses.count), Set(addresses).count == addresses.count,
      addresses.allSatisfy({ $0.bits >> 8 == addresses[0].bits >> 8 })
    else { throw ArenaError("make a network: 1 to 64 different addresses of one /24 are needed") }
    self.addresses = addresses

    var made: [NetworkNamespace] = []
    do {
      for address in addresses { made.append(try NetworkNamespace(address: address, mtu: Int32(mtu))) }
      links = try LinkTable(count: addresses.count)
      var request = SpawnRequest(
        executable: executable,
        arguments: ["stormproof"]
          + SwitchProcess.arguments(seed: seed, probePort: NetworkNamespace.probePort, addresses: addresses),
        environment: SpawnRequest.inheritedEnvironment)
      request.standardError = 2
      request.descriptors = [(SwitchProcess.tableNumber, links.descriptor)]
      for (index, network) in made.enumerated() {
        request.descriptors.append((SwitchProcess.firstTunNumber + Int32(index), network.tun))
      }
      switchProcess = try ChildProcess(request)
      prober = try Prober(loop: loop, sockets: made.map(\.probe), addresses: addresses)
    } catch {
      for network in made { network.closeAll() }
      throw error
    }
    // Only the switch keeps the devices, so that its end takes the carrier from every interface.
    for network in made { Glibc.close(network.tun) }
    namespaces = made.map(\.namespace)
    exitWatch = try loop.watch(switchProcess.pidfd) { [weak self] _ in self?.switchEnded() }
  }

  deinit { close() }

  /// A jumbo frame: four times the throughput of 1500 through a user-space switch, and still a real network's size.
  public static let defaultMTU = 9000

  /// Ends the switch and releases the namespaces (which live on while processes are in them).
  public func close() {
    guard let watch = exitWatch else { return }
    exitWatch = nil
    watch.cancel()
    try? switchProcess.signal(SIGKILL)
    _ = switchProcess.wait(milliseconds: 2000)
    prober.close()
    for namespace in namespaces { Glibc.close(namespace) }
  }

  /// The position of an endpoint, as `links` counts.
  public func index(of name: String) -> Int? { endpoints.firstIndex { $0.name == name } }

  /// The network namespace of an endpoint, for spawning a process in it. It stays the network's.
  public func namespace(of name: String) -> Int32? { index(of: name).map { namespaces[$0] } }

  /// A TCP socket (IPv4, non-blocking, not yet connected) that belongs to an endpoint's namespace, for
  /// `TCPConnection.connect(descriptor:)`: a question to a node from its own namespace passes no link, so that no cut
  /// can hide the answer. The caller owns it.
  /// - Throws: `ArenaError`
  public func makeSocket(in name: String) throws(ArenaError) -> Int32 {
    guard let namespace = namespace(of: name) else { throw ArenaError("find the endpoint \(name)") }
    let fd = cl_socket_in(namespace, Int32(SOCK_STREAM.rawValue))
    if fd < 0 { throw ArenaError("make a socket in the namespace of \(name)", code: -fd) }
    return fd
  }

  /// In force from this call on; false where a name is unknown.
  @discardableResult
  public func setPolicy(_ policy: LinkPolicy, from: String, to: String) -> Bool {
    guard let from = index(of: from), let to = index(of: to) else { return false }
    links.setPolicy(policy, from: from, to: to)
    return true
  }

  public func policy(from: String, to: String) -> LinkPolicy? {
    guard let from = index(of: from), let to = index(of: to) else { return nil }
    return links.policy(from: from, to: to)
  }

  public func counters(from: String, to: String) -> LinkCounters? {
    guard let from = index(of: from), let to = index(of: to) else { return nil }
    return links.counters(from: from, to: to)
  }

  /// Sends probes over one directed link and says which arrived and when: the evidence that a policy is in force.
  /// - Parameters:
  ///   - count: probes, sent at once.
  ///   - timeout: how long to wait for the last one.
  public func probe(
    from: String, to: String, count: Int = 3, timeout: Nanoseconds, completion: @escaping (ProbeResult) -> Void
  ) {
    guard let source = index(of: from), let destination = index(of: to) else {
      return completion(ProbeResult(sent: 0, delays: []))
    }
    prober.probe(from: source, to: destination, count: count, timeout: timeout, completion: completion)
  }

  private func switchEnded() {
    guard let watch = exitWatch, let status = switchProcess.wait() else { return }
    exitWatch = nil
    watch.cancel()
    onSwitchExit(status)
  }
}
