// From options to a running node, and the ways in which a start or a disk fails.

import Broker
import EventLoop
import Glibc
import Systemd

/// Runs the node. Not in main.swift, where callbacks would belong to the main actor.
func start(_ options: Options) -> Never {
  // The mask of blocked signals is inherited: a parent that starts nodes from a thread with SIGTERM blocked would make
  // them deaf to it.
  var none = sigset_t()
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, nil)
  do {
    try Node(options).run()
  } catch let error as StorageError {
    failed(error)
  } catch let error as DiskError {
    let why =
      error.errno == EWOULDBLOCK ? "another node uses \(options.data)" : "\(error.doing): \(errorText(error.errno))"
    end(.cannotStart, "cannot start: \(why)")
  } catch {
    end(.cannotStart, "cannot start: \(error)")
  }
  exit(ExitStatus.orderly.rawValue)
}

/// The disk failed, or the log is damaged: ends the process now, from whichever thread saw it.
func failed(_ error: StorageError) -> Never {
  var code = EIO
  var text = "the log is not whole, this node cannot serve: \(error)"
  if case .disk(let disk) = error {
    code = disk.errno
    text = "the disk failed, this node stops: \(disk.doing): \(errorText(disk.errno))"
  }
  Notifier().failed(errno: code, status: text)
  end(.storage, text)
}
