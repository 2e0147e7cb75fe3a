// A whole made-up run of three levels through three faults, with all its files: what the pages are looked at with.

import Base
import Checkers
import Foundation
import History
import Reports
import Scenario

enum MadeUpRun {
  static let load = 15.0

  static var plan: Plan {
    Fixture.plan(levels: ReliabilityBundle.allCases.map { bundle in Fixture.level(bundle) }, faults: Fixture.faults())
  }

  /// Everything of a level, at some 200 messages a second.
  static func record(_ bundle: ReliabilityBundle) -> LevelRecord {
    var random = SeededGenerator(seed: 3, label: bundle.rawValue)
    var builder = HistoryBuilder()
    builder.subscribe(-900, autoAck: bundle == .low)
    let windows = [(2800.0, 4900.0), (6800, 9800), (10_800, 12_800)]
    for (fault, window) in zip(["crash#1", "partition#1", "disk-stall#1"], windows) {
      builder.fault(fault, window.0, window.1)
    }
    let services: [ReliabilityBundle: Double] = [.low: 0.4, .medium: 2.1, .high: 6.5]
    let service = services[bundle, default: 1]
    var tag: UInt64 = 0
    var transaction: UInt64 = 0
    var inTransaction = 0
    var lastDelivered = 0.0
    for sequence in 1...Int(load * 200) {
      let at = Double(sequence) * 5 + random.unit()
      let stalled = windows.map(\.0).first { at >= $0 && at < $0 + stall($0) }
      let wait: Double = random.unit() * 200
      let ready: Double = stalled.map { $0 + stall($0) + wait } ?? at
      let rare: Double = random.chance(0.01) ? 20 * random.unit() : 0
      let latency: Double = service * (0.5 + random.unit()) + rare
      let isLost = bundle == .low && at > 2500 && at < 2800 && random.chance(0.9)
      switch bundle {
      case .low: builder.publish(at, sequence, confirm: nil, sentOnly: true, node: "n2")
      case .medium: builder.publish(at, sequence, confirm: ready + latency)
      case .high:
        if inTransaction == 0 { transaction += 1 }
        builder.publish(at, sequence, confirm: nil, transaction: transaction)
        inTransaction += 1
        if inTransaction == 10 {
          builder.commit(ready + 0.5, transaction, after: latency)
          inTransaction = 0
        }
      }
      guard !isLost else { continue }
      tag += 1
      var delivered = ready + latency + 1
      if bundle == .high { delivered += Double(9 - (sequence - 1) % 10) * 6 + 12 }
      if stalled != nil { delivered += (bundle == .high ? 1200 : 0) + 600 * random.unit() }
      // In the order of publishing, as from one queue to one consumer.
      lastDelivered = max(delivered, lastDelivered + 0.3)
      builder.deliver(lastDelivered, sequence, tag: tag, ack: bundle != .low)
    }
    builder.drained(load * 1000 + 2500)
    let history = builder.history()
    let level = Fixture.level(bundle)
    let node = bundle == .low ? "n2" : "n1"
    var events = Fixture.phases(load: load)
    events += Fixture.events("crash#1", 2800, 4900, node: node, text: "pid 4711 is gone, its namespace with it")
    events += Fixture.events("partition#1", 6800, 9800, node: "n3", text: "probes to n1 and n2 were stopped for 3.0 s")
    events += Fixture.events(
      "disk-stall#1", 10_800, 12_800, node: "n1", felt: bundle != .low, text: "a probe's fsync waited 2.0 s")
    events.sort { $0.time < $1.time }
    let (series, latency) = figures(history, bundle)
    return LevelRecord(
      plan: level, history: history, result: DeliveryChecker.check(history, options: RunReader.options(level)),
      events: events,
      series: series, latency: latency, settings: Fixture.settings(bundle))
  }

  /// How long nothing is confirmed after the begin of a fault, milliseconds.
  private static func stall(_ began: Double) -> Double { began == 6800 ? 1400 : 900 }

