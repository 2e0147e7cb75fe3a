// What `stormproof check FILE --json` prints, as a JSON Schema: for programs that read it.

/// The schema of `CheckReport` (JSON Schema, draft 7).
public enum CheckSchema {
  /// Ends in a newline.
  public static var text: String {
    """
    {
      "$schema": "http://json-schema.org/draft-07/schema#",
      "title": "stormproof check",
      "description": "The outcome of a check of one history. The exit status is 0 for valid, 1 for violated, 3 for undecided.",
      "type": "object",
      "additionalProperties": false,
      "required": ["model", "verdict", "events", "counts", "summary", "findings"],
      "properties": {
        "model": {
          "description": "What the history was held against.",
          "enum": [\(words(CheckModel.allCases.map(\.rawValue)))]
        },
        "level": {
          "description": "The reliability level by which deliveries were judged.",
          "enum": [\(words(ReliabilityLevel.allCases.map(\.rawValue)))]
        },
        "verdict": {
          "description": "Violated before undecided before valid.",
          "enum": [\(words([HistoryVerdict.valid, .violated, .undecided].map(\.rawValue)))]
        },
        "note": {"description": "Why it is undecided, in words.", "type": "string"},
        "events": {"description": "Events of the history.", "type": "integer", "minimum": 0},
        "zeros": {
          "description": "Of drained deliveries, what each 0 is worth, at 95 %: by faults, if the broker felt each, and by messages, were they independent.",
          "type": "object",
          "additionalProperties": false,
          "required": ["faults", "messages"],
          "properties": {
            "faults": {"description": "Faults that began.", "type": "integer", "minimum": 0},
            "messages": {"description": "Messages acknowledged.", "type": "integer", "minimum": 1},
            "upper95-per-fault": {"description": "At most this share of such faults does it.", "type": "number", "minimum": 0},
            "upper95-per-message": {"description": "At most this share of messages meets it.", "type": "number", "minimum": 0}
          }
        },
        "losses": {
          "description": "Of deliveries, where the lost ones lie, in each producer's sequence and in time.",
          "type": "object",
          "additionalProperties": false,
          "required": ["prefix", "middle", "tail", "seconds"],
          "properties": {
            "prefix": {"description": "Before the first that was taken.", "type": "integer", "minimum": 0},
            "middle": {"description": "Between others that were taken.", "type": "integer", "minimum": 0},
            "tail": {"description": "After the last that was taken.", "type": "integer", "minimum": 0},
            "seconds": {
              "description": "By when they were published, in whole seconds from the first event.",
              "type": "array",
              "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["second", "count"],
                "properties": {
                  "second": {"type": "integer", "minimum": 0}, "count": {"type": "integer", "minimum": 1}
                }
              }
            }
          }
        },
        "order": {
          "description": "Of deliveries, first ones that were sent after one of the same channel that was published later had been read, whatever the session; missing where there are none and no keys.",
          "type": "object",
          "additionalProperties": false,
          "required": ["queues", "keys", "keys-out-of-order", "keys-used"],
          "properties": {
            "queues": {
              "type": "array",
              "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["queue", "count"],
                "properties": {"queue": {"type": "string"}, "count": {"type": "integer", "minimum": 1}}
              }
            },
            "keys": {
              "description": "After one of the same key; the first thousand keys.",
              "type": "array",
              "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["key", "count"],
                "properties": {"key": {"type": "integer", "minimum": 1}, "count": {"type": "integer", "minimum": 1}}
              }
            },
            "keys-out-of-order": {"type": "integer", "minimum": 0},
            "keys-used": {"description": "All keys under which something was published.", "type": "integer", "minimum": 0}
          }
        },
        "availability": {
          "description": "Of deliveries, how long the service was away as its clients saw it, in seconds; without confirms a message counts as confirmed when it was sent.",
          "type": "object",
          "additionalProperties": false,
          "required": ["longest-outage-s", "longest-delivery-outage-s", "recoveries"],
          "properties": {
            "longest-outage-s": {"description": "Without a confirm, from the first publish to the last.", "type": "number", "minimum": 0},
            "longest-delivery-outage-s": {"description": "Without a delivery, meanwhile.", "type": "number", "minimum": 0},
            "recoveries": {
              "description": "A fault each; what is missing was never seen.",
              "type": "array",
              "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["fault"],
                "properties": {
                  "fault": {"type": "string"},
                  "first-confirm-after-begin-s": {"description": "Of what was published after the fault began.", "type": "number", "minimum": 0},
                  "first-delivery-after-begin-s": {"description": "Of what was published after the fault began.", "type": "number", "minimum": 0},
                  "first-confirm-s": {"description": "After the heal, of what was published after it.", "type": "number", "minimum": 0},
                  "first-delivery-s": {"description": "After the heal.", "type": "number", "minimum": 0},
                  "latency-back-s": {"description": "After the heal, until 99 % took at most twice the 99th percentile of the time before the first fault.", "type": "number", "minimum": 0},
                  "backlog-drained-s": {"description": "After the heal, until no more messages were on their way than at most before the first fault.", "type": "number", "minimum": 0}
                }
              }
            }
          }
        },
        "counts": {
          "description": "What was counted, by name; the names depend on the model.",
          "type": "object",
          "additionalProperties": {"type": "integer", "minimum": 0}
        },
        "summary": {
          "description": "Every finding that the model knows, found or not.",
          "type": "array",
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "count", "isViolation", "undecided"],
            "properties": {
              "name": {"type": "string"},
              "count": {"description": "All of them, more than findings lists.", "type": "integer", "minimum": 0},
              "isViolation": {"description": "Whether one of them violates what is promised.", "type": "boolean"},
              "undecided": {"description": "What only an unfinished drain excuses.", "type": "integer", "minimum": 0}
            }
          }
        },
        "findings": {
          "description": "The first findings of each name, violations or not.",
          "type": "array",
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "window", "events", "reason"],
            "properties": {
              "name": {"type": "string"},
              "id": {"description": "The message or value, PRODUCER:SEQUENCE or SEQUENCE.", "type": "string"},
              "attempt": {"type": "integer", "minimum": 0},
              "transaction": {"type": "integer", "minimum": 1},
              "queue": {"type": "string"},
              "key": {"description": "Of a key-value store.", "type": "integer", "minimum": 0},
              "acknowledged-by": {"description": "The node that acknowledged it.", "type": "string"},
              "window": {
                "description": "From when to when, in seconds from the first event.",
                "type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2
              },
              "events": {
                "description": "The events that show it, by number from 0.",
                "type": "array", "items": {"type": "integer", "minimum": 0}
              },
              "reason": {"type": "string"},
              "lanes": {
                "description": "With --explain: the few operations that contradict each other, a row a client, faults last.",
                "type": "object",
                "additionalProperties": false,
                "required": ["sentence", "rows"],
                "properties": {
                  "sentence": {"type": "string"},
                  "rows": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "additionalProperties": false,
                      "required": ["name", "intervals"],
                      "properties": {
                        "name": {"type": "string"},
                        "intervals": {"description": "By begin, in seconds.", "type": "array", "items": \(interval(indent: 26))}
                      }
                    }
                  }
                }
              }
            }
          }
        },
        "transactions": {
          "description": "Of transactions: what the broker was allowed, which orders were claimed, and the bounds of the check.",
          "type": "object",
          "additionalProperties": false,
          "required": ["allowances", "usesProcessOrder", "usesRealTime", "pollsReachEnd", "findingLimit", "searchLimit"],
          "properties": {
            "allowances": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "usesProcessOrder": {"type": "boolean"},
            "usesRealTime": {"type": "boolean"},
            "pollsReachEnd": {"type": "boolean"},
            "findingLimit": {"type": "integer", "minimum": 0},
            "searchLimit": {"type": "integer", "minimum": 0}
          }
        }
      }
    }

    """
  }

  private static func interval(indent: Int) -> String {
    let text = """
      {
        "type": "object",
        "additionalProperties": false,
        "required": ["begin", "label", "role", "ending"],
        "properties": {
          "begin": {"type": "number"},
          "end": {"description": "Missing where the ending is open.", "type": "number"},
          "label": {"type": "string"},
          "role": {"enum": ["put", "take", "transaction", "drain", "fault", "other"]},
          "ending": {"enum": ["ok", "failed", "open"]}
        }
      }
      """
    return text.split(separator: "\n").joined(separator: "\n" + String(repeating: " ", count: indent))
  }

  private static func words(_ words: [String]) -> String { words.map { "\"\($0)\"" }.joined(separator: ", ") }
}
