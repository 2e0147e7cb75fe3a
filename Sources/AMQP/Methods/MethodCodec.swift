// Reading and writing the payload of a method frame: class id, method id, arguments.

extension Method {
  /// Reads the payload of a method frame.
  /// - Throws: 503 for an unknown class or method, 502 for arguments that do not fit it.
  public init(payload: UnsafeRawBufferPointer) throws(AMQPError) {
    var reader = ByteReader(payload)
    let raw: UInt32 = try reader.read()
    guard let id = MethodID(rawValue: raw) else {
      throw AMQPError(.commandInvalid, "unknown method \(raw >> 16).\(raw & 0xffff)")
    }
    do throws(AMQPError) {
      self = try Self.arguments(of: id, &reader)
      try reader.finish()
    } catch {
      var error = error
      error.method = id
      throw error
    }
  }

  private static func arguments(of id: MethodID, _ reader: inout ByteReader) throws(AMQPError) -> Method {
    switch id {
    case .connectionStart: return .connectionStart(try fields(&reader))
    case .connectionStartOk: return .connectionStartOk(try fields(&reader))
    case .connectionSecure: return .connectionSecure(try fields(&reader))
    case .connectionSecureOk: return .connectionSecureOk(try fields(&reader))
    case .connectionTune: return .connectionTune(try fields(&reader))
    case .connectionTuneOk: return .connectionTuneOk(try fields(&reader))
    case .connectionOpen: return .connectionOpen(try fields(&reader))
    case .connectionOpenOk:
      try reader.reservedShortString()
      return .connectionOpenOk
    case .connectionClose: return .connectionClose(try fields(&reader))
    case .connectionCloseOk: return .connectionCloseOk
    case .connectionBlocked: return .connectionBlocked(try fields(&reader))
    case .connectionUnblocked: return .connectionUnblocked
    case .connectionUpdateSecret: return .connectionUpdateSecret(try fields(&reader))
    case .connectionUpdateSecretOk: return .connectionUpdateSecretOk
    case .channelOpen:
      try reader.reservedShortString()
      return .channelOpen
    case .channelOpenOk:
      _ = try reader.longBytes()
      return .channelOpenOk
    case .channelFlow: return .channelFlow(try fields(&reader))
    case .channelFlowOk: return .channelFlowOk(try fields(&reader))
    case .channelClose: return .channelClose(try fields(&reader))
    case .channelCloseOk: return .channelCloseOk
    case .exchangeDeclare: return .exchangeDeclare(try fields(&reader))
    case .exchangeDeclareOk: return .exchangeDeclareOk
    case .exchangeDelete: return .exchangeDelete(try fields(&reader))
    case .exchangeDeleteOk: return .exchangeDeleteOk
    case .exchangeBind: return .exchangeBind(try fields(&reader))
    case .exchangeBindOk: return .exchangeBindOk
    case .exchangeUnbind: return .exchangeUnbind(try fields(&reader))
    case .exchangeUnbindOk: return .exchangeUnbindOk
    case .queueDeclare: return .queueDeclare(try fields(&reader))
    case .queueDeclareOk: return .queueDeclareOk(try fields(&reader))
    case .queueBind: return .queueBind(try fields(&reader))
    case .queueBindOk: return .queueBindOk
    case .queuePurge: return .queuePurge(try fields(&reader))
    case .queuePurgeOk: return .queuePurgeOk(try fields(&reader))
    case .queueDelete: return .queueDelete(try fields(&reader))
    case .queueDeleteOk: return .queueDeleteOk(try fields(&reader))
    case .queueUnbind: return .queueUnbind(try fields(&reader))
    case .queueUnbindOk: return .queueUnbindOk
    case .basicQos: return .basicQos(try fields(&reader))
    case .basicQosOk: return .basicQosOk
    case .basicConsume: return .basicConsume(try fields(&reader))
    case .basicConsumeOk: return .basicConsumeOk(try fields(&reader))
    case .basicCancel: return .basicCancel(try fields(&reader))
    case .basicCancelOk: return .basicCancelOk(try fields(&reader))
    case .basicPublish: return .basicPublish(try fields(&reader))
    case .basicReturn: return .basicReturn(try fields(&reader))
    case .basicDeliver: return .basicDeliver(try fields(&reader))
    case .basicGet: return .basicGet(try fields(&reader))
    case .basicGetOk: return .basicGetOk(try fields(&reader))
    case .basicGetEmpty:
      try reader.reservedShortString()
      return .basicGetEmpty
    case .basicAck: return .basicAck(try fields(&reader))
    case .basicReject: return .basicReject(try fields(&reader))
    case .basicRecoverAsync: return .basicRecoverAsync(try fields(&reader))
    case .basicRecover: return .basicRecover(try fields(&reader))
    case .basicRecoverOk: return .basicRecoverOk
    case .basicNack: return .basicNack(try fields(&reader))
    case .confirmSelect: return .confirmSelect(noWait: try reader.read(UInt8.self) & 1 != 0)
    case .confirmSelectOk: return .confirmSelectOk
    case .txSelect: return .txSelect
    case .txSelectOk: return .txSelectOk
    case .txCommit: return .txCommit
    case .txCommitOk: return .txCommitOk
    case .txRollback: return .txRollback
    case .txRollbackOk: return .txRollbackOk
    }
  }