  private static func figures(_ history: RecordedHistory, _ bundle: ReliabilityBundle) -> (
    [SeriesRow], [HistogramLog.Entry]
  ) {
    var random = SeededGenerator(seed: 5, label: bundle.rawValue)
    var rows: [SeriesRow] = []
    var entries: [HistogramLog.Entry] = []
    var backlog = 0
    for second in 0..<19 {
      var row = SeriesRow()
      row.time = HistoryBuilder.time(Double(second) * 1000)
      row.phase = second == 0 ? "warmup" : second <= 15 ? "load" : second <= 17 ? "settle" : "drain"
      let range = row.time - .second..<row.time
      var published: [MessageID] = []
      for event in history.events where range.contains(event.time) {
        switch (event.function, event.outcome) {
        case (.publish, .invoke): published.append(event.message)
        case (.publish, .ok), (.publish, .info): row.confirmed += 1
        case (.commit, .ok): row.confirmed += 10
        case (.deliver, .ok): row.delivered += 1
        default: break
        }
      }
      row.offered = published.count
      backlog = max(backlog + row.offered - row.delivered, 0)
      row.backlog = backlog
      row.unacknowledged = min(backlog, 80)
      row.unknown = bundle == .medium && (second == 3 || second == 7) ? 12 : 0
      var confirm = Histogram()
      var endToEnd = Histogram()
      let isSlow = [3, 4, 7, 8, 11, 12].contains(second)
      for _ in 0..<row.confirmed {
        let bases: [ReliabilityBundle: Double] = [.low: 0.4, .medium: 2, .high: 7]
        var value: Double = bases[bundle, default: 1] * (0.5 + random.unit())
        if isSlow, random.chance(0.4) { value += 900 * random.unit() } else if random.chance(0.01) { value += 20 }
        if bundle != .low { confirm.record(Nanoseconds(value * 1e6)) }
        endToEnd.record(Nanoseconds((value * 1.4 + 0.6) * 1e6))
      }
      if confirm.count > 0 {
        row.confirmP50 = confirm.percentile(50).milliseconds
        row.confirmP99 = confirm.percentile(99).milliseconds
        row.confirmMax = confirm.max.milliseconds
      }
      if endToEnd.count > 0 {
        row.endToEndP50 = endToEnd.percentile(50).milliseconds
        row.endToEndP99 = endToEnd.percentile(99).milliseconds
        row.endToEndMax = endToEnd.max.milliseconds
      }
      for (tag, histogram) in [("confirm", confirm), ("end-to-end", endToEnd)] where histogram.count > 0 {
        entries.append(.init(tag: tag, start: Double(second), length: 1, histogram: histogram))
      }
      let crashed = bundle == .low ? "n2" : "n1"
      for name in Fixture.nodes {
        var node = NodeSample(name: name)
        node.alive = !(name == crashed && (second == 3 || second == 4 || second == 5))
        let leader = second < 3 ? crashed : second < 8 ? "n3" : "n2"
        node.role = node.alive ? (name == leader ? "leader" : "follower") : ""
        node.paused = name == "n3" && second == 14
        node.cpu = 0.3
        node.residentBytes = 60 << 20
        row.nodes.append(node)
      }
      rows.append(row)
    }
    return (rows, entries)
  }

  /// Writes a run directory as a run leaves it, without the reports.
  static func write(to path: String) throws {
    let directory = RunDirectory(path: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try FileBytes.replace(directory.plan, with: Array(plan.json.utf8))
    try Fixture.manifest.write(to: directory.manifest)
    for bundle in ReliabilityBundle.allCases {
      let record = record(bundle)
      let files = directory.level(bundle.rawValue)
      try FileManager.default.createDirectory(atPath: files.path, withIntermediateDirectories: true)
      let recorder = try HistoryRecorder(path: files.history)
      for entry in record.history.names.entries {
        switch entry {
        case .word(let text): _ = recorder.word(text)
        case .route(let queues): _ = recorder.route(to: queues.map(record.history.names.text))
        }
      }
      for event in record.history.events { recorder.append(event) }
      recorder.close()
      try FileBytes.replace(files.events, with: record.events.flatMap(RunEvents.line))
      let series = SeriesFile.header(nodes: Fixture.nodes) + record.series.map(SeriesFile.line).joined()
      try FileBytes.replace(files.series, with: Array(series.utf8))
      let latency =
        HistogramLog.header(realtime: Fixture.manifest.realtime) + record.latency.map(HistogramLog.line).joined()
      try FileBytes.replace(files.latency, with: Array(latency.utf8))
    }
  }
}

/// A folder that is gone when `body` ends, unless REPORTS_FIXTURE names one to keep.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
  if let kept = ProcessInfo.processInfo.environment["REPORTS_FIXTURE"] { return try body(kept) }
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("stormproof-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}
