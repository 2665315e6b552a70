// What the calls take and answer: Result, socket addresses, messages, and the structs behind
// options. Plain values; nothing is owned.
#pragma once

#include "rapport/base/address.hh"            // IWYU pragma: export
#include "rapport/socket/posix/constants.hh"  // IWYU pragma: export

#include <cstdint>
#include <span>

namespace rapport::posix {

// What a call answers: a value, or -1 and errno, or "this call blocks".
struct Result {
  int64_t value = 0;
  int error = 0;             // of <cerrno>; 0: none
  uint64_t ticket = 0;       // not 0: the call blocks; Sockets::retry(ticket) goes on with it
  bool broken_pipe = false;  // with EPIPE: a process would be sent SIGPIPE

  // Finished without an error.
  [[nodiscard]] constexpr bool ok() const { return error == 0 && ticket == 0; }

  [[nodiscard]] constexpr bool blocked() const { return ticket != 0; }

  friend constexpr bool operator==(const Result&, const Result&) = default;
};

[[nodiscard]] constexpr Result success(int64_t value = 0) {
  return {value, 0, 0, false};
}

[[nodiscard]] constexpr Result failure(int error) {
  return {-1, error, 0, false};
}

// struct sockaddr: a family and an endpoint. An AF_INET6 socket names IPv4 peers ::ffff:a.b.c.d,
// which is how IpAddress keeps them anyway.
struct SocketAddress {
  int family = kAfUnspec;
  Endpoint at;

  // Of the address's own family.
  [[nodiscard]] static constexpr SocketAddress of(const Endpoint& e) {
    return {e.address.is_v4() ? kAfInet : kAfInet6, e};
  }

  friend constexpr bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

using Part = std::span<uint8_t>;             // struct iovec, to be filled
using ConstPart = std::span<const uint8_t>;  // struct iovec, to be sent

// struct msghdr of recvmsg(). No ancillary data is offered.
struct ReceiveMessage {
  std::span<const Part> parts;
  SocketAddress name;  // out: of a datagram
  int flags = 0;       // out: MSG_TRUNC
};

// struct msghdr of sendmsg().
struct SendMessage {
  std::span<const ConstPart> parts;
  SocketAddress name;  // AF_UNSPEC: none
};

// struct linger
struct Linger {
  int32_t onoff = 0, linger = 0;  // seconds
};

// struct timeval
struct TimeValue {
  int64_t seconds = 0, microseconds = 0;
};

// struct pollfd
struct PollEntry {
  int fd = -1;
  int16_t events = 0, revents = 0;
};

// struct epoll_event
struct EpollEvent {
  uint32_t events = 0;
  uint64_t data = 0;
};

}  // namespace rapport::posix
