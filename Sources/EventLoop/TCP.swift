// TCP: a listener and a connection that hands over all that a read brought, and writes once a turn.

import CUv
import Glibc

/// Accepts connections. Lives until `close`.
public final class TCPListener {
  private let uv = UnsafeMutablePointer<uv_tcp_t>.allocate(capacity: 1)
  private let loop: Loop
  private var accept: ((TCPConnection) -> Void)?

  /// Listens on an IPv4 address; port 0 lets the kernel choose (`port` tells).
  /// - Throws: `LoopError` for a bad address, a taken port.
  public init(_ loop: Loop, address: String, port: UInt16, accept: @escaping (TCPConnection) -> Void) throws(LoopError)
  {
    self.loop = loop
    self.accept = accept
    uv_tcp_init(loop.uv, uv)
    uv.pointee.data = Unmanaged.passRetained(self).toOpaque()
    do {
      var name = try socketAddress(address, port)
      let code = withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { uv_tcp_bind(uv, $0, 0) }
      }
      try LoopError.check(code, "listen on \(address):\(port)")
      try LoopError.check(
        uv_listen(asStream(uv), 511) { server, status in
          guard status == 0, let data = server?.pointee.data else { return }
          Unmanaged<TCPListener>.fromOpaque(data).takeUnretainedValue().take()
        }, "listen on \(address):\(port)")
    } catch {
      close()
      throw error
    }
  }

  /// The port, as the kernel says it.
  public var port: UInt16 {
    var name = sockaddr_in()
    var length = Int32(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { uv_tcp_getsockname(uv, $0, &length) }
    }
    return UInt16(bigEndian: name.sin_port)
  }

  public func close() {
    guard accept != nil else { return }
    accept = nil
    uv_close(asHandle(uv)) { handle in
      guard let data = handle?.pointee.data else { return }
      Unmanaged<TCPListener>.fromOpaque(data).takeRetainedValue().uv.deallocate()
    }
  }

  private func take() {
    let connection = TCPConnection(loop)
    guard uv_accept(asStream(uv), asStream(connection.uv)) == 0 else { return connection.abort() }
    connection.opened()
    accept?(connection)
  }
}

/// Why a connection ended.
public enum CloseReason: Equatable, Sendable {
  /// `close` or `abort` was called here.
  case local
  /// The other side closed.
  case endOfFile
  case error(LoopError)
}

/// One connection. Input goes to `onInput` as it comes, output is collected and written at the end of the turn.
public final class TCPConnection {
  public enum State: Sendable { case connecting, open, closing, closed }

  public private(set) var state = State.connecting
  /// Takes what has arrived and says how much of it was used; the rest comes again with more behind it.
  public var onInput: ((UnsafeRawBufferPointer) -> Int)?
  /// Called once, when the connection is open; not for accepted ones.
  public var onOpen: (() -> Void)?
  /// Called exactly once, whatever ended it; not before the end of the call that ended it.
  public var onClose: ((CloseReason) -> Void)?
  /// Called when buffered output fell to nothing after it had been above zero at the end of a turn.
  public var onDrained: (() -> Void)?

  let uv = UnsafeMutablePointer<uv_tcp_t>.allocate(capacity: 1)
  private let loop: Loop
  private var input: UnsafeMutableRawBufferPointer
  private var inputUsed = 0
  private var output: [UInt8] = []
  private var flushArmed = false
  /// Bytes given to libuv and not yet taken by the kernel.
  private var inFlight = 0
  private var reading = false
  private var paused = false
  private var timeout: LoopTimer?
  private var reason = CloseReason.local
  private var closeWhenWritten = false

  static let firstInput = 64 * 1024
  /// An input that grows beyond this without being used ends the connection.
  public var inputLimit = 256 * 1024 * 1024

