// Calls of a FUSE server that Swift does not see.
#define _GNU_SOURCE
#include "clinux_fuse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int cl_open_path(int directory, const char *name) {
  int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int cl_open_at(int directory, const char *name, int flags, mode_t mode) {
  int fd = openat(directory, name, flags | O_CLOEXEC, mode);
  return fd < 0 ? -errno : fd;
}

int cl_rename(int from, const char *old_name, int to, const char *new_name, unsigned flags) {
  return syscall(SYS_renameat2, from, old_name, to, new_name, flags) == 0 ? 0 : errno;
}

int cl_allocate(int fd, int mode, int64_t offset, int64_t length) {
  return fallocate(fd, mode, offset, length) == 0 ? 0 : errno;
}

ssize_t cl_read_directory(int fd, int64_t position, void *buffer, size_t size) {
  if (lseek(fd, position, SEEK_SET) < 0) return -errno;
  ssize_t n = syscall(SYS_getdents64, fd, buffer, size);
  return n < 0 ? -errno : n;
}

size_t cl_directory_entry(
    const void *record, uint64_t *inode, int64_t *next, uint32_t *type, const char **name, size_t *length) {
  const struct dirent64 *entry = record;
  *inode = entry->d_ino;
  *next = entry->d_off;
  *type = entry->d_type;
  *name = entry->d_name;
  *length = strlen(entry->d_name);
  return entry->d_reclen;
}

int cl_open_flags_passed_on(int flags) {
  return flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_NOFOLLOW | O_APPEND | O_DIRECT);
}

int cl_is_being_killed(pid_t thread) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 1;
  text[n] = 0;
  // A fatal signal to a process becomes SIGKILL in the pending set of each of its threads (signal(7), proc(5)).
  const char *pending = strstr(text, "\nSigPnd:");
  return !pending || (strtoull(pending + 8, NULL, 16) >> (SIGKILL - 1) & 1);
}
