// Which queues a published message certainly reaches, by AMQP's rules, found while planning.

/// A binding key of a topic exchange: words between dots, `*` for one word, `#` for any number.
enum TopicPattern {
  /// A key that the pattern matches, made by putting a word for each wildcard.
  static func example(_ pattern: String) -> String {
    words(pattern).map { $0 == "#" || $0 == "*" ? "created" : String($0) }.joined(separator: ".")
  }

  /// AMQP 0-9-1, section 3.1.3.3. Time is the product of both lengths, whatever the pattern.
  static func matches(_ pattern: String, _ key: String) -> Bool {
    let (pattern, key) = (words(pattern), words(key))
    // Whether the pattern so far matches the first j words of the key.
    var reached = [true] + Array(repeating: false, count: key.count)
    for part in pattern {
      var next = Array(repeating: false, count: key.count + 1)
      for j in 0...key.count {
        if part == "#" {
          next[j] = reached[j] || (j > 0 && next[j - 1])
        } else if j > 0, reached[j - 1] {
          next[j] = part == "*" || part == key[j - 1]
        }
      }
      reached = next
    }
    return reached[key.count]
  }

  private static func words(_ text: String) -> [Substring] {
    text.isEmpty ? [] : text.split(separator: ".", omittingEmptySubsequences: false)
  }
}

enum Routes {
  /// Every distinct place where a message reaches a queue: by exchange in the order of the file, then the queues that only
  /// the default exchange reaches.
  static func all(_ exchanges: [ExchangePlan], _ queues: [Scenario.Queue]) -> [RoutePlan] {
    var routes: [RoutePlan] = []
    for exchange in exchanges {
      for binding in queues.flatMap(\.bind) where binding.exchange == exchange.name {
        let key = exchange.type == "topic" ? TopicPattern.example(binding.key) : binding.key
        // A fanout exchange ignores the key: one route, whatever the bindings say.
        let place = exchange.type == "fanout" ? "" : key
        if routes.contains(where: { $0.exchange == exchange.name && $0.key == place }) { continue }
        let to = queues.filter { $0.bind.contains { reaches($0, exchange, place) } }
        routes.append(RoutePlan(exchange: exchange.name, key: place, to: to.map(\.name)))
      }
    }
    for queue in queues where queue.bind.isEmpty {
      routes.append(RoutePlan(exchange: "", key: queue.name, to: [queue.name]))
    }
    return routes
  }

  private static func reaches(_ binding: BindingPlan, _ exchange: ExchangePlan, _ key: String) -> Bool {
    guard binding.exchange == exchange.name else { return false }
    switch exchange.type {
    case "fanout": return true
    case "topic": return TopicPattern.matches(binding.key, key)
    default: return binding.key == key
    }
  }
}
