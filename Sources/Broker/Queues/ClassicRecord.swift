// What one step did to the durable classic queues of a node, as one record: their only trace on disk.

/// A message's place in a queue.
struct Place: Hashable, Sendable {
  var queue: UInt32
  var position: UInt64

  static let size = 12
}

/// Persistent messages that came into durable queues, and those that were settled: all of it or nothing.
struct ClassicRecord {
  struct Arrival {
    var message: Message
    var places: [Place]
  }

  var arrivals: [Arrival] = []
  var settled: [Place] = []

  var isEmpty: Bool { arrivals.isEmpty && settled.isEmpty }

  init() {}

  init(_ data: [UInt8]) throws(DecodingError) {
    let result = data.withUnsafeBytes { bytes in
      Result { () throws(DecodingError) -> ClassicRecord in
        var scanner = ByteScanner(bytes)
        var record = ClassicRecord()
        for _ in 0..<(try scanner.takeCount(of: 4 + Message.smallest)) {
          let places = try scanner.takePlaces()
          record.arrivals.append(Arrival(message: try Message(&scanner, storage: data), places: places))
        }
        record.settled = try scanner.takePlaces()
        try scanner.finish()
        return record
      }
    }
    self = try result.get()
  }

  var encoded: [UInt8] {
    var writer = ByteWriter(capacity: arrivals.reduce(16) { $0 + $1.message.size + 64 } + settled.count * Place.size)
    writer.put(UInt32(truncatingIfNeeded: arrivals.count))
    for arrival in arrivals {
      writer.put(places: arrival.places)
      arrival.message.encode(into: &writer)
    }
    writer.put(places: settled)
    return writer.bytes
  }
}

extension ByteWriter {
  fileprivate mutating func put(places: [Place]) {
    put(UInt32(truncatingIfNeeded: places.count))
    for place in places {
      put(place.queue)
      put(place.position)
    }
  }
}

extension ByteScanner {
  fileprivate mutating func takePlaces() throws(DecodingError) -> [Place] {
    let count = try takeCount(of: Place.size)
    var places: [Place] = []
    places.reserveCapacity(count)
    for _ in 0..<count { places.append(Place(queue: try take(), position: try take())) }
    return places
  }
}

/// The messages of durable classic queues as the records of earlier starts left them, until the replicated state says
/// again which queues there are.
struct RecoveredQueues: Sendable {
  private var queues: [UInt32: Window<Message>] = [:]

  mutating func apply(_ record: ClassicRecord) throws(DecodingError) {
    for arrival in record.arrivals {
      for place in arrival.places {
        // What a record says may cost memory only in proportion to what it brings.
        let end = queues[place.queue]?.end ?? place.position
        guard place.position < 1 << 60, place.position <= end + (1 << 32) else {
          throw DecodingError("a message at \(place.position) of a queue that ends at \(end)")
        }
        if queues[place.queue] == nil { queues[place.queue] = Window(start: place.position) }
        queues[place.queue]?.append(arrival.message, at: place.position)
      }
    }
    for place in record.settled { queues[place.queue]?.remove(place.position) }
  }

  /// The messages of a queue; afterwards they are the caller's.
  mutating func take(_ queue: UInt32) -> Window<Message>? { queues.removeValue(forKey: queue) }
}
