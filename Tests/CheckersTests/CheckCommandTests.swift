// What `stormproof check` says of a history: the model, the verdict, the words; and what it refuses.

import Base
import History
import Testing

@testable import Checkers

@Suite struct CheckCommandTests {
  @Test func theCommandChoosesTheModelAndSaysWhy() throws {
    var plain = HistoryBuilder()
    plain.enqueue(1)
    plain.enqueue(2)
    plain.dequeue(2)
    plain.dequeue(1)
    let fifo = try CheckCommandCore.run(plain.history)
    #expect(fifo.model == .fifo && fifo.verdict == .violated && fifo.exitCode == 1)
    #expect(fifo.text().contains("out-of-order 1:1: dequeued after 1:2, which was enqueued later"))
    #expect(try CheckCommandCore.run(plain.history, model: .bag).exitCode == 0)
    #expect(CheckModel(name: "queue") == .fifo && CheckModel(name: "at-least-once") == .atLeastOnce)

    var lossy = HistoryBuilder()
    lossy.send(1)
    lossy.drained()
    let report = try CheckCommandCore.run(lossy.history)
    #expect(report.model == .atLeastOnce && report.exitCode == 1)
    #expect(report.text().contains("lost 1:1 in q: never delivered"))
    let json = String(decoding: report.json, as: UTF8.self)
    #expect(json.contains("\"verdict\" : \"violated\"") && json.contains("\"id\" : \"1:1\""))
    #expect(
      try CheckCommandCore.run(lossy.history, level: .low, options: DeliveryOptions(level: .medium)).exitCode == 0)

    let nothing = try CheckCommandCore.run(RecordedHistory(names: Names(), events: [], isComplete: true))
    #expect(nothing.exitCode == 3 && nothing.note != nil)
    let cut = RecordedHistory(names: plain.names, events: Array(plain.events.prefix(4)), isComplete: false)
    #expect(try CheckCommandCore.run(cut).exitCode == 3)
  }

  @Test func fifoOfDeliveriesIsJudgedQueueByQueue() throws {
    var builder = HistoryBuilder()
    builder.subscribe(1, "a")
    builder.subscribe(2, "b")
    builder.send(1, to: ["a", "b"])
    builder.send(2, to: ["a", "b"])
    for (session, queue, order) in [(UInt32(1), "a", [1, 2]), (2, "b", [2, 1])] {
      for (k, id) in order.enumerated() {
        builder.deliver(id, queue, session: session, tag: UInt64(k + 1))
        builder.ack(session: session, tag: UInt64(k + 1))
      }
    }
    let report = try CheckCommandCore.run(builder.history, model: .fifo)
    #expect(report.exitCode == 1)
    #expect(report.findings.map(\.queue) == ["b"])
    #expect(report.counts["enqueued"] == 4)
  }

  @Test func registersAndStoresAreToldApart() throws {
    var one = RegisterStory()
    one.write(1)
    one.read(0)
    let register = try CheckCommandCore.run(one.history)
    #expect(register.model == .register && register.exitCode == 1)
    #expect(register.text().contains("stale-read 0: there before 1 came and read again after 1 had taken its place"))
    #expect(register.text().contains("(0.0 to 0.003 s, events 0 1 2 3)"))
    #expect(try CheckCommandCore.run(one.history, model: .keyValue).exitCode == 1)
    var many = RegisterStory()
    many.write(1, key: 7)
    many.read(3, key: 7)
    let store = try CheckCommandCore.run(many.history)
    #expect(store.model == .keyValue && store.exitCode == 1)
    #expect(store.text().contains("unexpected 3 under the key 7: read, and not written before that read returned"))
    #expect(String(decoding: store.json, as: UTF8.self).contains("\"key\" : 7"))
    var swaps = RegisterStory()
    swaps.swap(0, 5)
    swaps.swap(5, 6)
    #expect(try CheckCommandCore.run(swaps.history).exitCode == 0)
    let cut = try CheckCommandCore.run(swaps.history, budget: SearchBudget(steps: 1))
    #expect(cut.exitCode == 3 && cut.text().contains("ran out of time, steps or memory"))
  }

  @Test func theCornerOfQueuesIsDecidedWithinItsBudget() throws {
    var builder = HistoryBuilder()
    builder.enqueue(1)
    builder.dequeue(nil, .info)
    builder.dequeue(1, .info)
    builder.dequeue(nil)
    #expect(try CheckCommandCore.run(builder.history).exitCode == 0)
    let cut = try CheckCommandCore.run(builder.history, budget: SearchBudget(steps: 1))
    #expect(cut.exitCode == 3 && cut.text().contains("a search ran out of time, steps or memory"))
  }

  @Test func whatIsNoneOfTheModelsIsRefused() throws {
    var queue = HistoryBuilder()
    queue.fault("f", .invoke)
    queue.enqueue(1)
    var register = RegisterStory()
    register.write(1)
    register.read(1, key: 4)
    var mixed = queue
    mixed.send(1)
    func refusal(_ history: RecordedHistory, _ model: CheckModel?) -> String? {
      do throws(ModelMismatch) {
        _ = try CheckCommandCore.run(history, model: model)
        return nil
      } catch {
        return error.description
      }
    }
    #expect(
      refusal(queue.history, .keyValue) == "event 1 is enqueue, expected read, write or cas for the model kv")
    #expect(refusal(queue.history, .fifo) == nil)
    #expect(refusal(mixed.history, nil) == "event 3 is publish, expected enqueue or dequeue for the model fifo")
    #expect(
      refusal(register.history, .register)
        == "event 2 is read of the key 4, expected read, write or cas for the model register without a key; kv is the "
        + "model with keys")
    #expect(refusal(register.history, .bag) == "event 0 is write, expected enqueue or dequeue for the model bag")
    #expect(refusal(register.history, .atLeastOnce)?.hasPrefix("event 0 is write, expected publish, ") == true)
    // Every model has its row, and every function of a row a word.
    #expect(Set(CheckTable.rows.map(\.model)).union([.kafka, .saga, .transform]) == Set(CheckModel.allCases))
    #expect(refusal(queue.history, .kafka) == "events, expected transactions for the model kafka")
    #expect(
      refusal(queue.history, .saga) == "events, expected orders and what services did for them for the model saga")
    #expect(
      refusal(queue.history, .transform) == "events, expected inputs, outputs and transactions for the model transform")
  }
}
