// Values for the tests: one of every method and of every table type, and helpers to write and read frames.
@testable import AMQP

let everyFieldType: Table = [
  "bool": true, "int8": .int8(-8), "uint8": .uint8(200), "int16": .int16(-3000), "uint16": .uint16(65000),
  "int32": .int32(-70000), "uint32": .uint32(4_000_000_000), "int64": -5_000_000_000, "float": .float(1.5),
  "double": .double(-2.25), "decimal": .decimal(scale: 2, value: 12345), "string": "täglich",
  "array": .array([1, "two", .array([]), .table(["three": .void])]), "timestamp": .timestamp(1_700_000_000),
  "table": .table(["inner": .table([:])]), "void": .void, "bytes": .bytes([0, 255, 128]),
]

let everyMethod: [Method] = [
  .connectionStart(ConnectionStart(serverProperties: everyFieldType)),
  .connectionStartOk(ConnectionStartOk(clientProperties: ["product": "test"], response: Array("\0guest\0guest".utf8))),
  .connectionSecure(ConnectionSecure(challenge: [1, 2, 3])),
  .connectionSecureOk(ConnectionSecureOk(response: [4, 5])),
  .connectionTune(ConnectionTune(channelMax: 2047, frameMax: 131_072, heartbeat: 60)),
  .connectionTuneOk(ConnectionTuneOk(channelMax: 1, frameMax: 4096, heartbeat: 0)),
  .connectionOpen(ConnectionOpen(virtualHost: "/")),
  .connectionOpenOk,
  .connectionClose(ConnectionClose(replyCode: .connectionForced, replyText: "bye", classId: 10, methodId: 40)),
  .connectionCloseOk,
  .connectionBlocked(ConnectionBlocked(reason: "low on disk")),
  .connectionUnblocked,
  .connectionUpdateSecret(ConnectionUpdateSecret(secret: [9], reason: "renewed")),
  .connectionUpdateSecretOk,
  .channelOpen,
  .channelOpenOk,
  .channelFlow(ChannelFlow(active: true)),
  .channelFlowOk(ChannelFlowOk(active: false)),
  .channelClose(ChannelClose(replyCode: .notFound, replyText: "no queue 'q'", classId: 50, methodId: 10)),
  .channelCloseOk,
  .exchangeDeclare(
    ExchangeDeclare(exchange: "orders", type: "topic", durable: true, noWait: true, arguments: ["x": 1])),
  .exchangeDeclareOk,
  .exchangeDelete(ExchangeDelete(exchange: "orders", ifUnused: true)),
  .exchangeDeleteOk,
  .exchangeBind(ExchangeBind(destination: "a", source: "b", routingKey: "#")),
  .exchangeBindOk,
  .exchangeUnbind(ExchangeUnbind(destination: "a", source: "b", routingKey: "#", noWait: true)),
  .exchangeUnbindOk,
  .queueDeclare(
    QueueDeclare(queue: "q", passive: true, exclusive: true, noWait: true, arguments: ["x-queue-type": "quorum"])),
  .queueDeclareOk(QueueDeclareOk(queue: "q", messageCount: 7, consumerCount: 2)),
  .queueBind(QueueBind(queue: "q", exchange: "orders", routingKey: "order.#", noWait: true)),
  .queueBindOk,
  .queuePurge(QueuePurge(queue: "q", noWait: true)),
  .queuePurgeOk(QueuePurgeOk(messageCount: 12)),
  .queueDelete(QueueDelete(queue: "q", ifUnused: true, ifEmpty: false, noWait: true)),
  .queueDeleteOk(QueueDeleteOk(messageCount: 3)),
  .queueUnbind(QueueUnbind(queue: "q", exchange: "orders", routingKey: "order.#", arguments: ["y": false])),
  .queueUnbindOk,
  .basicQos(BasicQos(prefetchCount: 20, isGlobal: true)),
  .basicQosOk,
  .basicConsume(BasicConsume(queue: "q", consumerTag: "c", noAck: true, arguments: ["x-priority": 5])),
  .basicConsumeOk(BasicConsumeOk(consumerTag: "c")),
  .basicCancel(BasicCancel(consumerTag: "c", noWait: true)),
  .basicCancelOk(BasicCancelOk(consumerTag: "c")),
  .basicPublish(BasicPublish(exchange: "orders", routingKey: "order.1", mandatory: true)),
  .basicReturn(BasicReturn(replyCode: .noRoute, replyText: "NO_ROUTE", exchange: "orders", routingKey: "nowhere")),
  .basicDeliver(BasicDeliver(consumerTag: "c", deliveryTag: 1 << 40, redelivered: true, exchange: "", routingKey: "q")),
  .basicGet(BasicGet(queue: "q", noAck: true)),
  .basicGetOk(BasicGetOk(deliveryTag: 3, exchange: "e", routingKey: "k", messageCount: 9)),
  .basicGetEmpty,
  .basicAck(BasicAck(deliveryTag: .max, multiple: true)),
  .basicReject(BasicReject(deliveryTag: 1, requeue: true)),
  .basicRecoverAsync(BasicRecoverAsync(requeue: true)),
  .basicRecover(BasicRecover(requeue: false)),
  .basicRecoverOk,
  .basicNack(BasicNack(deliveryTag: 5, multiple: false, requeue: true)),
  .confirmSelect(noWait: true),
  .confirmSelectOk,
  .txSelect, .txSelectOk, .txCommit, .txCommitOk, .txRollback, .txRollbackOk,
]

var fullProperties: BasicProperties {
  var properties = BasicProperties()
  properties.contentType = "application/json"
  properties.contentEncoding = "identity"
  properties.headers = everyFieldType
  properties.deliveryMode = 2
  properties.priority = 9
  properties.correlationId = "c-1"
  properties.replyTo = "amq.reply"
  properties.expiration = "60000"
  properties.messageId = "m-1"
  properties.timestamp = 1_700_000_000
  properties.type = "t"
  properties.userId = "guest"
  properties.appId = "stormproof"
  properties.clusterId = "n1"
  return properties
}

/// A method frame as it stands on the wire.
func frameBytes(_ method: Method, channel: UInt16 = 0, frameMax: Int = 131_072) throws -> [UInt8] {
  var buffer = ByteBuffer()
  try buffer.append(method: method, channel: channel, frameMax: frameMax)
  return buffer.takeAll()
}

func firstFrame(_ bytes: [UInt8], frameMax: Int = 131_072) throws -> (FrameKind, UInt16, [UInt8])? {
  try bytes.withUnsafeBytes { raw in
    try Frame.parse(raw, at: 0, frameMax: frameMax).map { ($0.kind, $0.channel, Array($0.payload)) }
  }
}

func method(of payload: [UInt8]) throws -> Method { try payload.withUnsafeBytes { try Method(payload: $0) } }

/// The payloads of a run of frames.
func frames(_ bytes: [UInt8], frameMax: Int = 131_072) throws -> [(FrameKind, UInt16, [UInt8])] {
  try bytes.withUnsafeBytes { raw in
    var result: [(FrameKind, UInt16, [UInt8])] = []
    var offset = 0
    while let frame = try Frame.parse(raw, at: offset, frameMax: frameMax) {
      result.append((frame.kind, frame.channel, Array(frame.payload)))
      offset += frame.size
    }
    return result
  }
}
