// One node's life: what it sees, READY, pause and resume, crash, restart, SIGTERM; and nodes that cannot be made.

import Testing

@testable import Arena

@Suite struct NodeTests {
  @Test func livesPausesCrashesAndLivesAgain() throws {
    let (status, lines) = try Helper.scenario("node")
    #expect(status == .exited(0))
    let ready = lines.filter {
      $0.hasPrefix("ready true sender true status broker-1 127.0.0.1 10.77.0.1 10.77.0.2 pids ")
    }
    #expect(ready.count == 2, "\(lines)")
    #expect(lines.contains("hosts untouched true") && !lines.contains("hosts untouched false"))
    let wanted = [
      "paused true running 0", "stand true resident true", "idle 0", "resumed 0", "crash true", "exit killed",
      "exit ended with exit 5", "done",
    ]
    #expect(lines.filter { wanted.contains($0) } == wanted)
  }

  @Test func saysWhyANodeCouldNotBeMade() throws {
    let (_, lines) = try Helper.scenario("broken")
    #expect(
      lines.dropFirst().prefix(4) == [
        "missing not started: execute /no/such/broker: No such file or directory",
        "misplaced not started: place the file /no/such/file: No such file or directory",
        "lost its init died with signal 9", "done",
      ])
  }

  @Test func readsNotifyMessages() {
    let message = NotifyMessage(
      pid: 7, text: "READY=1\nSTATUS=leader term=3\nnonsense\n=x\nERRNO=5\nWATCHDOG=1\nEMPTY=\n")
    #expect(message.isReady && message.isWatchdog && !message.isStopping)
    #expect(message.status == "leader term=3" && message.errno == 5 && message["EMPTY"] == "")
    #expect(message.fields.count == 5)
  }

  @Test func writesTheNamesOfACluster() {
    let files = NodeSpec.nameFiles(hosts: [("n1", "10.77.0.1")])
    #expect(files[0] == .init(path: "/etc/hosts", contents: "127.0.0.1\tlocalhost\n10.77.0.1\tn1\n"))
    #expect(!files[1].required)
  }
}