  init(_ loop: Loop) {
    self.loop = loop
    input = .allocate(byteCount: Self.firstInput, alignment: 16)
    uv_tcp_init(loop.uv, uv)
    uv.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  deinit {
    input.deallocate()
    uv.deallocate()
  }

  /// Begins a connection to an IPv4 address. Failure comes through `onClose`.
  /// - Parameter descriptor: a TCP socket made by the caller, in another network namespace for instance; it is the
  ///   connection's from here on.
  public static func connect(_ loop: Loop, address: String, port: UInt16, timeout: Int64, descriptor: Int32? = nil)
    -> TCPConnection
  {
    let connection = TCPConnection(loop)
    connection.begin(address, port, timeout, descriptor)
    return connection
  }

  private func begin(_ address: String, _ port: UInt16, _ limit: Int64, _ descriptor: Int32?) {
    do {
      if let descriptor { try LoopError.check(uv_tcp_open(uv, descriptor), "use a socket") }
      var name = try socketAddress(address, port)
      let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
      let code = withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
          uv_tcp_connect(request, uv, name) { request, status in
            guard let request, let data = request.pointee.handle?.pointee.data else { return }
            request.deallocate()
            Unmanaged<TCPConnection>.fromOpaque(data).takeUnretainedValue().connected(status)
          }
        }
      }
      if code < 0 { request.deallocate() }
      try LoopError.check(code, "connect to \(address):\(port)")
      timeout = loop.timer(after: limit) { [weak self] in
        self?.end(.error(LoopError(UV_ETIMEDOUT.rawValue, "connect to \(address):\(port)")))
      }
    } catch {
      // Not before the caller has set its handlers.
      loop.atEndOfTurn { [self] in end(.error(error)) }
      loop.timer(after: 0) {}
    }
  }

  private func connected(_ status: Int32) {
    guard state == .connecting else { return }
    timeout?.cancel()
    timeout = nil
    guard status == 0 else { return end(.error(LoopError(status, "connect"))) }
    opened()
    onOpen?()
  }

  func opened() {
    state = .open
    uv_tcp_nodelay(uv, 1)
    resume()
  }

  /// The buffer sizes of the kernel, in bytes, as far as it follows the wish.
  public func setKernelBuffers(send: Int32? = nil, receive: Int32? = nil) {
    if var size = send { uv_send_buffer_size(asHandle(uv), &size) }
    if var size = receive { uv_recv_buffer_size(asHandle(uv), &size) }
  }

  // MARK: reading

  /// No more input until `resume`: the kernel's buffers fill, and the other side feels it.
  public func pause() {
    paused = true
    if reading { uv_read_stop(asStream(uv)) }
    reading = false
  }

  public func resume() {
    paused = false
    guard state == .open, !reading else { return }
    if inputUsed > 0 { loop.atEndOfTurn { [self] in if !paused { offerInput() } } }
    reading = true
    uv_read_start(
      asStream(uv),
      { handle, _, buffer in
        guard let data = handle?.pointee.data, let buffer else { return }
        Unmanaged<TCPConnection>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.provide(buffer) }
      },
      { stream, count, _ in
        guard count != 0, let data = stream?.pointee.data else { return }
        let connection = Unmanaged<TCPConnection>.fromOpaque(data).takeUnretainedValue()
        connection.received(count)
      })
  }

  private func provide(_ buffer: UnsafeMutablePointer<uv_buf_t>) {
    if inputUsed == input.count {
      let bigger = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count * 2, alignment: 16)
      bigger.copyMemory(from: UnsafeRawBufferPointer(input))
      input.deallocate()
      input = bigger
    }
    buffer.pointee.base = input.baseAddress.map { $0.assumingMemoryBound(to: CChar.self) + inputUsed }
    buffer.pointee.len = input.count - inputUsed
  }

  private func received(_ count: Int) {
    if count < 0 {
      return end(count == Int(UV_EOF.rawValue) ? .endOfFile : .error(LoopError(Int32(count), "read")))
    }
    inputUsed += count
    offerInput()
  }

  private func offerInput() {
    guard state == .open, let onInput else { return }
    let used = min(inputUsed, max(0, onInput(UnsafeRawBufferPointer(rebasing: input[..<inputUsed]))))
    guard used > 0 else {
      if inputUsed >= inputLimit { end(.error(LoopError(UV_ENOBUFS.rawValue, "read"))) }
      return
    }
    if used < inputUsed, let base = input.baseAddress { memmove(base, base + used, inputUsed - used) }
    inputUsed -= used
  }

  // MARK: writing

  /// Bytes that the kernel has not taken yet: the measure for back pressure.
  public var bufferedOutput: Int { output.count + inFlight }

  /// Appends to the output through `body`; it is written at the end of this turn.
  @inline(__always)
  public func write<Result>(_ body: (inout [UInt8]) throws -> Result) rethrows -> Result {
    defer { armFlush() }
    return try body(&output)
  }

  public func write(_ bytes: [UInt8]) { write { $0.append(contentsOf: bytes) } }

  private func armFlush() {
    guard !flushArmed, state == .open || state == .connecting else { return }
    flushArmed = true
    loop.atEndOfTurn { [self] in flush() }
  }

  private func flush() {
    flushArmed = false
    guard state == .open || state == .closing && closeWhenWritten, !output.isEmpty else { return }
    if inFlight == 0 {
      let written = output.withUnsafeMutableBytes { bytes in
        var buffer = uv_buf_init(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(clamping: bytes.count))
        return uv_try_write(asStream(uv), &buffer, 1)
      }
      if written == output.count {
        output.removeAll(keepingCapacity: output.capacity <= 1 << 20)
        return
      }
      if written > 0 {
        output.removeFirst(Int(written))
      } else if written < 0 && written != UV_EAGAIN.rawValue {
        return end(.error(LoopError(written, "write")))
      }
      submit()
    }
  }

  /// Hands the whole output to libuv; more collects meanwhile and follows when that is written.
  private func submit() {
    let pending = Pending(self, output)
    output = []
    inFlight = pending.bytes.count
    let code = uv_write(pending.request, asStream(uv), &pending.buffer, 1) { request, status in
      guard let request, let data = request.pointee.data else { return }
      let pending = Unmanaged<Pending>.fromOpaque(data).takeRetainedValue()
      pending.connection.written(status)
    }
    if code < 0 {
      Unmanaged<Pending>.fromOpaque(pending.request.pointee.data).release()
      end(.error(LoopError(code, "write")))
    }
  }

  private func written(_ status: Int32) {
    inFlight = 0
    guard state == .open || state == .closing else { return }
    if status < 0 { return end(.error(LoopError(status, "write"))) }
    if !output.isEmpty { return flush() }
    if closeWhenWritten { return end(.local) }
    onDrained?()
  }

  // MARK: the end

  /// Writes what is buffered, then closes.
  public func close() {
    guard state == .open || state == .connecting else { return }
    guard state == .open, bufferedOutput > 0 else { return end(.local) }
    state = .closing
    closeWhenWritten = true
    if reading { uv_read_stop(asStream(uv)) }
    reading = false
    if inFlight == 0 {
      flush()
      if inFlight == 0 { end(.local) }
    }
  }

  /// Closes now; buffered output is gone.
  public func abort() { end(.local) }

  private func end(_ why: CloseReason) {
    guard state != .closed, uv_is_closing(asHandle(uv)) == 0 else { return }
    reason = why
    state = .closed
    timeout?.cancel()
    timeout = nil
    uv_close(asHandle(uv)) { handle in
      guard let data = handle?.pointee.data else { return }
      let connection = Unmanaged<TCPConnection>.fromOpaque(data).takeRetainedValue()
      let tell = connection.onClose
      (connection.onClose, connection.onInput, connection.onOpen, connection.onDrained) = (nil, nil, nil, nil)
      tell?(connection.reason)
    }
  }
}

/// A write that the kernel has not taken at once. Keeps bytes and connection alive.
private final class Pending {
  let connection: TCPConnection
  let bytes: UnsafeMutableBufferPointer<UInt8>
  let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
  var buffer: uv_buf_t

  init(_ connection: TCPConnection, _ content: [UInt8]) {
    self.connection = connection
    bytes = .allocate(capacity: content.count)
    _ = bytes.initialize(from: content)
    buffer = uv_buf_init(
      bytes.baseAddress.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: CChar.self) },
      UInt32(clamping: bytes.count))
    request.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  deinit {
    bytes.deallocate()
    request.deallocate()
  }
}

private func socketAddress(_ address: String, _ port: UInt16) throws(LoopError) -> sockaddr_in {
  var name = sockaddr_in()
  try LoopError.check(uv_ip4_addr(address, Int32(port), &name), "read the address \(address)")
  return name
}
