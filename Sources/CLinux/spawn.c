// Processes: clone3 with namespaces and a pidfd, and the few calls around them that only GNU headers declare.
#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct failure {
  int error, stage;
};

static _Noreturn void fail(int report, int stage) {
  struct failure f = {errno, stage};
  (void)!write(report, &f, sizeof f);
  _exit(127);
}

/// Brings every descriptor to its number and marks the rest close-on-exec. Returns the moved report descriptor.
static int place_descriptors(const cl_spawn_options *o, int report) {
  enum { most = 64 };
  int base = 3, high[most], standard[3];
  if (o->fd_count > most) {
    errno = E2BIG;
    fail(report, CL_STAGE_DESCRIPTORS);
  }
  for (size_t i = 0; i < o->fd_count; i++)
    if (o->fd_targets[i] >= base) base = o->fd_targets[i] + 1;
  // First above every target number, so that no dup2 overwrites a source that is still needed.
  int moved = fcntl(report, F_DUPFD_CLOEXEC, base);
  if (moved < 0) fail(report, CL_STAGE_DESCRIPTORS);
  for (int i = 0; i < 3; i++) {
    int source = o->stdio[i] >= 0 ? o->stdio[i] : open("/dev/null", i == 0 ? O_RDONLY : O_WRONLY);
    if (source < 0 || (standard[i] = fcntl(source, F_DUPFD_CLOEXEC, base)) < 0) fail(moved, CL_STAGE_DESCRIPTORS);
  }
  for (size_t i = 0; i < o->fd_count; i++)
    if ((high[i] = fcntl(o->fd_sources[i], F_DUPFD_CLOEXEC, base)) < 0) fail(moved, CL_STAGE_DESCRIPTORS);
  if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) != 0) fail(moved, CL_STAGE_DESCRIPTORS);
  for (int i = 0; i < 3; i++)
    if (dup2(standard[i], i) < 0) fail(moved, CL_STAGE_DESCRIPTORS);
  for (size_t i = 0; i < o->fd_count; i++)
    if (dup2(high[i], o->fd_targets[i]) < 0) fail(moved, CL_STAGE_DESCRIPTORS);
  return moved;
}

static _Noreturn void child(const cl_spawn_options *o, int report, int go) {
  for (int s = 1; s < 65; s++) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(s, &action, NULL);
  }
  if (o->death_signal > 0 && prctl(PR_SET_PDEATHSIG, o->death_signal) != 0) fail(report, CL_STAGE_DEATH_SIGNAL);
  // The parent writes the user map and then one byte. End of file: it died before the death signal was set.
  char byte;
  ssize_t n;
  do n = read(go, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1) _exit(127);
  if (o->new_session && setsid() < 0) fail(report, CL_STAGE_SESSION);
  if (o->netns_fd >= 0 && setns(o->netns_fd, CLONE_NEWNET) != 0) fail(report, CL_STAGE_NETWORK_NAMESPACE);
  if (o->cwd && chdir(o->cwd) != 0) fail(report, CL_STAGE_DIRECTORY);
  if (o->cpu_mask) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < 64; i++)
      if (o->cpu_mask >> i & 1) CPU_SET(i, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) fail(report, CL_STAGE_AFFINITY);
  }
  if (o->address_space) {
    struct rlimit limit = {o->address_space, o->address_space};
    if (setrlimit(RLIMIT_AS, &limit) != 0) fail(report, CL_STAGE_LIMIT);
  }
  report = place_descriptors(o, report);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(o->path, o->argv, o->envp);
  fail(report, CL_STAGE_EXEC);
}

static int put(pid_t pid, const char *file, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
  close(fd);
  return error;
}

/// One user mapped: the caller is root inside. setgroups must be denied first, or the kernel refuses the gid map.
static int map_caller_to_root(pid_t pid) {
  char map[64];
  int error = put(pid, "setgroups", "deny");
  if (error && error != ENOENT) return error;
  snprintf(map, sizeof map, "0 %u 1", geteuid());
  if ((error = put(pid, "uid_map", map))) return error;
  snprintf(map, sizeof map, "0 %u 1", getegid());
  return put(pid, "gid_map", map);
}