  @inline(__always)
  private static func fields<Fields: MethodFields>(_ reader: inout ByteReader) throws(AMQPError) -> Fields {
    var fields = Fields()
    try fields.visit(&reader)
    return fields
  }
}

extension ByteBuffer {
  /// Appends the payload of a method frame.
  mutating func append(method: Method) {
    append(method.id.rawValue)
    switch method {
    case .connectionStart(let fields): append(fields)
    case .connectionStartOk(let fields): append(fields)
    case .connectionSecure(let fields): append(fields)
    case .connectionSecureOk(let fields): append(fields)
    case .connectionTune(let fields): append(fields)
    case .connectionTuneOk(let fields): append(fields)
    case .connectionOpen(let fields): append(fields)
    case .connectionOpenOk: append(UInt8(0))  // reserved
    case .connectionClose(let fields): append(fields)
    case .connectionBlocked(let fields): append(fields)
    case .connectionUpdateSecret(let fields): append(fields)
    case .channelOpen: append(UInt8(0))  // reserved
    case .channelOpenOk: append(UInt32(0))  // reserved
    case .channelFlow(let fields): append(fields)
    case .channelFlowOk(let fields): append(fields)
    case .channelClose(let fields): append(fields)
    case .exchangeDeclare(let fields): append(fields)
    case .exchangeDelete(let fields): append(fields)
    case .exchangeBind(let fields): append(fields)
    case .exchangeUnbind(let fields): append(fields)
    case .queueDeclare(let fields): append(fields)
    case .queueDeclareOk(let fields): append(fields)
    case .queueBind(let fields): append(fields)
    case .queuePurge(let fields): append(fields)
    case .queuePurgeOk(let fields): append(fields)
    case .queueDelete(let fields): append(fields)
    case .queueDeleteOk(let fields): append(fields)
    case .queueUnbind(let fields): append(fields)
    case .basicQos(let fields): append(fields)
    case .basicConsume(let fields): append(fields)
    case .basicConsumeOk(let fields): append(fields)
    case .basicCancel(let fields): append(fields)
    case .basicCancelOk(let fields): append(fields)
    case .basicPublish(let fields): append(fields)
    case .basicReturn(let fields): append(fields)
    case .basicDeliver(let fields): append(fields)
    case .basicGet(let fields): append(fields)
    case .basicGetOk(let fields): append(fields)
    case .basicGetEmpty: append(UInt8(0))  // reserved
    case .basicAck(let fields): append(fields)
    case .basicReject(let fields): append(fields)
    case .basicRecoverAsync(let fields): append(fields)
    case .basicRecover(let fields): append(fields)
    case .basicNack(let fields): append(fields)
    case .confirmSelect(let noWait): append(UInt8(noWait ? 1 : 0))
    case .connectionCloseOk, .connectionUnblocked, .connectionUpdateSecretOk, .channelCloseOk, .exchangeDeclareOk,
      .exchangeDeleteOk, .exchangeBindOk, .exchangeUnbindOk, .queueBindOk, .queueUnbindOk, .basicQosOk, .basicRecoverOk,
      .confirmSelectOk, .txSelect, .txSelectOk, .txCommit, .txCommitOk, .txRollback, .txRollbackOk:
      break
    }
  }

  @inline(__always)
  private mutating func append<Fields: MethodFields>(_ fields: Fields) {
    var fields = fields
    do throws(AMQPError) {
      try fields.visit(&self)
    } catch {
      failure = failure ?? error
    }
  }
}
