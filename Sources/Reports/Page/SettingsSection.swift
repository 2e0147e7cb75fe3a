// What the broker was told at each level and what its manual promises; the machine; how to run it again.

import Base
import History

enum SettingsSection {
  static func render(_ view: RunView) -> String {
    guard let manifest = view.manifest, !manifest.levels.isEmpty else { return "" }
    var names: [String] = []
    for level in manifest.levels {
      for setting in level.settings where !names.contains(setting.name) { names.append(setting.name) }
    }
    var table = HTMLTable(columns: [.init("setting")] + manifest.levels.map { .init($0.level) })
    for name in names {
      let values = manifest.levels.map { level in
        level.settings.first { $0.name == name }.map { "<span class=\"wrap\">\(escapeXML($0.value))</span>" } ?? "–"
      }
      table.rows.append([escapeXML(name)] + values)
    }
    var promises = ""
    for level in manifest.levels where !level.promises.isEmpty {
      promises += "<h3>\(escapeXML(level.level)): what the manual promises</h3><ul>"
      promises += level.promises.map { "<li>\(escapeXML($0))</li>" }.joined() + "</ul>\n"
    }
    return section("settings", "Settings and promises", table.render() + promises)
  }
}

enum EnvironmentSection {
  static func render(_ view: RunView) -> String {
    var rows: [(String, String)] = [
      ("scenario", view.plan.name), ("seed", "\(view.plan.seed)"),
      ("nodes", view.plan.cluster.nodes.map(\.name).joined(separator: ", ")),
    ]
    if let manifest = view.manifest {
      rows += [
        ("broker", manifest.broker), ("stormproof", manifest.stormproof), ("started", manifest.started),
        ("host", manifest.host), ("kernel", manifest.kernel), ("cores", Words.count(manifest.cores)),
        ("memory", Words.bytes(manifest.memoryBytes)), ("isolation", manifest.tier),
        (
          "append 4 KiB and fdatasync",
          manifest.fsyncProbe.map { Words.latency($0.milliseconds) + ", median" } ?? "not measured"
        ),
      ]
    } else {
      rows.append(("manifest", "missing: the run ended before it was written"))
    }
    var table = HTMLTable(columns: [.init("what"), .init("value")])
    table.rows = rows.map { [escapeXML($0.0), "<span class=\"wrap\">\(escapeXML($0.1))</span>"] }
    var out = table.render()
    out += "<h3>How to run it again</h3>\n"
    if let manifest = view.manifest { out += "<pre>\(escapeXML(manifest.command))</pre>\n" }
    out += "<p>To judge what was recorded once more, without running anything:</p>\n"
    out += "<pre>stormproof check \(escapeXML(view.directory))\nstormproof report \(escapeXML(view.directory))</pre>\n"
    return section("environment", "Environment", out)
  }
}
