// Thousands of damaged scenarios: each gives a plan or mistakes, never a crash, and never a plan that cannot be planned.

import Base
import Foundation
import Testing

@testable import Scenario

struct DamageTests {
  /// `STORMPROOF_ROUNDS=full` damages twenty times as many.
  static let factor = ProcessInfo.processInfo.environment["STORMPROOF_ROUNDS"] == "full" ? 20 : 1

  /// A plan, or mistakes that point into the file. Returns whether it was a plan.
  private func survives(_ bytes: [UInt8], _ what: @autoclosure () -> String) -> Bool {
    let lines = bytes.count { $0 == 0x0a || $0 == 0x0d } + bytes.count + 2
    do {
      let scenario = try Scenario.decode(bytes)
      let plan = try Planner.plan(scenario)
      // What is planned is sound: every role and route leads somewhere, every fault heals within the load.
      let queues = plan.levels[0].queues.map(\.name)
      let isSound =
        !plan.routes.isEmpty && plan.routes.allSatisfy { !$0.to.isEmpty && $0.to.allSatisfy(queues.contains) }
        && plan.faults.allSatisfy { $0.at >= 0 && $0.length > 0 && $0.at + $0.length <= plan.phases.load }
      #expect(isSound, "\(what())")
      return true
    } catch let mistakes as Mistakes {
      let arePlaced = mistakes.list.allSatisfy { (1...lines).contains($0.mark.line) && $0.mark.column >= 1 }
      #expect(!mistakes.list.isEmpty && arePlaced, "\(what())")
      #expect(mistakes.lines(file: "f").allSatisfy { !$0.contains("\n") }, "\(what())")
    } catch {
      Issue.record("\(what()): \(error)")
    }
    return false
  }

  @Test(arguments: Files.names)
  func damagedScenarios(name: String) throws {
    let original = try Files.bytes(name + ".yaml")
    let donor = try Files.bytes("quickstart.yaml")
    let pieces = [
      ": ", "- ", "{", "}", "[", "]", "&a ", "*a", "\n  ", "\t", "|", "\"", "-1", "0s", "!", "%", "\0", "é",
    ]
    var plans = 0
    let seed: UInt64 = 2026
    var random = SeededGenerator(seed: seed, label: name)
    for round in 0..<500 * Self.factor {
      var bytes = original
      for _ in 0...random.below(3) {
        let at = random.below(bytes.count + 1)
        switch random.below(6) {
        case 0 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.insert(contentsOf: pieces[random.below(pieces.count)].utf8, at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random.below(20)))
        case 3: bytes = Array(bytes[..<at])
        case 4:
          let from = random.below(donor.count)
          bytes.insert(contentsOf: donor[from..<min(donor.count, from + random.below(200))], at: at)
        default:
          // Digits are where plausible values turn into impossible ones.
          let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
          if !digits.isEmpty { bytes[digits[random.below(digits.count)]] = 0x30 + UInt8(random.below(10)) }
        }
      }
      if survives(bytes, "seed \(seed) \(name) round \(round)") { plans += 1 }
    }
    // Damage in a comment leaves a scenario: both answers were seen.
    #expect(plans > 10 * Self.factor && plans < 490 * Self.factor, "\(plans)")
  }

  @Test func randomBytes() {
    let seed: UInt64 = 77
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("version: 1\nname x{}[],-&*?|>%#'\"!@`\t\r\u{0}".utf8)
    for round in 0..<3000 * Self.factor {
      let length = random.below(200)
      let isText = random.chance(0.7)
      let bytes = (0..<length).map { _ in
        isText ? alphabet[random.below(alphabet.count)] : UInt8(truncatingIfNeeded: random.next())
      }
      #expect(!survives(bytes, "seed \(seed) round \(round)"))
    }
  }
}