int cl_spawn(const cl_spawn_options *o, pid_t *pid, int *pidfd, int *stage) {
  int report[2], go[2];
  *stage = CL_STAGE_PIPE;
  if (pipe2(report, O_CLOEXEC) != 0) return errno;
  if (pipe2(go, O_CLOEXEC) != 0) {
    int error = errno;
    close(report[0]), close(report[1]);
    return error;
  }
  // No handler of ours may run in the child before it has reset them.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int fd = -1;
  struct clone_args arguments = {
      .flags = CLONE_PIDFD | o->namespaces, .pidfd = (uint64_t)(uintptr_t)&fd, .exit_signal = SIGCHLD};
  long result = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (result == 0) {
    close(go[1]), close(report[0]);
    child(o, report[1], go[0]);
  }
  int error = result < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  close(report[1]), close(go[0]);
  if (error) {
    close(report[0]), close(go[1]);
    *stage = CL_STAGE_CLONE;
    return error;
  }
  struct failure f = {0, CL_STAGE_NONE};
  if ((o->namespaces & CLONE_NEWUSER) && o->map_user && (f.error = map_caller_to_root((pid_t)result)))
    f.stage = CL_STAGE_USER_MAP;
  if (!f.error && write(go[1], "", 1) != 1) f = (struct failure){errno, CL_STAGE_PIPE};
  close(go[1]);  // without the byte: the child leaves
  if (!f.error) {
    ssize_t n;
    do n = read(report[0], &f, sizeof f);
    while (n < 0 && errno == EINTR);
  }
  close(report[0]);
  *stage = f.stage;
  if (f.error) {
    int exited, value;
    cl_wait(fd, 1, &exited, &value);
    close(fd);
    return f.error;
  }
  *pid = (pid_t)result;
  *pidfd = fd;
  return 0;
}

int cl_wait(int pidfd, int block, int *exited, int *value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  int result;
  do result = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | (block ? 0 : WNOHANG));
  while (result < 0 && errno == EINTR);
  if (result < 0) return errno;
  if (info.si_pid == 0) return -1;
  *exited = info.si_code == CLD_EXITED;
  *value = info.si_status;
  return 0;
}

int cl_signal(int pidfd, int signal_number) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) == 0 ? 0 : errno;
}

int cl_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  return mount(source, target, type, flags, data) == 0 ? 0 : errno;
}

int cl_unmount(const char *target) { return umount2(target, MNT_DETACH) == 0 ? 0 : errno; }

int cl_sethostname(const char *name) { return sethostname(name, strlen(name)) == 0 ? 0 : errno; }

int cl_signalfd(const int *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (error) return -error;
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int cl_signalfd_read(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

ssize_t cl_receive_credentials(int fd, void *buffer, size_t capacity, pid_t *pid) {
  union {
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * 253)];
    struct cmsghdr align;
  } control;
  struct iovec vector = {buffer, capacity};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *pid = 0;
  ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0) return -errno;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred credentials;
      memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
      *pid = credentials.pid;
    }
    if (c->cmsg_type == SCM_RIGHTS)
      for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
        int passed;
        memcpy(&passed, CMSG_DATA(c) + i * sizeof(int), sizeof passed);
        close(passed);
      }
  }
  return n;
}

int cl_memfd(const char *name, size_t size) {
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)size) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int cl_unshare(uint64_t flags) { return unshare((int)flags) == 0 ? 0 : errno; }

int cl_seccomp_notify_available(void) {
  uint32_t action = SECCOMP_RET_USER_NOTIF;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 ? 0 : errno;
}

int cl_limits(uint64_t descriptors) {
  struct rlimit limit, none = {0, 0};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
  limit.rlim_cur = limit.rlim_max < descriptors ? limit.rlim_max : descriptors;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
  return setrlimit(RLIMIT_CORE, &none) == 0 ? 0 : errno;
}
