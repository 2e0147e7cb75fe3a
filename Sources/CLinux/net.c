// Network namespaces: made by a thread that unshares and ends, so that the caller never leaves its own.
#define _GNU_SOURCE
#include "clinux_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

static struct ifreq request(const char *interface) {
  struct ifreq r;
  memset(&r, 0, sizeof r);
  strncpy(r.ifr_name, interface, IFNAMSIZ - 1);
  return r;
}

static int raise_interface(int socket_fd, const char *interface) {
  struct ifreq r = request(interface);
  if (ioctl(socket_fd, SIOCGIFFLAGS, &r) != 0) return errno;
  r.ifr_flags |= IFF_UP | IFF_RUNNING;
  return ioctl(socket_fd, SIOCSIFFLAGS, &r) == 0 ? 0 : errno;
}

int cl_loopback_up(void) {
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0) return errno;
  int error = raise_interface(s, "lo");
  close(s);
  return error;
}

static int put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
  close(fd);
  return error;
}

static struct sockaddr_in endpoint(uint32_t address, uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
  return a;
}

/// By rtnetlink (rtnetlink(7)), because the ioctl SIOCSIFTXQLEN wants a capability outside of our user namespace.
static int set_queue_length(int s, const char *interface, uint32_t packets) {
  struct ifreq r = request(interface);
  if (ioctl(s, SIOCGIFINDEX, &r) != 0) return errno;
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
    struct rtattr attribute;
    uint32_t packets;
  } ask = {{sizeof ask, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
           {.ifi_family = AF_UNSPEC, .ifi_index = r.ifr_ifindex},
           {RTA_LENGTH(sizeof packets), IFLA_TXQLEN},
           packets};
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[1024];
  } answer;
  int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (netlink < 0) return errno;
  int error = 0;
  if (send(netlink, &ask, sizeof ask, 0) < 0 || recv(netlink, &answer, sizeof answer, 0) < 0) error = errno;
  else if (answer.header.nlmsg_type == NLMSG_ERROR) error = -answer.error.error;
  close(netlink);
  return error;
}

static int configure(int s, const cl_network_options *o) {
  struct ifreq r = request(o->interface);
  struct sockaddr_in a = endpoint(o->address, 0);
  memcpy(&r.ifr_addr, &a, sizeof a);
  if (ioctl(s, SIOCSIFADDR, &r) != 0) return errno;
  a = endpoint(o->prefix ? ~0u << (32 - o->prefix) : 0, 0);
  memcpy(&r.ifr_netmask, &a, sizeof a);
  if (ioctl(s, SIOCSIFNETMASK, &r) != 0) return errno;
  r = request(o->interface);
  r.ifr_mtu = o->mtu;
  if (ioctl(s, SIOCSIFMTU, &r) != 0) return errno;
  int error = set_queue_length(s, o->interface, (uint32_t)o->queue_length);
  if (error) return error;
  return raise_interface(s, o->interface);
}

struct task {
  const cl_network_options *options;
  cl_network *network;
  int stage, error;
};

static int step(struct task *t, int stage, int error) {
  t->stage = error ? stage : CL_NET_NONE;
  return t->error = error;
}

static void *create(void *argument) {
  struct task *t = argument;
  const cl_network_options *o = t->options;
  cl_network *n = t->network;
  if (step(t, CL_NET_UNSHARE, unshare(CLONE_NEWNET) == 0 ? 0 : errno)) return NULL;
  n->netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (step(t, CL_NET_UNSHARE, n->netns_fd < 0 ? errno : 0)) return NULL;
  if (step(t, CL_NET_LOOPBACK, cl_loopback_up())) return NULL;
  // IPv6 would only send router solicitations into a switch that speaks IPv4; a kernel without it has no such file.
  put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  if (step(t, CL_NET_CONGESTION, put("/proc/sys/net/ipv4/tcp_congestion_control", o->congestion))) return NULL;
  n->tun_fd = open(o->tun_path, O_RDWR | O_CLOEXEC);
  if (step(t, CL_NET_OPEN_TUN, n->tun_fd < 0 ? errno : 0)) return NULL;
  struct ifreq r = request(o->interface);
  r.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (step(t, CL_NET_MAKE_TUN, ioctl(n->tun_fd, TUNSETIFF, &r) == 0 ? 0 : errno)) return NULL;
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (step(t, CL_NET_PROBE_SOCKET, s < 0 ? errno : 0)) return NULL;
  n->probe_fd = s;
  if (step(t, CL_NET_ADDRESS, configure(s, o))) return NULL;
  struct sockaddr_in a = endpoint(o->address, o->probe_port);
  step(t, CL_NET_PROBE_SOCKET, bind(s, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno);
  return NULL;
}

int cl_network_create(const cl_network_options *options, cl_network *network, int *stage) {
  *network = (cl_network){-1, -1, -1};
  struct task t = {options, network, CL_NET_THREAD, 0};
  pthread_t thread;
  int error = pthread_create(&thread, NULL, create, &t);
  if (!error) {
    pthread_join(thread, NULL);
    error = t.error;
  }
  *stage = t.stage;
  if (error) {
    if (network->netns_fd >= 0) close(network->netns_fd);
    if (network->tun_fd >= 0) close(network->tun_fd);
    if (network->probe_fd >= 0) close(network->probe_fd);
    *network = (cl_network){-1, -1, -1};
  }
  return error;
}

struct visit {
  int netns_fd, type, result;
};

static void *make_socket(void *argument) {
  struct visit *v = argument;
  if (setns(v->netns_fd, CLONE_NEWNET) != 0) {
    v->result = -errno;
  } else {
    int fd = socket(AF_INET, v->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    v->result = fd < 0 ? -errno : fd;
  }
  return NULL;
}

int cl_socket_in(int netns_fd, int type) {
  struct visit v = {netns_fd, type, -EINVAL};
  pthread_t thread;
  int error = pthread_create(&thread, NULL, make_socket, &v);
  if (error) return -error;
  pthread_join(thread, NULL);
  return v.result;
}

int cl_send_datagram(int fd, uint32_t address, uint16_t port, const void *bytes, size_t count) {
  struct sockaddr_in a = endpoint(address, port);
  return sendto(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a) < 0 ? errno : 0;
}

int cl_timerfd(void) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int cl_timerfd_arm(int fd, int64_t nanoseconds) {
  struct itimerspec when = {
      .it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) == 0 ? 0 : errno;
}

int cl_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}
