// RabbitMQ 3.10 as Debian ships it, unmodified: each node with its own network, data directory and epmd.
//
// The start script of the package's library directory is used, never the wrapper in sbin (which changes user and drops the
// environment). With NOTIFY_SOCKET set the script execs, so that the node's main process is the Erlang VM itself and says
// READY=1. Node names are addresses, so no name service is asked.

import Base
import Glibc
import Scenario

public struct RabbitMQDriver: Driver {
  public let name = "rabbitmq"
  /// Together they would race for the cluster lock with random back-off; one after the other is the fastest.
  public let boot = BootOrder(oneByOne: true, timeout: 60 * .second)
  public let port: UInt16 = 5672
  public let roles = RoleSource.management(port: 15672)
  public let redeliveryTimer: Nanoseconds = 5 * .second

  static let scripts = "/usr/lib/rabbitmq/bin"
  static let library = "/usr/lib/rabbitmq/lib"
  /// The applications a node needs. A node scans every plugin it finds at each boot; those it will never load cost it a
  /// third of its start, so it is shown a directory of links to these only.
  static let applications = [
    "accept", "amqp10_common", "amqp_client", "aten", "base64url", "cowboy", "cowlib", "credentials_obfuscation",
    "cuttlefish", "enough", "gen_batch_server", "getopt", "jsx", "observer_cli", "osiris", "quantile_estimator", "ra",
    "rabbit", "rabbit_common", "rabbitmq_management", "rabbitmq_management_agent", "rabbitmq_prelaunch",
    "rabbitmq_web_dispatch", "ranch", "recon", "seshat", "stdout_formatter", "syslog", "sysmon_handler", "systemd",
  ]

  public init() {}

  public func version() throws(DriverError) -> String {
    let home = try installation()
    return "RabbitMQ " + (home.split(separator: "-").last.map(String.init) ?? "of unknown version")
  }

  /// `/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8`
  private func installation() throws(DriverError) -> String {
    let found = list(Self.library).filter { $0.hasPrefix("rabbitmq_server-") }.sorted()
    guard let newest = found.last, access(Self.scripts + "/rabbitmq-server", X_OK) == 0 else {
      throw DriverError(
        "RabbitMQ is not installed (no \(Self.library)/rabbitmq_server-*): apt-get install rabbitmq-server, "
          + "with its unit masked so that the package starts nothing")
    }
    return Self.library + "/" + newest
  }

  public func launch(_ context: NodeContext) throws(DriverError) -> NodeLaunch {
    let installed = try installation()
    let directory = context.directory
    let shadow = directory + "/rabbitmq"
    let home = directory + "/home"
    let mnesia = context.data + "/mnesia"
    let address = context.node.address
    let me = nodeName(context.node)

    var links = ["sbin", "escript"].map { NodeLaunch.Link(path: "\(shadow)/\($0)", target: "\(installed)/\($0)") }
    for plugin in list(installed + "/plugins").sorted() {
      let application = plugin.split(separator: "-").first.map(String.init) ?? plugin
      if Self.applications.contains(application) {
        links.append(.init(path: "\(shadow)/plugins/\(plugin)", target: "\(installed)/plugins/\(plugin)"))
      }
    }

    let environment = [
      "PATH": "/usr/lib/erlang/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": home,
      "NOTIFY_SOCKET": context.notifySocket,
      "ERL_EPMD_ADDRESS": address,
      "RABBITMQ_SCRIPTS_DIR": shadow + "/sbin",
      "RABBITMQ_CONF_ENV_FILE": directory + "/no-such-env.conf",
      "RABBITMQ_NODENAME": me, "RABBITMQ_USE_LONGNAME": "true",
      "RABBITMQ_NODE_IP_ADDRESS": address, "RABBITMQ_NODE_PORT": String(port), "RABBITMQ_DIST_PORT": "25672",
      "RABBITMQ_MNESIA_BASE": mnesia, "RABBITMQ_MNESIA_DIR": mnesia + "/db",
      "RABBITMQ_FEATURE_FLAGS_FILE": mnesia + "/feature_flags",
      "RABBITMQ_LOG_BASE": directory + "/rabbitmq-log", "RABBITMQ_LOGS": directory + "/rabbitmq-log/rabbit.log",
      "RABBITMQ_CONFIG_FILE": directory + "/config/rabbitmq.conf",
      "RABBITMQ_ADVANCED_CONFIG_FILE": directory + "/config/advanced.config",
      "RABBITMQ_GENERATED_CONFIG_DIR": directory + "/generated",
      "RABBITMQ_ENABLED_PLUGINS_FILE": directory + "/config/enabled_plugins",
      "RABBITMQ_PID_FILE": directory + "/pid",
      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
        "+S 1:1 +A 8 -kernel inet_dist_use_interface {\(address.split(separator: ".").joined(separator: ","))}",
      "RABBITMQ_CTL_ERL_ARGS": "",
    ]

    var launch = NodeLaunch(
      arguments: [Self.scripts + "/rabbitmq-server"], environment: environment, workingDirectory: directory)
    launch.directories = [
      directory + "/config", directory + "/rabbitmq-log", directory + "/generated", home, shadow, shadow + "/plugins",
    ]
    launch.links = links
    launch.files = [
      .init(path: directory + "/config/rabbitmq.conf", content: configuration(context), mode: 0o644),
      .init(path: directory + "/config/enabled_plugins", content: "[rabbitmq_management].\n", mode: 0o644),
      .init(path: home + "/.erlang.cookie", content: cookie(seed: context.seed), mode: 0o400),
    ]
    launch.sidecars = [["/usr/bin/epmd", "-port", "4369", "-address", address]]
    return launch
  }

