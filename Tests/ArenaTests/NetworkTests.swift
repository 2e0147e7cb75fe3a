// The network: every policy of a directed link in force by the probe, felt by the counters, and healed.

import Glibc
import Testing

@testable import Arena

@Suite struct NetworkTests {
  @Test func everyPolicyIsInForceAndHeals() throws {
    let (status, lines) = try Helper.scenario("links")
    #expect(status == .exited(0))
    check(lines)
  }

  @Test(.enabled(if: geteuid() == 0)) func anOrdinaryUserHasTheSameNetwork() throws {
    let (_, output) = try Helper.runAsUser(["run", "links"])
    check(output.split(separator: "\n").map(String.init))
  }

  private func check(_ lines: [String]) {
    func received(_ link: String) -> Int? { word(lines, link, "received") }
    func shortest(_ link: String) -> Int? { word(lines, link, "shortest") }
    for link in ["open n1>n2", "open n2>n1", "open clients>n2"] { #expect(received(link) == 3, "\(lines)") }
    // One way only, and nobody else.
    #expect(received("cut n1>n2") == 0)
    #expect(received("cut n2>n1") == 3)
    #expect(received("cut clients>n2") == 3)
    #expect(received("delay n1>n2") == 20)
    #expect(shortest("delay n1>n2") ?? 0 >= 25_000)
    #expect(received("delay n2>n1") == 3)
    // The seed is fixed: 400 probes at 50 %.
    #expect((140...260).contains(received("loss n1>n2") ?? 0))
    #expect(received("healed n1>n2") == 3)
    for line in [
      "uncounted true", "client ended with exit 0", "carried true", "felt true", "slow true", "since true", "done",
    ] {
      #expect(lines.contains { $0.hasPrefix(line) }, "\(line) in \(lines)")
    }
  }

  private func word(_ lines: [String], _ link: String, _ name: String) -> Int? {
    let words = lines.first { $0.hasPrefix(link + " ") }?.split(separator: " ") ?? []
    return words.firstIndex { $0 == name }.flatMap { Int(words[$0 + 1]) }
  }
}
