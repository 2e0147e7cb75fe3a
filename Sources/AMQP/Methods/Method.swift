// Every method as one value, read from and written to the payload of a method frame.

/// A method of AMQP 0-9-1 with its arguments.
public enum Method: Equatable, Sendable {
  case connectionStart(ConnectionStart)
  case connectionStartOk(ConnectionStartOk)
  case connectionSecure(ConnectionSecure)
  case connectionSecureOk(ConnectionSecureOk)
  case connectionTune(ConnectionTune)
  case connectionTuneOk(ConnectionTuneOk)
  case connectionOpen(ConnectionOpen)
  case connectionOpenOk
  case connectionClose(ConnectionClose)
  case connectionCloseOk
  case connectionBlocked(ConnectionBlocked)
  case connectionUnblocked
  case connectionUpdateSecret(ConnectionUpdateSecret)
  case connectionUpdateSecretOk

  case channelOpen
  case channelOpenOk
  case channelFlow(ChannelFlow)
  case channelFlowOk(ChannelFlowOk)
  case channelClose(ChannelClose)
  case channelCloseOk

  case exchangeDeclare(ExchangeDeclare)
  case exchangeDeclareOk
  case exchangeDelete(ExchangeDelete)
  case exchangeDeleteOk
  case exchangeBind(ExchangeBind)
  case exchangeBindOk
  case exchangeUnbind(ExchangeUnbind)
  case exchangeUnbindOk

  case queueDeclare(QueueDeclare)
  case queueDeclareOk(QueueDeclareOk)
  case queueBind(QueueBind)
  case queueBindOk
  case queuePurge(QueuePurge)
  case queuePurgeOk(QueuePurgeOk)
  case queueDelete(QueueDelete)
  case queueDeleteOk(QueueDeleteOk)
  case queueUnbind(QueueUnbind)
  case queueUnbindOk

  case basicQos(BasicQos)
  case basicQosOk
  case basicConsume(BasicConsume)
  case basicConsumeOk(BasicConsumeOk)
  case basicCancel(BasicCancel)
  case basicCancelOk(BasicCancelOk)
  case basicPublish(BasicPublish)
  case basicReturn(BasicReturn)
  case basicDeliver(BasicDeliver)
  case basicGet(BasicGet)
  case basicGetOk(BasicGetOk)
  case basicGetEmpty
  case basicAck(BasicAck)
  case basicReject(BasicReject)
  case basicRecoverAsync(BasicRecoverAsync)
  case basicRecover(BasicRecover)
  case basicRecoverOk
  case basicNack(BasicNack)

  case confirmSelect(noWait: Bool)
  case confirmSelectOk

  case txSelect
  case txSelectOk
  case txCommit
  case txCommitOk
  case txRollback
  case txRollbackOk

  public var id: MethodID {
    switch self {
    case .connectionStart: .connectionStart
    case .connectionStartOk: .connectionStartOk
    case .connectionSecure: .connectionSecure
    case .connectionSecureOk: .connectionSecureOk
    case .connectionTune: .connectionTune
    case .connectionTuneOk: .connectionTuneOk
    case .connectionOpen: .connectionOpen
    case .connectionOpenOk: .connectionOpenOk
    case .connectionClose: .connectionClose
    case .connectionCloseOk: .connectionCloseOk
    case .connectionBlocked: .connectionBlocked
    case .connectionUnblocked: .connectionUnblocked
    case .connectionUpdateSecret: .connectionUpdateSecret
    case .connectionUpdateSecretOk: .connectionUpdateSecretOk
    case .channelOpen: .channelOpen
    case .channelOpenOk: .channelOpenOk
    case .channelFlow: .channelFlow
    case .channelFlowOk: .channelFlowOk
    case .channelClose: .channelClose
    case .channelCloseOk: .channelCloseOk
    case .exchangeDeclare: .exchangeDeclare
    case .exchangeDeclareOk: .exchangeDeclareOk
    case .exchangeDelete: .exchangeDelete
    case .exchangeDeleteOk: .exchangeDeleteOk
    case .exchangeBind: .exchangeBind
    case .exchangeBindOk: .exchangeBindOk
    case .exchangeUnbind: .exchangeUnbind
    case .exchangeUnbindOk: .exchangeUnbindOk
    case .queueDeclare: .queueDeclare
    case .queueDeclareOk: .queueDeclareOk
    case .queueBind: .queueBind
    case .queueBindOk: .queueBindOk
    case .queuePurge: .queuePurge
    case .queuePurgeOk: .queuePurgeOk
    case .queueDelete: .queueDelete
    case .queueDeleteOk: .queueDeleteOk
    case .queueUnbind: .queueUnbind
    case .queueUnbindOk: .queueUnbindOk
    case .basicQos: .basicQos
    case .basicQosOk: .basicQosOk
    case .basicConsume: .basicConsume
    case .basicConsumeOk: .basicConsumeOk
    case .basicCancel: .basicCancel
    case .basicCancelOk: .basicCancelOk
    case .basicPublish: .basicPublish
    case .basicReturn: .basicReturn
    case .basicDeliver: .basicDeliver
    case .basicGet: .basicGet
    case .basicGetOk: .basicGetOk
    case .basicGetEmpty: .basicGetEmpty
    case .basicAck: .basicAck
    case .basicReject: .basicReject
    case .basicRecoverAsync: .basicRecoverAsync
    case .basicRecover: .basicRecover
    case .basicRecoverOk: .basicRecoverOk
    case .basicNack: .basicNack
    case .confirmSelect: .confirmSelect
    case .confirmSelectOk: .confirmSelectOk
    case .txSelect: .txSelect
    case .txSelectOk: .txSelectOk
    case .txCommit: .txCommit
    case .txCommitOk: .txCommitOk
    case .txRollback: .txRollback
    case .txRollbackOk: .txRollbackOk
    }
  }
}
