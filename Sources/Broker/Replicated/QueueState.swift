// One queue: what it was declared as, and its messages.

/// A queue. The messages of a quorum queue are replicated state, the same on every node; those of a classic queue are
/// only at its home.
final class QueueState {
  /// Never given to another queue.
  let id: UInt32
  let definition: QueueDefinition
  /// Messages that are not settled, under their positions.
  var messages = Window<Message>()
  /// The exchanges it is bound to, once for each binding.
  var boundTo: [String] = []
  private(set) var isDeleted = false

  init(id: UInt32, definition: QueueDefinition) {
    self.id = id
    self.definition = definition
  }

  var name: String { definition.name }
  var isQuorum: Bool { definition.kind == .quorum }

  func markDeleted() {
    isDeleted = true
    messages = Window(start: messages.end)
  }
}
