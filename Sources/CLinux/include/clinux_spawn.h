// Starting and ending processes: clone3 with namespaces and a pidfd, descriptors at fixed numbers, mounts, signals.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// CLONE_NEW* by name (GNU-only constants that Swift does not see).
enum {
  CL_NEW_MOUNT = 0x00020000,
  CL_NEW_UTS = 0x04000000,
  CL_NEW_IPC = 0x08000000,
  CL_NEW_USER = 0x10000000,
  CL_NEW_PID = 0x20000000,
  CL_NEW_NETWORK = 0x40000000,
};

/// The step of cl_spawn that failed, for the message to people.
enum {
  CL_STAGE_NONE = 0,
  CL_STAGE_PIPE,
  CL_STAGE_CLONE,
  CL_STAGE_USER_MAP,
  CL_STAGE_SESSION,
  CL_STAGE_DEATH_SIGNAL,
  CL_STAGE_NETWORK_NAMESPACE,
  CL_STAGE_DIRECTORY,
  CL_STAGE_AFFINITY,
  CL_STAGE_LIMIT,
  CL_STAGE_DESCRIPTORS,
  CL_STAGE_EXEC,
};

/// What one new process is to be. Between clone3 and exec only async-signal-safe calls are made.
typedef struct cl_spawn_options {
  const char *path;          ///< the program
  char *const *argv;         ///< ends with NULL
  char *const *envp;         ///< ends with NULL
  const char *cwd;           ///< NULL: inherited
  uint64_t namespaces;       ///< CL_NEW_* of namespaces that begin with this process
  int map_user;              ///< with CL_NEW_USER: the caller's uid and gid become 0 inside
  int netns_fd;              ///< setns to this network namespace when >= 0
  int new_session;           ///< setsid
  int death_signal;          ///< PR_SET_PDEATHSIG when > 0; fires when the spawning THREAD ends
  uint64_t cpu_mask;         ///< sched_setaffinity when != 0
  uint64_t address_space;    ///< RLIMIT_AS in bytes when != 0
  int stdio[3];              ///< -1: /dev/null
  const int *fd_sources;     ///< descriptors to pass on ...
  const int *fd_targets;     ///< ... and the numbers they get; everything else is closed by exec
  size_t fd_count;
} cl_spawn_options;

/// Starts a process. 0, or errno with the step in *stage (the child is then gone and reaped). Returns after exec.
int cl_spawn(const cl_spawn_options *options, pid_t *pid, int *pidfd, int *stage);

/// waitid on a pidfd. 0 with *exited (1: exit status, 0: signal) and *value; -1 while it runs (only if not `block`);
/// else errno.
int cl_wait(int pidfd, int block, int *exited, int *value);
/// pidfd_send_signal; 0 or errno.
int cl_signal(int pidfd, int signal_number);

/// mount(2) and umount2(2) with MNT_DETACH; 0 or errno.
int cl_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
int cl_unmount(const char *target);
enum {
  CL_MS_NOSUID = 2,
  CL_MS_NODEV = 4,
  CL_MS_NOEXEC = 8,
  CL_MS_BIND = 4096,
  CL_MS_REC = 16384,
  CL_MS_PRIVATE = 1 << 18,
};
int cl_sethostname(const char *name);

/// Blocks the given signals in this thread and returns a signalfd for them (close-on-exec), or -errno.
int cl_signalfd(const int *signals, size_t count);
/// Reads one signal's number; 0 when none is pending.
int cl_signalfd_read(int fd);

/// One datagram with the sender's pid (SO_PASSCRED must be set; 0 when unknown); descriptors that came with it are
/// closed. Bytes, or -errno; never blocks.
ssize_t cl_receive_credentials(int fd, void *buffer, size_t capacity, pid_t *pid);

/// memfd_create(close-on-exec) of `size` bytes, or -errno.
int cl_memfd(const char *name, size_t size);
/// unshare in the calling thread or process (for probing what the kernel allows); 0 or errno.
int cl_unshare(uint64_t flags);
/// Whether a seccomp filter can be asked of this kernel (SECCOMP_GET_ACTION_AVAIL for user notification); 0 or errno.
int cl_seccomp_notify_available(void);
/// Sets the soft limit on open descriptors to min(hard, wanted) and forbids core files; 0 or errno.
int cl_limits(uint64_t descriptors);
