// swift-tools-version: 6.2
// Stormproof: chaos and reliability testing of message brokers. The targets stand in the order of the house
// (CONTRIBUTING.md): each may import only those above it.
import PackageDescription

/// Warnings are errors in our own code: a warning that stays is read by nobody.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, resources: resources,
    swiftSettings: strict)
}

let package = Package(
  name: "stormproof",
  targets: [
    .target(name: "CLinux"),
    .systemLibrary(name: "CUv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CLzma", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CIsal", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
    module("Base", ["CIsal"]),
    module("EventLoop", ["CUv"]),
    module("Systemd", ["CSystemd"]),
    module("History", ["Base", "CLzma", "CZlib"]),
    module("Checkers", ["Base", "History"]),
    module("AMQP", ["Base"]),
    module("Raft", ["Base"]),
    module("Broker", ["Base", "AMQP", "Raft"]),
    module("Simulator", ["Base", "AMQP", "Broker", "Checkers", "History"]),
    module("Scenario", ["Base", "CYaml"]),
    module("Arena", ["Base", "CLinux", "Systemd", "EventLoop"]),
    module("Faults", ["Base", "Arena", "Scenario", "History", "EventLoop"]),
    module("Drivers", ["Base", "Arena", "AMQP", "EventLoop", "Scenario"]),
    module("Workloads", ["Base", "Drivers", "AMQP", "History", "EventLoop", "Scenario", "Arena"]),
    module(
      "Runner",
      ["Base", "History", "Checkers", "Scenario", "Arena", "Faults", "Drivers", "Workloads", "EventLoop"]),
    module("Reports", ["Base", "History", "Checkers", "Scenario"]),
    module("Arguments"),
    program(
      "stormproof",
      [
        "Base", "Arguments", "Runner", "Reports", "Scenario", "Checkers", "History", "Arena", "Workloads",
      ]),
    program("stormproof-node", ["Base", "Broker", "AMQP", "EventLoop", "Systemd"]),
    tests(of: "Base"),
    tests(of: "EventLoop"),
    tests(of: "Systemd"),
    .target(name: "Damage", dependencies: ["Base"], path: "Tests/Helpers/damage", swiftSettings: strict),
    tests(of: "History", ["Base", "Damage"]),
    tests(of: "Checkers", ["Base", "History", "Damage"], resources: [.copy("Histories")]),
    tests(of: "AMQP", ["Base"]),
    tests(of: "Raft", ["Base"]),
    tests(of: "Broker", ["Base", "AMQP", "Raft"]),
    tests(of: "Simulator", ["Base", "Broker", "Raft", "Checkers", "History"]),
    tests(of: "Scenario", ["Base", "Checkers"]),
    tests(of: "Arguments"),
    .executableTarget(
      name: "arena-probe", dependencies: ["Base", "Arena", "EventLoop", "Scenario", "History", "Faults"],
      path: "Tests/Helpers/arena-probe", swiftSettings: strict),
    .executableTarget(
      name: "checker-bench", dependencies: ["Base", "History", "Checkers"], path: "Tests/Helpers/checker-bench",
      swiftSettings: strict),
    tests(of: "Arena", ["Base", "CLinux", "EventLoop", "arena-probe"]),
    tests(of: "Faults", ["Base", "Arena", "Scenario", "History", "EventLoop", "arena-probe"]),
    tests(of: "Drivers", ["Base", "AMQP", "EventLoop", "Scenario"]),
    tests(of: "Workloads", ["Base", "AMQP", "Drivers", "EventLoop", "History", "Checkers", "Scenario"]),
    tests(of: "Runner", ["Base", "Scenario", "History"]),
    tests(of: "Reports", ["Base", "History", "Checkers", "Scenario"]),
    .testTarget(name: "HouseTests", swiftSettings: strict),
    .testTarget(
      name: "NodeTests", dependencies: ["stormproof-node", "Base", "Broker", "EventLoop"], swiftSettings: strict),
    .testTarget(name: "IntegrationTests", dependencies: ["Reports"], exclude: ["tutorial"], swiftSettings: strict),
  ]
)
