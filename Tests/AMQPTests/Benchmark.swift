// What a message costs in both state machines, in nanoseconds. Only where asked for, and only in a release build:
//   STORMPROOF_BENCH=1 swift test -c release -Xswiftc -enable-testing --filter AMQPTests.Benchmark

import AMQP
import Glibc
import Testing

@Suite(.enabled(if: getenv("STORMPROOF_BENCH") != nil)) struct Benchmark {
  @Test func contentThroughBothMachines() throws {
    let client = ClientConnection(config: ClientConfig())
    let server = ServerConnection(config: ServerConfig { _, _ in true })
    var (published, delivered) = (0, 0)
    func up() {
      let used = client.output.withUnsafeBytes { server.receive($0) { if case .publish = $0 { published += 1 } } }
      client.output.removeFirst(used)
    }
    func down() {
      let used = server.output.withUnsafeBytes { client.receive($0) { if case .delivery = $0 { delivered += 1 } } }
      server.output.removeFirst(used)
    }
    for _ in 0..<4 {
      up()
      down()
    }
    try client.openChannel(1)
    up()
    down()
    let properties = try BasicProperties(deliveryMode: 2).encoded()
    let (rounds, batch) = (10_000, 50)
    for size in [16, 1024, 16384] {
      let body = [UInt8](repeating: 1, count: size)
      var spent = [Double](repeating: 0, count: 4)
      for _ in 0..<rounds {
        try properties.withUnsafeBytes { raw in
          try body.withUnsafeBytes { body in
            spent[0] += try time {
              for _ in 0..<batch {
                try client.publish(
                  channel: 1, exchange: "orders", routingKey: "order.17", mandatory: true, rawProperties: raw,
                  body: body)
              }
            }
            spent[1] += time { up() }
            spent[2] += time {
              for tag in 0..<UInt64(batch) {
                server.deliver(
                  channel: 1, consumerTag: "ctag1", deliveryTag: tag, redelivered: false, exchange: "orders",
                  routingKey: "order.17", rawProperties: raw, body: body)
              }
            }
            spent[3] += time { down() }
          }
        }
      }
      let each = spent.map { Int($0 / Double(rounds * batch)) }
      print("body \(size): publish \(each[0]) ns, its receipt \(each[1]), deliver \(each[2]), its receipt \(each[3])")
    }
    #expect(published == 3 * rounds * batch && delivered == published)
  }

  private func time(_ work: () throws -> Void) rethrows -> Double {
    func now() -> Double {
      var instant = timespec()
      clock_gettime(CLOCK_MONOTONIC, &instant)
      return Double(instant.tv_sec) * 1e9 + Double(instant.tv_nsec)
    }
    let start = now()
    try work()
    return now() - start
  }
}
