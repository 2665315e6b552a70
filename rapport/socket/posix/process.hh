// Process: what is behind Sockets, private to socket/posix: the table of descriptors and the calls
// that block. What a descriptor stands for is in file.hh; the functions lie in one file for each
// kind of call.
#pragma once

#include "rapport/base/address.hh"  // IWYU pragma: export
#include "rapport/base/handle.hh"   // IWYU pragma: export
#include "rapport/base/port_range.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"           // IWYU pragma: export
#include "rapport/base/time.hh"             // IWYU pragma: export
#include "rapport/socket/posix/file.hh"     // IWYU pragma: export
#include "rapport/socket/posix/sockets.hh"  // IWYU pragma: export
#include "rapport/socket/posix/types.hh"    // IWYU pragma: export
#include "rapport/stack/stack.hh"           // IWYU pragma: export
#include "rapport/tcp/commands.hh"          // IWYU pragma: export

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace rapport::posix {

// One or several buffers.
template <class T>
struct Parts {
  T one{};
  std::span<const T> many{};

  [[nodiscard]] std::span<const T> all() const { return many.empty() ? std::span{&one, 1} : many; }

  [[nodiscard]] size_t octets() const {
    size_t n = 0;
    for (const T& part : all()) n += part.size();
    return n;
  }

  // The rest, behind `offset`, of the part that this offset is in; empty at the end.
  [[nodiscard]] T behind(size_t offset) const {
    for (const T& part : all()) {
      if (offset < part.size()) return part.subspan(offset);
      offset -= part.size();
    }
    return {};
  }
};

// A call that may have to wait.
struct Operation {
  enum class Kind : uint8_t { Connect, Accept, Receive, Send, Poll, EpollWait, Close };
  Kind kind = Kind::Receive;
  int fd = -1;
  int flags = 0;
  uint64_t serial = 0;            // of the descriptor's file
  bool may_wait = true;           // else it ends at once
  Instant deadline = kNever;      // SO_RCVTIMEO, SO_SNDTIMEO, the time limit of poll() and close()
  size_t done = 0;                // octets moved so far
  bool at_mark = false;           // Receive: the end of urgent data comes next
  Parts<Part> into;               // Receive
  Parts<ConstPart> from;          // Send
  SocketAddress to;               // Send; AF_UNSPEC: none
  SocketAddress* name = nullptr;  // Accept, Receive: to be filled
  ReceiveMessage* message = nullptr;
  std::span<PollEntry> entries;  // Poll
  std::span<EpollEvent> events;  // EpollWait
  Handle closing;                // Close
};

// What an attempt answers; nothing: it would block.
using Attempt = std::optional<Result>;

struct Process {
  Process(stack::Stack& over, Instant at, const Settings& how);

  stack::Stack& stack;
  Settings settings;
  Instant now;
  std::vector<File> files;  // by number of the descriptor, from settings.first_descriptor
  uint32_t open = 0;
  uint64_t serials = 0;
  std::map<uint64_t, Operation> blocked;  // by ticket
  uint64_t tickets = 0;
  std::multimap<uint16_t, int> ports;  // what streams are bound to
  std::vector<int> room_watch;         // sockets whose room is looked at after each pump()
  PortRange ephemeral;
  Random random;
  std::vector<uint8_t> scratch;  // datagrams in several parts, peeked text
};

// --- table.cc -----------------------------------------------------------------------------------
[[nodiscard]] File* find_file(Process& p, int fd);
// nullptr: `why` is EBADF or ENOTSOCK.
[[nodiscard]] Socket* find_socket(Process& p, int fd, int& why);
// The lowest free descriptor; -1 when all are taken.
[[nodiscard]] int open_file(Process& p);
void free_file(Process& p, int fd);
[[nodiscard]] uint64_t new_cookie(Process& p, int fd);

// --- events.cc ----------------------------------------------------------------------------------
bool take_events(Process& p);
bool take_event(Process& p, const tcp::Occurrence& o);
// The connection is gone, with SO_ERROR (0: by the book), and everybody who waits wakes up.
void note_end(Process& p, Socket& s, int error);
// For a call that found the end before its event came.
void note_error(Process& p, Socket& s, Error e);
// SO_ERROR, told once.
[[nodiscard]] int take_error(Socket& s);

// --- operation.cc -------------------------------------------------------------------------------
// Carries a call out, or keeps it until retry().
Result run(Process& p, Operation op);
Result go_on(Process& p, uint64_t ticket, bool interrupted);
[[nodiscard]] Instant deadline_of(Duration limit, Instant now);

// --- attempts, each in the file of its call -----------------------------------------------------
Attempt try_connect(Process& p, Socket& s);
Attempt try_accept(Process& p, Socket& s, Operation& op);
Attempt try_receive(Process& p, Socket& s, Operation& op);
Attempt try_send(Process& p, Socket& s, Operation& op);
Attempt try_receive_datagram(Process& p, Socket& s, Operation& op);
Attempt try_send_datagram(Process& p, Socket& s, Operation& op);
Attempt try_poll(Process& p, Operation& op);
Attempt try_epoll_wait(Process& p, Epoll& e, Operation& op);
Attempt try_close(Process& p, const Operation& op);

// --- open.cc, datagram.cc -----------------------------------------------------------------------
Result bind_stream(Process& p, int fd, Socket& s, const Endpoint& at);
Result connect_stream(Process& p, int fd, Socket& s, const Endpoint& to);
Result bind_datagram(Process& p, int fd, Socket& s, const Endpoint& at);
Result connect_datagram(Process& p, int fd, Socket& s, const Endpoint& to);
// Back to Fresh, whatever it was (connect() with AF_UNSPEC).
void disconnect(Process& p, int fd, Socket& s);
void unbind(Process& p, int fd, const Socket& s);
[[nodiscard]] bool family_fits(const Socket& s, const SocketAddress& a);

// --- readiness.cc, epoll.cc ---------------------------------------------------------------------
// What poll() would report of everything that it knows. `wanted`: whether room to send matters.
[[nodiscard]] uint32_t readiness(Process& p, int fd, Socket& s, uint32_t wanted);
[[nodiscard]] uint32_t readiness_of_file(Process& p, int fd, File& f, uint32_t wanted);
// Something of these kinds may have happened.
void wake(Process& p, int fd, const Socket& s, uint32_t kinds);
void look_for_room(Process& p);
// The descriptor is closed: nobody watches it, and it watches nobody.
void unwatch(Process& p, int fd, File& f);

inline constexpr uint32_t kAnyChange = ~uint32_t{0};

}  // namespace rapport::posix
