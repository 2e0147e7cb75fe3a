// The leader's part alone, told by messages what front ends say: what it proposes, what it hands out, what it refuses.
import AMQP
import Base
import Testing

@testable import Broker

/// A master that leads three nodes, with one quorum queue of five messages; what it posts to node 1 is read back.
private final class Bench: StateObserver {
  let board = Switchboard(own: 0, members: 3)
  private(set) var state: ReplicatedState?
  private(set) var master: Master?
  private var batches: [UInt64] = [0, 0, 0]

  init() throws {
    let state = ReplicatedState(members: 3, observer: self)
    self.state = state
    let config = try #require(BrokerConfig(name: "a", members: ["a", "b", "c"], seed: 1))
    let master = Master(board: board, state: state, config: config, recovered: RecoveredQueues())
    self.master = master
    board.linkUp(1)
    board.linkUp(2)
    state.apply(
      batch(
        0,
        [
          .declareQueue(
            QueueDefinition(name: "q", kind: .quorum, isDurable: true, isAutoDelete: false, home: 0))
        ]))
    state.apply(batch(0, (1...5).map { _ in .enqueue(Enqueue(message: Self.message, queues: [1])) }))
    master.startServing(term: 1)
    _ = posted()
  }

  static let message: Message = [UInt8](arrayLiteral: 0, 0).withUnsafeBytes {
    Message(exchange: "", routingKey: "q", isPersistent: true, properties: $0, body: $0)
  }

  func batch(_ node: Int, number: UInt64? = nil, _ operations: [Operation]) -> [UInt8] {
    batches[node] = number ?? batches[node] + 1
    let hasSettlements = operations.contains {
      switch $0 {
      case .settle, .transaction: true
      default: false
      }
    }
    return RequestBatch(
      origin: node, incarnation: 1, number: batches[node], hasSettlements: hasSettlements, operations: operations
    ).encoded
  }

  /// Positions that were delivered, with the flag, by node and attachment.
  func posted() -> [String] {
    master?.dispatch()
    var frames: [PeerFrame] = []
    board.takeFrames(into: &frames)
    var result: [String] = []
    for frame in frames {
      try? frame.payload.withUnsafeBytes {
        try Switchboard.read($0) { message in
          if case .deliver(let attachment, _, let position, let isRedelivered, _) = message {
            result.append("\(frame.node).\(attachment) \(position)\(isRedelivered ? " again" : "")")
          }
        }
      }
    }
    return result
  }

  func proposed() -> [Operation] {
    defer { master?.proposals = [] }
    return (master?.proposals ?? []).flatMap { data -> [Operation] in
      guard case .requests(let batch)? = try? EntryPayload(data) else { return [] }
      return batch.operations
    }
  }

  func attach(_ node: Int, _ number: UInt64, credit: UInt32) {
    master?.receive(.attach(attachment: number, queue: 1, noAck: false, exclusive: false, credit: credit), from: node)
  }

  func queueCreated(_ queue: QueueState) { master?.queueCreated(queue) }
  func queueDeleted(_ queue: QueueState) { master?.queueDeleted(queue) }
  func enqueued(_ queue: QueueState) { master?.enqueued(queue) }
  func removed(_ position: UInt64, from queue: QueueState) { master?.removed(position, from: queue) }
  func applied(_ batch: RequestBatch, results: [OperationResult]) {}
  func handedOut(_ handout: Handout, _ message: Message, _ queue: QueueState) {}
  func purged(_ purge: Purge, count: Int) {}
}

private func settle(_ position: UInt64, _ attachment: UInt64) -> Settlement {
  Settlement(queue: 1, position: position, attachment: attachment)
}

extension [Operation] {
  /// What they settle; "refused" for a refused transaction.
  fileprivate var settled: [String] {
    flatMap { operation -> [String] in
      switch operation {
      case .settle(let settlements), .transaction(_, let settlements): settlements.map { "\($0.position)" }
      case .refused: ["refused"]
      default: []
      }
    }
  }
}

@Suite struct MasterTests {
  @Test func inTurnAndAsFarAsTheCreditGoes() throws {
    let bench = try Bench()
    bench.attach(1, 7, credit: 2)
    bench.attach(2, 8, credit: 1)
    #expect(bench.posted() == ["1.7 0 again", "1.7 2 again", "2.8 1 again"])
    bench.master?.receive(.credit(attachment: 8, 1), from: 2)
    #expect(bench.posted() == ["2.8 3 again"])
    // A new message was served by no leader before this one.
    bench.state?.apply(bench.batch(0, [.enqueue(Enqueue(message: Bench.message, queues: [1]))]))
    bench.master?.receive(.credit(attachment: 7, 5), from: 1)
    #expect(bench.posted() == ["1.7 4 again", "1.7 5"])
  }

  @Test func onlyTheHolderSettles() throws {
    let bench = try Bench()
    bench.attach(1, 7, credit: 3)
    _ = bench.posted()
    bench.master?.receive(.propose(bench.batch(2, [.settle([settle(0, 7)])])), from: 2)  // another node
    bench.master?.receive(.propose(bench.batch(1, [.settle([settle(0, 6), settle(1, 7), settle(1, 7)])])), from: 1)
    bench.master?.receive(.propose(bench.batch(1, [.settle([settle(3, 7)])])), from: 1)  // not handed out
    #expect(bench.proposed().settled == ["1"])
    // What is being settled does not go back with the rest.
    bench.master?.receive(.detach(attachment: 7), from: 1)
    bench.attach(2, 8, credit: 9)
    #expect(bench.posted() == ["2.8 0 again", "2.8 2 again", "2.8 3 again", "2.8 4 again"])
  }

