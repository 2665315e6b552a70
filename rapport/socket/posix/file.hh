// File: what a descriptor stands for: a socket, stream or datagram, or an epoll instance. Private
// to socket/posix; plain structs.
#pragma once

#include "rapport/base/address.hh"        // IWYU pragma: export
#include "rapport/base/handle.hh"         // IWYU pragma: export
#include "rapport/base/time.hh"           // IWYU pragma: export
#include "rapport/socket/posix/types.hh"  // IWYU pragma: export
#include "rapport/tcp/config.hh"          // IWYU pragma: export
#include "rapport/udp/commands.hh"        // IWYU pragma: export

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace rapport::posix {

// Of a stream. A datagram socket stays Fresh.
enum class Phase : uint8_t {
  Fresh,       // nothing asked for yet, or what was asked for has failed and been told
  Listening,   //
  Connecting,  // an active OPEN is under way
  Failed,      // ... and came to nothing: socket.error, until somebody asks
  Connected,   // the handshake was completed, by either side
  Ended,       // ... and the connection is gone
};

struct Socket {
  int domain = kAfInet;
  bool stream = true;
  Phase phase = Phase::Fresh;
  Handle handle;
  uint64_t cookie = 0;     // of the stack's events: those of an earlier connection do not count
  Endpoint local, remote;  // as bound, connected or accepted
  bool bound = false;      // by bind() or of itself: `local` is set
  int error = 0;           // SO_ERROR: told once
  bool peer_finished = false;
  bool read_shut = false, write_shut = false;
  bool urgent = false;         // the peer has urgent data: reading stops at the mark
  bool room_promised = false;  // the stack will tell when there is room to send
  bool room_watched = false;   // ... or it is looked for after each pump()
  bool reuse_address = false, reuse_port = false, v6_only = false;
  int receive_lowat = 1, send_lowat = 1;
  Duration receive_timeout{}, send_timeout{};  // 0: none
  tcp::ConnectionOptions options;
  udp::Options datagram;
  std::vector<int> watchers;  // epoll descriptors that watch this one
};

// One epoll instance. An item is ready from the moment that something may have happened to its
// descriptor until epoll_wait() finds that nothing has.
struct Epoll {
  struct Item {
    EpollEvent wanted;
    bool queued = false;  // in `ready`
  };

  std::map<int, Item> items;
  std::deque<int> ready;
};

struct File {
  uint64_t serial = 0;  // 0: the descriptor is free
  bool nonblocking = false, cloexec = false;
  std::unique_ptr<Socket> socket;
  std::unique_ptr<Epoll> epoll;
};

}  // namespace rapport::posix
