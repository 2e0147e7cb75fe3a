// What a FUSE server needs beside the protocol's own structures (linux/fuse.h): calls that only GNU headers declare.
#pragma once
#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CL_AT_EMPTY_PATH = 0x1000 };

/// openat with O_PATH | O_NOFOLLOW | O_CLOEXEC: a handle on whatever the name means. The descriptor, or -errno.
int cl_open_path(int directory, const char *name);
/// openat with O_CLOEXEC. The descriptor, or -errno.
int cl_open_at(int directory, const char *name, int flags, mode_t mode);
/// renameat2, fallocate: 0 or errno.
int cl_rename(int from, const char *old_name, int to, const char *new_name, unsigned flags);
int cl_allocate(int fd, int mode, int64_t offset, int64_t length);
/// getdents64 from the given position on: bytes of records as in getdents(2), 0 at the end, or -errno.
ssize_t cl_read_directory(int fd, int64_t position, void *buffer, size_t size);
/// One record of cl_read_directory; how many bytes the record takes.
size_t cl_directory_entry(
    const void *record, uint64_t *inode, int64_t *next, uint32_t *type, const char **name, size_t *length);

/// Flags of open(2) that a server must not hand on: the kernel has dealt with them already, or they need aligned memory.
int cl_open_flags_passed_on(int flags);
/// Whether SIGKILL is pending for a thread (its number in our PID namespace), or the thread is gone.
int cl_is_being_killed(pid_t thread);
