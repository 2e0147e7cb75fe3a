// Checkers against damage: whatever a damaged file is decoded to, every model gives a report of it that makes sense.

import Base
import Damage
import Foundation
import History
import Testing

@testable import Checkers

/// Files of one kind, how they are damaged, and what is checked in what they are decoded to.
struct DamagedKind: Sendable, CustomTestStringConvertible {
  enum Way { case lines, bytes, blocks }

  var name: String
  var way: Way
  var tokens = ""
  var samples: @Sendable () throws -> [[UInt8]]
  /// Reads and checks.
  /// - Returns: what is wrong with the reports.
  var check: @Sendable ([UInt8], inout SeededGenerator) throws -> [String]

  var testDescription: String { name }

  static let all: [DamagedKind] = [
    DamagedKind(name: "deliveries", way: .lines, samples: { DamagedFiles.deliveries }, check: recorded),
    DamagedKind(name: "queues", way: .lines, samples: { DamagedFiles.queues }, check: recorded),
    DamagedKind(name: "registers", way: .lines, samples: { DamagedFiles.registers }, check: recorded),
    DamagedKind(name: "logs", way: .lines, samples: { DamagedFiles.logs }, check: recorded),
    DamagedKind(
      name: "queues as EDN", way: .bytes,
      tokens: ":enqueue :dequeue :drain :ok :info :fail :invoke nil [ ] { } 1 :value",
      samples: { DamagedFiles.queueForms }, check: recorded),
    DamagedKind(
      name: "transactions", way: .lines, samples: { DamagedFiles.transactions },
      check: { bytes, random in
        DamagedReports.complaints(about: try TransactionHistory.parse(bytes, file: "x"), bytes, &random)
      }),
    DamagedKind(
      name: "binaries", way: .blocks, tokens: "SPhb", samples: { try DamagedFiles.binaries() },
      check: { bytes, random in try DamagedReports.complaints(aboutFile: bytes, &random) }),
  ]

  @Sendable private static func recorded(_ bytes: [UInt8], _ random: inout SeededGenerator) throws -> [String] {
    try DamagedReports.complaints(about: HistoryInput.decode(bytes, file: "x"), &random)
  }

  func damaged(
    _ samples: [[UInt8]], others: [[UInt8]], _ mutator: Mutator, _ random: inout SeededGenerator
  ) -> [UInt8] {
    let sample = samples[random.below(samples.count)]
    switch way {
    case .bytes: return mutator.damaged(sample, others: samples, &random)
    case .lines:
      let isWhole = random.below(8) > 0
      return isWhole
        ? LineMutator().damaged(sample, others: random.below(2) == 0 ? others : samples, &random)
        : mutator.damaged(sample, others: samples, &random)
    case .blocks:
      var bytes = sample
      if random.below(4) == 0 {
        bytes = mutator.damaged(bytes, others: samples, &random)
      } else {
        // What the lengths say stays true, so that all of it is read.
        for _ in 0...random.below(3) {
          let at = random.below(bytes.count)
          bytes[at] =
            random.chance(0.5) ? bytes[at] ^ 1 << UInt8(random.below(8)) : UInt8([0, 1, 127, 255][random.below(4)])
        }
      }
      if random.below(8) > 0 { Checksums.repair(&bytes) }
      return bytes
    }
  }
}

@Suite struct DamagedCheckTests {
  @Test(arguments: DamagedKind.all) func whateverIsDecodedIsChecked(kind: DamagedKind) throws {
    let samples = try kind.samples()
    // Lines of every other model.
    let others = DamagedFiles.deliveries + DamagedFiles.queues + DamagedFiles.registers + DamagedFiles.logs
    let mutator = Mutator(kind.tokens)
    let run = DamageRun("checked \(kind.name)", usual: 400, share: 2 * DamagedKind.all.count)
    var (checked, strange) = (0, 0)
    try run.each { seed in
      var random = SeededGenerator(seed: seed, label: kind.name)
      // The first seeds are the samples as they are.
      let bytes =
        seed < samples.count ? samples[Int(seed)] : kind.damaged(samples, others: others, mutator, &random)
      do {
        let complaints = try kind.check(bytes, &random)
        checked += 1
        if !complaints.isEmpty {
          Issue.record("\(kind.name), seed \(seed): \(complaints)\n\(String(decoding: bytes, as: UTF8.self))")
        }
      } catch is HistoryError {
        // Refused by who reads it.
      } catch is ModelMismatch {
        strange += 1
      }
    }
    let words = "\(kind.name): \(checked) checked, \(strange) of other models, the rest refused"
    if DamageRun.isLong { print(words) }
    // Where nearly everything is refused, the checkers see nothing.
    #expect(checked > run.seeds.count / 20 || !run.isMany, "\(words)")
  }
}
