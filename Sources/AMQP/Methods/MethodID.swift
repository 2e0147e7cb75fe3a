// The number of every method on the wire: its class in the upper 16 bits, its own in the lower.

/// A method of AMQP 0-9-1 with the extensions of RabbitMQ; the raw value is class id << 16 | method id.
public enum MethodID: UInt32, CaseIterable, Sendable {
  case connectionStart = 0x000a_000a
  case connectionStartOk = 0x000a_000b
  case connectionSecure = 0x000a_0014
  case connectionSecureOk = 0x000a_0015
  case connectionTune = 0x000a_001e
  case connectionTuneOk = 0x000a_001f
  case connectionOpen = 0x000a_0028
  case connectionOpenOk = 0x000a_0029
  case connectionClose = 0x000a_0032
  case connectionCloseOk = 0x000a_0033
  case connectionBlocked = 0x000a_003c
  case connectionUnblocked = 0x000a_003d
  case connectionUpdateSecret = 0x000a_0046
  case connectionUpdateSecretOk = 0x000a_0047

  case channelOpen = 0x0014_000a
  case channelOpenOk = 0x0014_000b
  case channelFlow = 0x0014_0014
  case channelFlowOk = 0x0014_0015
  case channelClose = 0x0014_0028
  case channelCloseOk = 0x0014_0029

  case exchangeDeclare = 0x0028_000a
  case exchangeDeclareOk = 0x0028_000b
  case exchangeDelete = 0x0028_0014
  case exchangeDeleteOk = 0x0028_0015
  case exchangeBind = 0x0028_001e
  case exchangeBindOk = 0x0028_001f
  case exchangeUnbind = 0x0028_0028
  case exchangeUnbindOk = 0x0028_0033

  case queueDeclare = 0x0032_000a
  case queueDeclareOk = 0x0032_000b
  case queueBind = 0x0032_0014
  case queueBindOk = 0x0032_0015
  case queuePurge = 0x0032_001e
  case queuePurgeOk = 0x0032_001f
  case queueDelete = 0x0032_0028
  case queueDeleteOk = 0x0032_0029
  case queueUnbind = 0x0032_0032
  case queueUnbindOk = 0x0032_0033

  case basicQos = 0x003c_000a
  case basicQosOk = 0x003c_000b
  case basicConsume = 0x003c_0014
  case basicConsumeOk = 0x003c_0015
  case basicCancel = 0x003c_001e
  case basicCancelOk = 0x003c_001f
  case basicPublish = 0x003c_0028
  case basicReturn = 0x003c_0032
  case basicDeliver = 0x003c_003c
  case basicGet = 0x003c_0046
  case basicGetOk = 0x003c_0047
  case basicGetEmpty = 0x003c_0048
  case basicAck = 0x003c_0050
  case basicReject = 0x003c_005a
  case basicRecoverAsync = 0x003c_0064
  case basicRecover = 0x003c_006e
  case basicRecoverOk = 0x003c_006f
  case basicNack = 0x003c_0078

  case confirmSelect = 0x0055_000a
  case confirmSelectOk = 0x0055_000b

  case txSelect = 0x005a_000a
  case txSelectOk = 0x005a_000b
  case txCommit = 0x005a_0014
  case txCommitOk = 0x005a_0015
  case txRollback = 0x005a_001e
  case txRollbackOk = 0x005a_001f

  public init?(classId: UInt16, methodId: UInt16) {
    self.init(rawValue: UInt32(classId) << 16 | UInt32(methodId))
  }

  public var classId: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }
  public var methodId: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}
