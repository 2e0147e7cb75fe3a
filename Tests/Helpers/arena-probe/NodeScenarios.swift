// Scenarios about one node: what it sees, READY, pause, crash, restart, SIGTERM, failure to start.

import Arena
import Base
import Glibc

extension Supervisor {
  func node() throws {
    _ = try makeNetwork(["n1", "n2"])
    let socket = try NotifySocket(loop: loop, interior: interior, node: "n1")
    sockets.append(socket)
    let own = SpawnRequest.ownExecutable
    let script = """
      trap 'exit 5' TERM
      \(own) notify READY=1 "STATUS=$(hostname) $(cut -f1 /etc/hosts | tr '\\n' ' ')pids $(ls /proc | grep -c '^[0-9]')"
      while :; do sleep 0.01; done
      """
    var spec = NodeSpec(
      name: "n1", hostname: "broker-1",
      main: .init(
        arguments: ["/bin/sh", "-c", script],
        environment: ["PATH": "/bin:/usr/bin:/sbin", "NOTIFY_SOCKET": socket.path]))
    spec.files = NodeSpec.nameFiles(hosts: [("n1", "10.77.0.1"), ("n2", "10.77.0.2")])
    spec.beside = [.init(arguments: ["/bin/sleep", "7777"])]
    spec.temporaryDirectories = ["/srv"]
    let node = NodeProcess(spec: spec, loop: loop, namespace: network?.namespace(of: "n1"), interior: interior)
    nodes.append(node)
    var round = 0
    socket.onMessage = { [self] message in
      say("ready \(message.isReady) sender \(message.pid > 1) status \(message.status ?? "")")
      say("hosts untouched \((try? String(contentsOfFile: "/etc/hosts"))?.contains("10.77.0.2") == false)")
      round += 1
      if round == 1 { pauseAndCrash(node) } else { node.terminate() }
    }
    node.onExit = { [self] exit in
      say("exit \(exit.cause)")
      if round == 2 { return finish() }
      do { try node.start() } catch { say("error \(error)") }
    }
    try node.start()
  }

  private func pauseAndCrash(_ node: NodeProcess) {
    node.pause { [self] pause in
      say("paused \(pause.stopped >= 2) running \(pause.running)")
      // Init stands aside; a child that had ended is a zombie, and no zombie is stopped.
      let sample = node.sample()
      say(
        "stand \((1...2).contains((sample?.processes ?? 0) - (sample?.stopped ?? 0))) resident \((sample?.residentBytes ?? 0) > 100_000)"
      )
      let before = node.sample()?.processorTime ?? 0
      after(100 * .millisecond) { [self] in
        say("idle \((node.sample()?.processorTime ?? -1) - before)")
        node.resume { [self] in
          after(50 * .millisecond) { [self] in
            say("resumed \(node.sample()?.stopped ?? -1)")
            say("crash \(node.crash())")
          }
        }
      }
    }
  }

  /// A node whose program is not there, one whose file has no place, and one whose init is killed by another.
  func broken() throws {
    let missing = makeNode("a", ["/no/such/broker"])
    let misplaced = makeNode("b", ["/bin/true"])
    _ = misplaced
    missing.onExit = { [self] exit in
      say("missing \(exit.cause)")
      var spec = NodeSpec(name: "b", main: .init(arguments: ["/bin/true"]))
      spec.files = [.init(path: "/no/such/file", contents: "")]
      let second = NodeProcess(spec: spec, loop: loop, namespace: nil, interior: interior)
      nodes.append(second)
      second.onExit = { [self] exit in
        say("misplaced \(exit.cause)")
        let third = makeNode("c", ["/bin/sleep", "7777"])
        third.onStarted = { kill(third.initPid ?? -1, SIGKILL) }
        third.onExit = { [self] exit in
          say("lost \(exit.cause)")
          finish()
        }
        do { try third.start() } catch { say("error \(error)") }
      }
      do { try second.start() } catch { say("error \(error)") }
    }
    try missing.start()
  }
}

extension String {
  /// A small file as text.
  init?(contentsOfFile path: String) throws {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&buffer, 1, buffer.count, file)
    self = String(decoding: buffer[0..<count], as: UTF8.self)
  }
}
