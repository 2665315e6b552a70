// Sockets: the socket calls of POSIX over one Stack: one process' table of descriptors. Pure: no
// clock, no threads, no I/O. Whoever drives the stack drives this too, after each of its turns:
//   feed the stack; sockets.pump(now); retry() what blocks; send the stack's frames; wait until the
//   earlier of stack.next_deadline() and sockets.next_deadline().
// Calls happen at the instant of the last pump() and make no frames: those come from the stack.
// A call on a descriptor without O_NONBLOCK that cannot finish now answers Result::blocked(); it is
// under way, and retry() goes on with it. What it was given (buffers, messages, addresses to be
// filled) must stay until then. What is offered, and where POSIX leaves freedom: docs/posix.md.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/socket/posix/types.hh"  // IWYU pragma: export
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace rapport::posix {

struct Settings {
  int first_descriptor = 3;     // a process has 0, 1 and 2 already
  uint32_t descriptors = 1024;  // how many may be open: EMFILE beyond (RLIMIT_NOFILE)
  int somaxconn = 4096;         // a longer backlog is cut to this
  bool takes_events = true;     // false: somebody else takes the stack's, and calls deliver()
};

struct Process;  // process.hh, private to socket/posix

class Sockets {
 public:
  // `stack` must outlive the sockets. Every call first takes the events of its stack, so that it
  // answers by the latest; see Settings::takes_events.
  Sockets(stack::Stack& stack, Instant now, const Settings& settings = {});
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  ~Sockets();  // closes every descriptor, as the end of a process does

  // --- driving ----------------------------------------------------------------------------------
  // Moves the time and takes all events of the stack. True when any came.
  bool pump(Instant now);
  // One event that somebody else took from the stack's queue. False when it is not of a socket
  // here.
  bool deliver(const tcp::Occurrence& o);
  // Goes on with a call that blocks. EBADF: its descriptor was closed meanwhile; EINVAL: no call
  // has this ticket.
  Result retry(uint64_t ticket);
  // As a signal would: EINTR, or what was done so far. A connect() goes on by itself.
  Result interrupt(uint64_t ticket);
  // When a blocked call will be out of time; kNever: no limit.
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] Instant now() const;

  // --- calls: as POSIX has them -----------------------------------------------------------------
  Result socket(int domain, int type, int protocol);
  Result bind(int fd, const SocketAddress& address);
  Result listen(int fd, int backlog);
  Result connect(int fd, const SocketAddress& address);
  Result accept(int fd, SocketAddress* peer = nullptr);
  Result accept4(int fd, SocketAddress* peer, int flags);
  Result getsockname(int fd, SocketAddress& address);
  Result getpeername(int fd, SocketAddress& address);

  Result read(int fd, Part into);
  Result readv(int fd, std::span<const Part> parts);
  Result recv(int fd, Part into, int flags);
  Result recvfrom(int fd, Part into, int flags, SocketAddress* from);
  Result recvmsg(int fd, ReceiveMessage& message, int flags);

  Result write(int fd, ConstPart from);
  Result writev(int fd, std::span<const ConstPart> parts);
  Result send(int fd, ConstPart from, int flags);
  Result sendto(int fd, ConstPart from, int flags, const SocketAddress& to);
  Result sendmsg(int fd, const SendMessage& message, int flags);

  Result shutdown(int fd, int how);
  Result close(int fd);

  Result fcntl(int fd, int command, int argument = 0);
  // `value` is read or written, as the request has it.
  Result ioctl(int fd, int request, int& value);

  // Octets as in C; `length` is in and out.
  Result getsockopt(int fd, int level, int option, std::span<uint8_t> value, uint32_t& length);
  Result setsockopt(int fd, int level, int option, std::span<const uint8_t> value);

  // The same for an int or one of the structs of types.hh and tcp_info.hh.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  Result getsockopt(int fd, int level, int option, T& value) {
    uint32_t length = sizeof(T);
    return getsockopt(fd, level, option, {reinterpret_cast<uint8_t*>(&value), sizeof(T)}, length);
  }

  template <class T>
    requires(std::is_trivially_copyable_v<T> && !std::is_convertible_v<T, std::span<const uint8_t>>)
  Result setsockopt(int fd, int level, int option, const T& value) {
    return setsockopt(fd, level, option,
                      std::span{reinterpret_cast<const uint8_t*>(&value), sizeof(T)});
  }

  // Time limits in milliseconds; 0: do not block; negative: none.
  Result poll(std::span<PollEntry> entries, int timeout);
  Result epoll_create1(int flags);
  // `event` may be nullptr only for EPOLL_CTL_DEL.
  Result epoll_ctl(int epfd, int op, int fd, const EpollEvent* event);
  Result epoll_wait(int epfd, std::span<EpollEvent> events, int timeout);

  // --- beside POSIX -----------------------------------------------------------------------------
  // The stack's name of a descriptor's connection, listener or datagram socket; names nothing when
  // there is none (any more).
  [[nodiscard]] Handle handle_of(int fd) const;
  // Descriptors that are open.
  [[nodiscard]] uint32_t open_descriptors() const;

 private:
  std::unique_ptr<Process> process_;
};

}  // namespace rapport::posix
