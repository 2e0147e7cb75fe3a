// The command line: what is understood, and what is refused.

import Testing

@testable import stormproof_node

@Suite struct OptionsTests {
  private func parse(_ line: String) throws(UsageError) -> Options.Request {
    try Options.parse(line.split(separator: " ").map(String.init))
  }

  @Test func whatTheHarnessPasses() throws {
    let request = try parse(
      "--data /d --listen 10.0.0.2:5672 --name n2 --seed 42 --peers n1=10.0.0.1:25672,n2=10.0.0.2:25672"
        + " --defect torn-commit")
    var expected = Options()
    expected.data = "/d"
    expected.listen = Endpoint(address: "10.0.0.2", port: 5672)
    expected.name = "n2"
    expected.seed = 42
    expected.peers = [
      ("n1", Endpoint(address: "10.0.0.1", port: 25672)), ("n2", Endpoint(address: "10.0.0.2", port: 25672)),
    ]
    expected.defects = [.tornCommit]
    #expect(request == .run(expected))
  }

  @Test func defaults() throws {
    guard case .run(let options) = try parse("--data=/d") else {
      Issue.record("not understood")
      return
    }
    #expect("\(options.listen)" == "127.0.0.1:5672" && options.name == "n1" && options.peers.isEmpty)
    #expect(try parse("--data /d --help") == .help)
    #expect(try parse("--version") == .version)
  }

  @Test(arguments: [
    "", "--data", "--data /d --listen 5672", "--data /d --listen 1.2.3:1", "--data /d --listen 1.2.3.256:1",
    "--data /d --listen 1.2.3.4:65536", "--data /d --seed x", "--data /d --peers n1", "--data /d --peers n1=1.2.3.4",
    "--data /d --peers n2=1.2.3.4:5", "--data /d --peers n1=1.2.3.4:5,n1=1.2.3.4:6", "--data /d --peers n1=1.2.3.4:5,",
    "--data /d --defect nothing", "--data /d --name=", "--data /d more", "--fsync no",
  ]) func mistakes(_ line: String) {
    #expect(throws: UsageError.self) { try parse(line) }
  }
}