  func nodeName(_ node: NodePlan) -> String { "\(node.name)@\(node.address)" }

  private func configuration(_ context: NodeContext) -> String {
    var lines = [
      "listeners.tcp.1 = \(context.node.address):\(port)",
      "management.tcp.ip = \(context.node.address)",
      "management.tcp.port = 15672",
      "loopback_users = none",
      "default_user = guest",
      "default_pass = guest",
      "vm_memory_high_watermark.absolute = 1GiB",
      "disk_free_limit.absolute = 50MB",
      "num_acceptors.tcp = 2",
      "log.file.level = info",
      "log.console = false",
    ]
    if context.cluster.nodes.count > 1 {
      lines.append("cluster_formation.peer_discovery_backend = classic_config")
      for (index, node) in context.cluster.nodes.enumerated() {
        lines.append("cluster_formation.classic_config.nodes.\(index + 1) = \(nodeName(node))")
      }
      // The first node finds no running peer and asks so often before it forms the cluster alone.
      lines.append("cluster_formation.discovery_retry_limit = 1")
      lines.append("cluster_formation.discovery_retry_interval = 100")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The same on every node of a run, different in every run.
  private func cookie(seed: UInt64) -> String {
    var generator = SeededGenerator(seed: seed, label: "erlang-cookie")
    return String((0..<24).map { _ in Character(Unicode.Scalar(UInt8(65 + generator.below(26)))) })
  }

  public func terms(axes: Axes, queues: [QueuePlan], nodes: Int) -> Terms {
    let quorum = queues.allSatisfy { $0.type == .quorum }
    let durable = queues.allSatisfy { $0.durable } && axes.durability != .transient
    let keeps = axes.publish == .confirm && durable && axes.consume != .autoAck
    var promises: [String] = []
    switch axes.publish {
    case .fireAndForget: promises.append("Publishing without confirms promises nothing (Reliability Guide).")
    case .confirm where quorum:
      promises.append("A confirmed message is on a majority of the replicas and survives a minority (Quorum Queues).")
    case .confirm:
      promises.append(
        "A confirmed persistent message in a durable classic queue is on disk (Publisher Confirms); nothing is promised "
          + "while its node is down and publishes are not mandatory.")
    case .transaction:
      promises.append(
        "tx is atomic only within one queue, and the broker gives no guarantee on the atomicity of several (Broker "
          + "Semantics); a commit-ok says that the messages are safe.")
    }
    if axes.consume == .autoAck {
      promises.append("Automatic acknowledgement is \"fire and forget\" (Consumer Acknowledgements).")
    }
    return Terms(
      settings: amqpSettings(axes) + queueSettings(queues)
        + [
          .init(name: "cluster_partition_handling", value: "ignore (default)"),
          .init(name: "net_ticktime", value: "60 s (default)"),
        ],
      promises: promises,
      promised: [
        "lost": keeps, "unexpected": true, "aborted-read": true, "duplicated": axes.consume != .autoAck,
        "duplicated-by-retry": false, "wrong-redelivered-flag": true, "torn-transaction": false, "out-of-order": true,
        "stuck-confirm": axes.publish != .fireAndForget, "stuck-message": true,
      ])
  }

  private func list(_ directory: String) -> [String] {
    guard let handle = opendir(directory) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }
}
