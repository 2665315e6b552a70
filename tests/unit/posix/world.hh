// Two processes, a client at 10.0.0.1 and fd00::1 and a server at 10.0.0.2 and fd00::2, each with
// its stack, back to back in virtual time. Frames may be lost on the way.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/posix/names.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::posix {

// How a failed expectation prints what came instead.
inline void PrintTo(const Result& r, std::ostream* out) {  // NOLINT: GoogleTest's own name
  if (r.blocked()) {
    *out << "blocks";
  } else if (r.error != 0) {
    *out << "-1 " << errno_name(r.error);
  } else {
    *out << r.value;
  }
}

inline ConstPart octets(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string text(std::span<const uint8_t> octets, size_t n) {
  return {reinterpret_cast<const char*>(octets.data()), n};
}

// Which of the two families a test runs in.
enum class Family : uint8_t { V4, V6 };

struct World {
  struct End {
    End(const stack::Config& config, const Settings& settings, Instant now)
        : frames(4096, 2048), stack(config, frames), sockets(stack, now, settings) {}

    FramePool frames;
    stack::Stack stack;
    Sockets sockets;
  };

  static stack::Config config_of(uint8_t host) {
    stack::Config c;
    IpAddress v6 = *parse_address("fd00::");
    v6.octets[15] = host;
    c.interfaces[0].addresses = {Cidr{IpAddress::v4(10, 0, 0, host), 24}, Cidr{v6, 64}};
    c.tcp.seed = host;
    c.tcp.max_connections = c.tcp.max_half_open = c.tcp.max_transfers = c.tcp.max_extras = 1024;
    c.tcp.max_time_wait = 1024;
    c.tcp.max_blocks = c.tcp.max_pieces = 4096;
    c.udp.max_sockets = c.udp.max_datagrams = c.udp.max_blocks = 1024;
    return c;
  }

  World() : World(config_of(1), config_of(2)) {}

  World(const stack::Config& a, const stack::Config& b, const Settings& settings = {})
      : client_end(a, settings, Instant{1'000'000}), server_end(b, settings, Instant{1'000'000}) {}

  // Moves frames until there are none, and lets both processes hear of it.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = carry(client_end.stack, server_end.stack, lose_to_server);
      moved = carry(server_end.stack, client_end.stack, lose_to_client) || moved;
    }
    client.pump(now);
    server.pump(now);
  }

  // To the next deadline before `limit` of either stack or process; false when there is none.
  bool step(Instant limit) {
    const Instant at = std::min({client_end.stack.next_deadline(), server_end.stack.next_deadline(),
                                 client.next_deadline(), server.next_deadline()});
    if (at > limit) return false;
    now = std::max(now, at);
    client_end.stack.expire(now);
    server_end.stack.expire(now);
    settle();
    return true;
  }

  void run_for(Duration time) {
    const Instant limit = now + time;
    settle();
    // A process' deadline stays due until the call that waits is tried again: that is its caller's.
    while (next_stack_deadline() <= limit) step(limit);
    now = limit;
    settle();
  }

  // What a blocked call answers in the end, as time passes.
  Result finish(Sockets& who, Result r, Duration limit = 600_s) {
    const Instant end = now + limit;
    settle();
    while (r.blocked()) {
      r = who.retry(r.ticket);
      settle();
      if (r.blocked() && !step(end)) break;
    }
    return r;
  }

  [[nodiscard]] Instant next_stack_deadline() {
    return std::min(client_end.stack.next_deadline(), server_end.stack.next_deadline());
  }

  End client_end, server_end;
  Sockets& client = client_end.sockets;
  Sockets& server = server_end.sockets;
  Instant now{1'000'000};
  // True: this frame is lost.
  std::function<bool(const Frame&)> lose_to_server = nullptr, lose_to_client = nullptr;

 private:
  using Fate = std::function<bool(const Frame&)>;

  bool carry(stack::Stack& from, stack::Stack& to, const Fate& is_lost) {
    bool any = false;
    while (Frame f = from.next_frame()) {
      any = true;
      if (is_lost && is_lost(f)) continue;
      to.receive(std::span(&f, 1), now);
    }
    return any;
  }
};

inline bool lose_all(const Frame& /*f*/) {
  return true;
}

class PosixTest : public ::testing::Test {
 protected:
  static constexpr uint16_t kPort = 8080;

  static SocketAddress address(uint8_t host, uint16_t port, Family family = Family::V4) {
    if (family == Family::V4) return {kAfInet, {IpAddress::v4(10, 0, 0, host), port}};
    SocketAddress a{kAfInet6, {*parse_address("fd00::"), port}};
    a.at.address.octets[15] = host;
    return a;
  }

  static SocketAddress server_address(Family family = Family::V4) {
    return address(2, kPort, family);
  }

  static int domain(Family family) { return family == Family::V4 ? kAfInet : kAfInet6; }

  static int stream(Sockets& who, Family family = Family::V4, int flags = 0) {
    return static_cast<int>(who.socket(domain(family), kSockStream | flags, 0).value);
  }

  // A socket that listens at kPort.
  int listening(Family family = Family::V4, int backlog = 8, int flags = kSockNonblock) {
    const int fd = stream(w.server, family, flags);
    EXPECT_EQ(w.server.bind(fd, server_address(family)), success());
    EXPECT_EQ(w.server.listen(fd, backlog), success());
    return fd;
  }

  // A connection: `c` at the client, `s` at the server. Both with O_NONBLOCK.
  void open(Family family = Family::V4) {
    l = listening(family);
    c = stream(w.client, family, kSockNonblock);
    EXPECT_EQ(w.client.connect(c, server_address(family)), failure(EINPROGRESS));
    w.settle();
    const Result r = w.server.accept4(l, nullptr, kSockNonblock);
    ASSERT_TRUE(r.ok());
    s = static_cast<int>(r.value);
  }

  static void block(Sockets& who, int fd) { EXPECT_TRUE(who.fcntl(fd, kFSetfl, 0).ok()); }

  // A word of four octets as an option's value.
  static Result set(Sockets& who, int fd, int level, int option, int value) {
    return who.setsockopt(fd, level, option, value);
  }

  // The value of an option; -errno when it cannot be had.
  static int get(Sockets& who, int fd, int level, int option) {
    int value = 0;
    const Result r = who.getsockopt(fd, level, option, value);
    return r.ok() ? value : -r.error;
  }

  static int so_error(Sockets& who, int fd) { return get(who, fd, kSolSocket, kSoError); }

  // What poll() reports when everything is asked for.
  static uint32_t seen(Sockets& who, int fd) {
    PollEntry e{fd, static_cast<int16_t>(kPollIn | kPollOut | kPollPri | kPollRdhup), 0};
    (void)who.poll(std::span(&e, 1), 0);
    return static_cast<uint32_t>(static_cast<uint16_t>(e.revents));
  }

  World w;
  int l = -1, c = -1, s = -1;
  std::array<uint8_t, 256> buffer{};
};

}  // namespace rapport::posix
