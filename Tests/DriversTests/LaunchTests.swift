// How nodes are started: what a driver answers for a node of a cluster, without starting one.

import Base
import Foundation
import Testing

@testable import Drivers
@testable import Scenario

@Suite struct LaunchTests {
  private func context(_ broker: String, nodes: Int, executables: String = "/bin") throws -> NodeContext {
    let list = (1...nodes).map { #"{"name": "n\#($0)", "address": "10.77.0.\#($0)"}"# }.joined(separator: ",")
    let json = #"{"broker": "\#(broker)", "nodes": [\#(list)], "client": "10.77.0.100"}"#
    let cluster = try JSONDecoder().decode(ClusterPlan.self, from: Data(json.utf8))
    return NodeContext(
      node: cluster.nodes[nodes - 1], cluster: cluster, directory: "/run-dir/n", data: "/run-dir/n/mount",
      runtime: "/run/n", notifySocket: "/run/notify/n", executables: executables, seed: 7)
  }

  @Test func embeddedNodeKnowsItsPeers() throws {
    let directory = NSTemporaryDirectory() + "stormproof-launch-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    #expect(throws: DriverError.self) {
      try EmbeddedDriver().launch(context("embedded", nodes: 1, executables: directory))
    }
    try Data("#!/bin/sh\n".utf8).write(to: URL(fileURLWithPath: directory + "/stormproof-node"))
    chmod(directory + "/stormproof-node", 0o755)
    let one = try EmbeddedDriver().launch(context("embedded", nodes: 1, executables: directory))
    #expect(!one.arguments.contains("--peers"))
    let three = try EmbeddedDriver().launch(context("embedded", nodes: 3, executables: directory))
    #expect(three.arguments.contains("n1=10.77.0.1:25672,n2=10.77.0.2:25672,n3=10.77.0.3:25672"))
    #expect(three.environment["NOTIFY_SOCKET"] == "/run/notify/n")
  }

  @Test(.enabled(if: (try? RabbitMQDriver().version()) != nil, "RabbitMQ is not installed"))
  func rabbitMQNodeIsItsPackage() throws {
    let launch = try RabbitMQDriver().launch(context("rabbitmq", nodes: 3))
    #expect(launch.arguments == ["/usr/lib/rabbitmq/bin/rabbitmq-server"])
    #expect(launch.environment["RABBITMQ_NODENAME"] == "n3@10.77.0.3")
    let configuration = try #require(launch.files.first { $0.path.hasSuffix("rabbitmq.conf") }).content
    #expect(configuration.contains("cluster_formation.classic_config.nodes.1 = n1@10.77.0.1\n"))
    let cookie = try #require(launch.files.first { $0.path.hasSuffix(".erlang.cookie") })
    #expect(cookie.mode == 0o400 && cookie.content.count == 24)
    #expect(launch.links.contains { $0.path.contains("/plugins/rabbit-") })
    #expect(!launch.links.contains { $0.path.contains("/plugins/rabbitmq_mqtt") })
    #expect(launch.sidecars.first?.first == "/usr/bin/epmd")
    // Nothing of it may lie outside the run.
    for path in launch.directories + launch.files.map(\.path) + launch.links.map(\.path) {
      #expect(path.hasPrefix("/run-dir/n/"))
    }
  }

  @Test func promisesFollowTheAxes() {
    let low = Axes(publish: .fireAndForget, consume: .autoAck, durability: .transient, retry: .none)
    let medium = Axes(publish: .confirm, consume: .manualAck, durability: .durable, retry: .untilConfirmed)
    let high = Axes(publish: .transaction, consume: .transaction, durability: .replicated, retry: .certainFailures)
    let quorum = [QueuePlan(name: "q", type: .quorum, durable: true, bind: [])]
    for driver in Brokers.all {
      #expect(driver.terms(axes: low, queues: quorum, nodes: 3).promised["lost"] == false)
      #expect(driver.terms(axes: medium, queues: quorum, nodes: 3).promised["lost"] == true)
    }
    #expect(EmbeddedDriver().terms(axes: high, queues: quorum, nodes: 3).promised["torn-transaction"] == true)
    #expect(RabbitMQDriver().terms(axes: high, queues: quorum, nodes: 3).promised["torn-transaction"] == false)
  }
}

@Suite struct ManagementTests {
  @Test func findsTheLeader() {
    let quorum =
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
      + #"{"leader":"n2@10.77.0.2","node":"n1@10.77.0.1","type":"quorum"}"#
    #expect(Management.leader(inResponse: Array(quorum.utf8)) == "n2")
    let classic = "HTTP/1.1 200 OK\r\n\r\n" + #"{"node":"n3@10.77.0.3","type":"classic"}"#
    #expect(Management.leader(inResponse: Array(classic.utf8)) == "n3")
  }

  @Test func noiseIsNoLeader() {
    for text in [
      "", "HTTP/1.1 404 Object Not Found\r\n\r\n{}", "HTTP/1.1 200 OK\r\n\r\n{", "HTTP/1.1 200 OK\r\n\r\n{\"node\":3}",
    ] {
      #expect(Management.leader(inResponse: Array(text.utf8)) == nil)
    }
  }
}
