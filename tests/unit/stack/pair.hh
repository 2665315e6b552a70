// Two stacks back to back in virtual time: A (10.0.0.1) and B (10.0.0.2), frames moved in bursts.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/stack/stack.hh"

#include <array>
#include <cstdint>
#include <vector>

namespace rapport::test {

inline stack::Config config_of(uint8_t host, uint32_t cap) {
  stack::Config c;
  c.interfaces[0].addresses = {Cidr{IpAddress::v4(10, 0, 0, host), 24}};
  c.tcp.seed = host;
  c.tcp.max_connections = c.tcp.max_half_open = c.tcp.max_transfers = c.tcp.max_extras = cap;
  c.tcp.max_time_wait = cap;
  c.tcp.max_blocks = c.tcp.max_pieces = 4 * cap;
  return c;
}

class Pair {
 public:
  explicit Pair(uint32_t cap = 1024)
      : frames_a(2048, 2048),
        frames_b(2048, 2048),
        a(config_of(1, cap), frames_a),
        b(config_of(2, cap), frames_b) {}

  // Moves frames until neither stack has any; what each wants to tell stays with it.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = carry(a, b);
      moved = carry(b, a) || moved;
    }
  }

  // To the next deadline of either; false when there is none before `limit`.
  bool next_deadline(Instant limit) {
    const Instant at = std::min(a.next_deadline(), b.next_deadline());
    if (at > limit) return false;
    now = std::max(now, at);
    a.expire(now);
    b.expire(now);
    settle();
    return true;
  }

  void run_until(Instant limit) {
    while (next_deadline(limit)) {
    }
    now = std::max(now, limit);
  }

  FramePool frames_a, frames_b;
  stack::Stack a, b;
  Instant now{1'000'000};

 private:
  bool carry(stack::Stack& from, stack::Stack& to) {
    size_t n = 0;
    while (n < burst_.size()) {
      burst_[n] = from.next_frame();
      if (!burst_[n]) break;
      ++n;
    }
    if (n > 0) to.receive(std::span(burst_).first(n), now);
    return n > 0;
  }

  std::array<Frame, 32> burst_{};
};

}  // namespace rapport::test
