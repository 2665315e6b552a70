// System calls. The answers are put into the few words that a Stack's are put into.
#include "kernel_host.hh"

#include "host.hh"
#include "rapport/base/address.hh"
#include "rapport/device/descriptor.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

namespace rapport::differential {

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress address_of(const Endpoint& e) {
  SocketAddress a;
  if (e.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(e.port);
    in.sin_addr.s_addr = htonl(e.address.v4_host());
    std::memcpy(&a.storage, &in, sizeof in);
    a.length = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(e.port);
    std::memcpy(&in.sin6_addr, e.address.octets.data(), sizeof in.sin6_addr);
    std::memcpy(&a.storage, &in, sizeof in);
    a.length = sizeof in;
  }
  return a;
}

void set(int fd, int level, int option, int value) {
  (void)::setsockopt(fd, level, option, &value, sizeof value);
}

std::string outcome(bool good) {
  return good ? "ok" : "error";
}

void put_address(uint32_t* to, const IpAddress& a) {
  if (a.is_v4()) {
    to[0] = htonl(a.v4_host());
  } else {
    std::memcpy(to, a.octets.data(), a.octets.size());
  }
}

// The kernel's numbers, tcp_states.h.
std::string name_of(uint8_t state) {
  static constexpr std::array<const char*, 13> kNames{
      "?",         "ESTABLISHED", "SYN-SENT",   "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2",
      "TIME-WAIT", "CLOSED",      "CLOSE-WAIT", "LAST-ACK",     "CLOSED",  // a listener is nobody
      "CLOSING",   "SYN-RECEIVED"};
  return state < kNames.size() ? kNames[state] : "?";
}

}  // namespace

KernelHost::~KernelHost() {
  if (connection_) aborts();
}

void KernelHost::packet(std::span<const uint8_t> octets) {
  while (::write(tun_, octets.data(), octets.size()) < 0 && errno == EINTR) {
  }
}

device::Descriptor KernelHost::socket() const {
  const int family = ends_.local.address.is_v4() ? AF_INET : AF_INET6;
  device::Descriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  set(fd.get(), SOL_SOCKET, SO_RCVBUF, static_cast<int>(kReceiveBuffer));
  set(fd.get(), SOL_SOCKET, SO_OOBINLINE, 1);
  applies_options(fd.get());
  const auto local = address_of(ends_.local);
  if (::bind(fd.get(), local.get(), local.length) != 0) fd.reset();
  return fd;
}

std::string KernelHost::opens(const std::string& what) {
  if (what == "listen") {
    listener_ = socket();
    if (!listener_) return "error";
    return outcome(::listen(listener_.get(), 128) == 0);
  }
  if (what == "connect") {
    connection_ = socket();
    if (!connection_) return "error";
    const auto remote = address_of(ends_.remote);
    const int done = ::connect(connection_.get(), remote.get(), remote.length);
    return outcome(done == 0 || errno == EINPROGRESS);
  }
  const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return errno == EAGAIN ? "none" : "error";
  connection_ = device::Descriptor(fd);
  set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  return "ok";
}

std::string KernelHost::sends(uint32_t octets, bool urgent) {
  const std::vector<uint8_t> text(octets, 's');
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (urgent ? MSG_OOB : 0);
  const auto n = ::send(connection_.get(), text.data(), text.size(), flags);
  if (n < 0) return errno == EAGAIN ? "later" : "error";
  return "sent " + std::to_string(n);
}

std::string KernelHost::reads() {
  std::array<uint8_t, 4096> into{};
  size_t count = 0;
  while (true) {
    const auto n = ::recv(connection_.get(), into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0) {
      count += static_cast<size_t>(n);
      continue;
    }
    const int code = n == 0 ? 0 : errno;
    std::string read = "read " + in_words(count);
    if (n == 0) read += " eof";
    if (n < 0 && code != EAGAIN) read += " error";
    return read;
  }
}

std::string KernelHost::error() {
  int code = 0;
  socklen_t length = sizeof code;
  (void)::getsockopt(connection_.get(), SOL_SOCKET, SO_ERROR, &code, &length);
  switch (code) {
    case 0: return "none";
    case ECONNRESET:
    case EPIPE: return "reset";
    case ECONNREFUSED: return "refused";
    case ETIMEDOUT: return "timed out";
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENOPROTOOPT:
    case EACCES: return "unreachable";
    default: return "errno " + std::to_string(code);
  }
}

std::string KernelHost::closes(const std::string& what) {
  if (what == "shutdown") return outcome(::shutdown(connection_.get(), SHUT_WR) == 0);
  if (what == "close") {
    connection_.reset();
  } else if (what == "abort") {
    aborts();
  } else {
    listener_.reset();
  }
  return "ok";
}

void KernelHost::aborts() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(connection_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  connection_.reset();
}

void KernelHost::sets_option(const std::string& what, uint32_t number) {
  if (what == "nodelay") no_delay_ = true;
  if (what == "keepalive") keep_alive_ = number;
  if (connection_) applies_options(connection_.get());
}

void KernelHost::applies_options(int fd) const {
  if (no_delay_) set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (keep_alive_ == 0) return;
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(keep_alive_));
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(keep_alive_));
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

std::string KernelHost::state() {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 body;
  } request{};

  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = ends_.local.address.is_v4() ? AF_INET : AF_INET6;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0U;
  request.body.id.idiag_sport = htons(ends_.local.port);
  request.body.id.idiag_dport = htons(ends_.remote.port);
  put_address(request.body.id.idiag_src, ends_.local.address);
  put_address(request.body.id.idiag_dst, ends_.remote.address);
  request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  if (::send(diag_, &request, sizeof request, 0) < 0) return "?";
  const auto got = ::recv(diag_, answer.data(), answer.size(), 0);
  nlmsghdr head{};
  if (got < static_cast<ssize_t>(sizeof head)) return "?";
  std::memcpy(&head, answer.data(), sizeof head);
  if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return "CLOSED";
  inet_diag_msg found{};
  std::memcpy(&found, answer.data() + NLMSG_HDRLEN, sizeof found);
  return name_of(found.idiag_state);
}

uint32_t KernelHost::unread() {
  int n = 0;
  if (!connection_ || ::ioctl(connection_.get(), FIONREAD, &n) != 0) return 0;
  return static_cast<uint32_t>(std::max(n, 0));
}

}  // namespace rapport::differential
