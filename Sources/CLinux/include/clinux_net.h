// Network namespaces with a TUN device, and loads and stores in memory that two processes share.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The step of cl_network_create that failed.
enum {
  CL_NET_NONE = 0,
  CL_NET_THREAD,
  CL_NET_UNSHARE,
  CL_NET_LOOPBACK,
  CL_NET_OPEN_TUN,
  CL_NET_MAKE_TUN,
  CL_NET_ADDRESS,
  CL_NET_CONGESTION,
  CL_NET_PROBE_SOCKET,
};

/// One network namespace: `lo` up, one TUN interface with its address.
typedef struct cl_network_options {
  const char *tun_path;      ///< usually /dev/net/tun
  const char *interface;     ///< such as eth0
  uint32_t address;          ///< IPv4, host byte order
  int prefix;                ///< bits of the netmask
  int mtu;
  int queue_length;          ///< packets that wait for the reader of the TUN
  const char *congestion;    ///< tcp_congestion_control of the namespace, such as reno
  uint16_t probe_port;       ///< a UDP socket bound to address:port comes back in probe_fd
} cl_network_options;

typedef struct cl_network {
  int netns_fd;              ///< the namespace, for setns
  int tun_fd;                ///< packets out of and into the interface, without header, blocking
  int probe_fd;              ///< UDP, non-blocking
} cl_network;

/// Makes a network namespace in a thread of its own that ends with the call; the caller's namespace stays.
/// 0, or errno with the step in *stage.
int cl_network_create(const cl_network_options *options, cl_network *network, int *stage);
/// A socket of the given network namespace (close-on-exec, non-blocking), made by a thread that goes there and ends;
/// a socket belongs to its namespace for good. The descriptor, or -errno.
int cl_socket_in(int netns_fd, int type);
/// Brings `lo` up in the caller's own namespace; 0 or errno.
int cl_loopback_up(void);
/// Sends one datagram to address:port (IPv4, host byte order) without blocking; 0 or errno.
int cl_send_datagram(int fd, uint32_t address, uint16_t port, const void *bytes, size_t count);

/// A timerfd on CLOCK_MONOTONIC (close-on-exec, non-blocking), or -errno; armed at an absolute instant, 0 disarms.
int cl_timerfd(void);
int cl_timerfd_arm(int fd, int64_t nanoseconds);
/// An eventfd (close-on-exec, non-blocking), or -errno.
int cl_eventfd(void);

// Memory that two processes map: every access is one aligned, relaxed, untearable load or store; order is not needed,
// because each field has one writer and means something by itself.
static inline uint64_t cl_load64(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void cl_store64(uint64_t *p, uint64_t value) { __atomic_store_n(p, value, __ATOMIC_RELAXED); }
static inline uint32_t cl_load32(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void cl_store32(uint32_t *p, uint32_t value) { __atomic_store_n(p, value, __ATOMIC_RELAXED); }
static inline void cl_add64(uint64_t *p, uint64_t value) { __atomic_fetch_add(p, value, __ATOMIC_RELAXED); }