  @Test func aTransactionIsTakenWholeOrRefused() throws {
    let bench = try Bench()
    bench.attach(1, 7, credit: 3)
    _ = bench.posted()
    let enqueue = Enqueue(message: Bench.message, queues: [1])
    bench.master?.receive(.propose(bench.batch(1, [.transaction([enqueue], [settle(0, 7), settle(4, 7)])])), from: 1)
    #expect(bench.proposed().settled == ["refused"])
    bench.master?.receive(.propose(bench.batch(1, [.transaction([enqueue], [settle(0, 7), settle(1, 7)])])), from: 1)
    #expect(bench.proposed().settled == ["0", "1"])
  }

  @Test func requestsAreProposedInOrderAndOnce() throws {
    let bench = try Bench()
    func propose(_ number: UInt64) {
      bench.master?.receive(.propose(bench.batch(1, number: number, [.nothing])), from: 1)
    }
    for number: UInt64 in [2, 1, 1, 3, 2, 2, 3] { propose(number) }
    let numbers = try bench.master?.proposals.map { try RequestBatch.Head(batch: $0).number }
    #expect(numbers == [1, 2, 3])
    _ = bench.proposed()
    bench.master?.receive(.propose(bench.batch(1, number: 4, [.nothing])), from: 2)  // not its own
    #expect(bench.proposed().isEmpty)
    bench.master?.stopServing()
    propose(4)
    #expect(bench.proposed().isEmpty)
  }

  /// The log itself takes each batch once, whatever leaders propose.
  @Test func theStateTakesEachBatchOnceAndInOrder() throws {
    let bench = try Bench()
    let queue = try #require(bench.state?.queues["q"])
    func apply(_ number: UInt64) {
      bench.state?.apply(bench.batch(1, number: number, [.enqueue(Enqueue(message: Bench.message, queues: [1]))]))
    }
    for number: UInt64 in [1, 1, 3, 2, 2, 1, 3] { apply(number) }
    #expect(queue.messages.count == 8)
  }

  @Test func aResetGivesBackOnlyWhatTheNodeHeld() throws {
    let bench = try Bench()
    bench.attach(1, 7, credit: 2)
    bench.attach(2, 8, credit: 1)
    _ = bench.posted()
    bench.master?.receive(.reset, from: 1)
    bench.attach(1, 9, credit: 9)
    #expect(bench.posted() == ["1.9 0 again", "1.9 2 again", "1.9 3 again", "1.9 4 again"])
    // The old attachment is nothing any more.
    bench.master?.receive(.requeue(attachment: 7, positions: [0]), from: 1)
    bench.master?.receive(.credit(attachment: 7, 9), from: 1)
    #expect(bench.posted().isEmpty)
  }
}

@Suite struct LedgerTests {
  /// Publishes are completed in a random order, a few fail; each is answered once and rightly.
  @Test(arguments: 1...20) func everyPublishIsAnsweredOnce(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var ledger = ConfirmLedger()
    var client = ConfirmTracker<UInt64>()
    var open: [UInt64] = []
    var (acknowledged, refused): ([UInt64], [UInt64]) = ([], [])
    var wanted: [UInt64: Bool] = [:]
    for _ in 0..<300 {
      for _ in 0..<generator.below(4) {
        let parts = generator.below(3)
        let tag = ledger.append(parts: parts)
        #expect(client.append(tag) == tag)
        if parts == 0 { wanted[tag] = true }
        open += Array(repeating: tag, count: parts)
      }
      while !open.isEmpty, generator.chance(0.6) {
        let tag = open.remove(at: generator.below(open.count))
        if generator.chance(0.1) {
          ledger.fail(tag)
          open.removeAll { $0 == tag }
          wanted[tag] = false
        } else {
          ledger.complete(tag)
          if !open.contains(tag) { wanted[tag] = true }
        }
      }
      var failure: AMQPError?
      ledger.takeAnswers { method in
        var settled: [ConfirmTracker<UInt64>.Settled] = []
        do throws(AMQPError) {
          switch method {
          case .basicAck(let ack):
            try client.settle(tag: ack.deliveryTag, multiple: ack.multiple, into: &settled)
            acknowledged += settled.map(\.element)
          case .basicNack(let nack):
            try client.settle(tag: nack.deliveryTag, multiple: nack.multiple, into: &settled)
            refused += settled.map(\.element)
          default: break
          }
        } catch {
          failure = error
        }
      }
      #expect(failure == nil)
      #expect(client.outstanding == Set(open).count)
    }
    #expect(acknowledged.sorted() == wanted.filter(\.value).keys.sorted())
    #expect(refused.sorted() == wanted.filter { !$0.value }.keys.sorted())
    #expect(!refused.isEmpty)
  }
}

@Suite struct WindowTests {
  @Test(arguments: 1...20) func likeADictionary(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var window = Window<Int>(start: 5)
    var model: [UInt64: Int] = [:]
    var end: UInt64 = 5
    for step in 0..<2000 {
      switch generator.below(4) {
      case 0, 1:
        if generator.chance(0.1) { end += UInt64(generator.below(3)) }
        window.append(step, at: end)
        model[end] = step
        end += 1
      case 2:
        let number = generator.chance(0.5) ? window.start : UInt64(generator.below(Int(end) + 3))
        #expect(window.remove(number) == model.removeValue(forKey: number))
      default:
        let number = UInt64(generator.below(Int(end) + 3))
        #expect(window[number] == model[number])
        #expect(window.next(from: number) == model.keys.filter { $0 >= number }.min())
      }
      #expect(window.count == model.count && window.end == end)
      #expect(window.start == model.keys.min() ?? end || window.start <= model.keys.min() ?? end)
    }
  }
}
