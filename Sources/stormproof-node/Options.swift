// The command line of the node: flags in, options out, one clear error for each mistake.

import Broker

/// An IPv4 address and a port.
struct Endpoint: Equatable, Sendable, CustomStringConvertible {
  var address: String
  var port: UInt16
  var description: String { "\(address):\(port)" }

  /// `127.0.0.1:5672`; nil for anything else.
  init?(_ text: Substring) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    let parts = text[..<colon].split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) else { return nil }
    address = String(text[..<colon])
    self.port = port
  }

  init(address: String, port: UInt16) {
    self.address = address
    self.port = port
  }
}

struct UsageError: Error, Equatable, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

struct Options: Equatable {
  var data = ""
  var listen = Endpoint(address: "127.0.0.1", port: 5672)
  var name = "n1"
  var seed: UInt64 = 0
  /// All nodes of the cluster, this one included, where they listen to each other. Empty: a cluster of one.
  var peers: [(name: String, endpoint: Endpoint)] = []
  var defects: Set<Defect> = []

  static func == (a: Options, b: Options) -> Bool {
    a.data == b.data && a.listen == b.listen && a.name == b.name && a.seed == b.seed && a.defects == b.defects
      && a.peers.elementsEqual(b.peers, by: ==)
  }

  enum Request: Equatable {
    case run(Options)
    case help, version
  }

  /// - Throws: `UsageError` for what is not understood or does not fit together.
  static func parse(_ arguments: [String]) throws(UsageError) -> Request {
    var options = Options()
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--help" || argument == "-h" { return .help }
      if argument == "--version" { return .version }
      // Both `--flag value` and `--flag=value`.
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let flag = String(parts[0])
      guard flags.contains(flag) else { throw UsageError("unknown argument '\(argument)'") }
      guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
        throw UsageError("\(flag) needs a value")
      }
      try options.take(flag, value)
    }
    if options.data.isEmpty { throw UsageError("--data DIR is needed") }
    if !options.peers.isEmpty, !options.peers.contains(where: { $0.name == options.name }) {
      throw UsageError("--peers must name this node too, '\(options.name)' is not there")
    }
    return .run(options)
  }

  private static let flags = ["--data", "--listen", "--name", "--seed", "--peers", "--defect"]

  private mutating func take(_ flag: String, _ value: String) throws(UsageError) {
    switch flag {
    case "--data": data = value
    case "--listen":
      guard let endpoint = Endpoint(value[...]) else {
        throw UsageError("--listen wants an IPv4 address and a port, as 127.0.0.1:5672; not '\(value)'")
      }
      listen = endpoint
    case "--name":
      guard !value.isEmpty, value.utf8.count < 64 else { throw UsageError("--name wants 1 to 63 bytes") }
      name = value
    case "--seed":
      guard let number = UInt64(value) else { throw UsageError("--seed wants a whole number; not '\(value)'") }
      seed = number
    case "--peers": peers = try Self.peers(value)
    default:
      for name in value.split(separator: ",", omittingEmptySubsequences: false) {
        guard let defect = Defect(rawValue: String(name)) else {
          throw UsageError("there is no defect '\(name)'; there are: \(Self.defectNames)")
        }
        defects.insert(defect)
      }
    }
  }

  private static func peers(_ value: String) throws(UsageError) -> [(name: String, endpoint: Endpoint)] {
    var peers: [(name: String, endpoint: Endpoint)] = []
    for part in value.split(separator: ",", omittingEmptySubsequences: false) {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, !halves[0].isEmpty, let endpoint = Endpoint(halves[1]) else {
        throw UsageError("--peers wants NAME=ADDRESS:PORT,...; not '\(part)'")
      }
      guard !peers.contains(where: { $0.name == halves[0] }) else {
        throw UsageError("--peers names '\(halves[0])' twice")
      }
      peers.append((String(halves[0]), endpoint))
    }
    if peers.count > 64 { throw UsageError("--peers names \(peers.count) nodes; a cluster has at most 64") }
    return peers
  }

  private static var defectNames: String { Defect.allCases.map(\.rawValue).joined(separator: ", ") }

  static var help: String {
    """
    stormproof-node: a small message broker that speaks AMQP 0-9-1, alone or as one of a replicated cluster.

    usage: stormproof-node --data DIR [options]

      --data DIR             where the node keeps its log; made where it is missing
      --listen ADDRESS:PORT  where clients connect (default 127.0.0.1:5672); they log in as guest, guest
      --name NAME            this node's name (default n1)
      --peers NAME=ADDRESS:PORT,...
                             all nodes of the cluster, this one included, the same on each of them, and where they
                             listen to each other
      --seed N               of the timing of elections and of planted defects (default 0)
      --defect NAME          plants an error, for testing what should find it:
                             \(Defect.allCases.map(\.rawValue).joined(separator: ",\n" + String(repeating: " ", count: 25)))
      --help, --version

    The node tells a service manager (sd_notify) when it is ready, and its role and term. SIGTERM ends it in order.
    It ends with 0 after SIGTERM, 1 where its disk failed or its log is damaged, 2 for a mistake in the arguments,
    5 where it could not start.

    """
  }
}
