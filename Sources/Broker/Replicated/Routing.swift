// Which queues a message goes to: exchanges with their bindings, and how topics match.

/// An exchange and the queues bound to it, in the order of binding.
final class Exchange {
  let definition: ExchangeDefinition
  private(set) var bindings: [(key: String, queue: QueueState)] = []
  private var byKey: [String: [QueueState]] = [:]
  private var patterns: [TopicPattern] = []

  init(_ definition: ExchangeDefinition) { self.definition = definition }

  func has(_ key: String, _ queue: QueueState) -> Bool { bindings.contains { $0.key == key && $0.queue === queue } }

  func bind(_ key: String, _ queue: QueueState) {
    guard !has(key, queue) else { return }
    bindings.append((key, queue))
    switch definition.kind {
    case .direct: byKey[key, default: []].append(queue)
    case .topic: patterns.append(TopicPattern(key))
    case .fanout: break
    }
  }

  func unbind(_ key: String, _ queue: QueueState) { remove { $0.key == key && $0.queue === queue } }
  func unbindAll(of queue: QueueState) { remove { $0.queue === queue } }

  private func remove(_ isMeant: ((key: String, queue: QueueState)) -> Bool) {
    bindings.removeAll(where: isMeant)
    byKey = [:]
    patterns = []
    for (key, queue) in bindings {
      switch definition.kind {
      case .direct: byKey[key, default: []].append(queue)
      case .topic: patterns.append(TopicPattern(key))
      case .fanout: break
      }
    }
  }

  /// The queues for a routing key, each once.
  func route(_ key: String) -> [QueueState] {
    switch definition.kind {
    case .direct: return byKey[key] ?? []
    case .fanout: return Self.unique(bindings.map(\.queue))
    case .topic:
      let words = TopicPattern.split(key)
      var matched: [QueueState] = []
      for (index, pattern) in patterns.enumerated() where pattern.matches(words) {
        matched.append(bindings[index].queue)
      }
      return Self.unique(matched)
    }
  }

  private static func unique(_ queues: [QueueState]) -> [QueueState] {
    var seen: Set<UInt32> = []
    return queues.filter { seen.insert($0.id).inserted }
  }
}

/// A binding key of a topic exchange: words between dots, where `*` stands for one word and `#` for any number.
struct TopicPattern {
  private let words: [Substring]

  init(_ key: String) { words = Self.split(key) }

  /// The words of a key; the empty key has one, which is empty.
  static func split(_ key: String) -> [Substring] { key.split(separator: ".", omittingEmptySubsequences: false) }

  func matches(_ key: String) -> Bool { matches(Self.split(key)) }

  /// One row of the usual dynamic programme: which prefixes of the key the pattern so far can match.
  func matches(_ key: [Substring]) -> Bool {
    var reached = [Bool](repeating: false, count: key.count + 1)
    reached[0] = true
    for word in words {
      if word == "#" {
        for index in key.indices where reached[index] { reached[index + 1] = true }
      } else {
        for index in key.indices.reversed() {
          reached[index + 1] = reached[index] && (word == "*" || word == key[index])
        }
        reached[0] = false
      }
    }
    return reached[key.count]
  }
}
