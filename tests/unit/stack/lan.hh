// Two stacks of both families in virtual time, joined by Ethernet or by a plain line: A is host 1
// (10.0.0.1, fd00::1), B is host 2. Frames are carried by hand: each may be looked at or lost.
#pragma once

#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include <gtest/gtest.h>

namespace rapport::test {

inline IpAddress v6_of(uint8_t host, uint8_t network = 0) {
  IpAddress a{};
  a.octets[0] = 0xfd;
  a.octets[7] = network;
  a.octets[15] = host;
  return a;
}

inline IpAddress v4_of(uint8_t host, uint8_t network = 0) {
  return IpAddress::v4(10, 0, network, host);
}

inline IpAddress address_of(bool v4, uint8_t host, uint8_t network = 0) {
  return v4 ? v4_of(host, network) : v6_of(host, network);
}

inline MacAddress mac_of(uint8_t host) {
  return {{2, 0, 0, 0, 0, host}};
}

// RFC 4291 Appendix A: of mac_of(host).
inline IpAddress link_local_of_host(uint8_t host) {
  return {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, host}};
}

inline stack::Config line_config(uint8_t host, uint32_t cap = 64) {
  stack::Config c = config_of(host, cap);
  c.interfaces[0].addresses = {Cidr{v4_of(host), 24}, Cidr{v6_of(host), 64}};
  return c;
}

inline stack::Config lan_config(uint8_t host, uint32_t cap = 64) {
  stack::Config c = line_config(host, cap);
  c.interfaces[0].ethernet = mac_of(host);
  return c;
}

class Lan {
 public:
  // Of each frame that leaves A (or B): false loses it.
  using Watch = std::function<bool(const Frame&, bool from_a)>;

  Lan(const stack::Config& config_a, const stack::Config& config_b)
      : frames_a(4096, 2048), frames_b(4096, 2048) {
    a.emplace(config_a, frames_a);
    b.emplace(config_b, frames_b);
  }

  Lan() : Lan(lan_config(1), lan_config(2)) {}

  // A line has nothing to check; on Ethernet the slower family takes 7 s at most.
  static Lan& ready(Lan& lan) {
    lan.run_until(lan.now + 12_s);
    for (const bool v4 : {true, false}) {
      EXPECT_EQ(lan.a->address_state(address_of(v4, 1)), ip::AddressState::Usable);
      EXPECT_EQ(lan.b->address_state(address_of(v4, 2)), ip::AddressState::Usable);
    }
    return lan;
  }

  void settle() {
    bool moved = true;
    while (moved) {
      moved = carry(*a, *b, true);
      moved = carry(*b, *a, false) || moved;
    }
  }

  // To the next deadline of either; false when there is none before `limit`. A deadline that does
  // not move, whatever is done about it, is a failure.
  bool next_deadline(Instant limit) {
    const Instant at = std::min(a->next_deadline(), b->next_deadline());
    if (at > limit) return false;
    calls_without_time_ = at <= now ? calls_without_time_ + 1 : 0;
    if (calls_without_time_ > kMostCalls) {
      ADD_FAILURE() << "next_deadline() stands still at " << now.ns << " ns";
      return false;
    }
    now = std::max(now, at);
    a->expire(now);
    b->expire(now);
    settle();
    return true;
  }

  void run_until(Instant limit) {
    settle();
    while (next_deadline(limit)) {
    }
    now = std::max(now, limit);
  }

  void expect_empty_pools() {
    a.reset();
    b.reset();
    EXPECT_EQ(frames_a.in_use(), 0U);
    EXPECT_EQ(frames_b.in_use(), 0U);
  }

  FramePool frames_a, frames_b;
  std::optional<stack::Stack> a, b;
  Instant now{1'000'000};
  Watch watch;

 private:
  static constexpr uint32_t kMostCalls = 32;

  bool carry(stack::Stack& from, stack::Stack& to, bool from_a) {
    size_t n = 0;
    bool any = false;
    while (n < burst_.size()) {
      Frame frame = from.next_frame();
      if (!frame) break;
      any = true;
      if (!watch || watch(frame, from_a)) burst_[n++] = std::move(frame);
    }
    if (n > 0) to.receive(std::span(burst_).first(n), now);
    return any;
  }

  std::array<Frame, 32> burst_{};
  uint32_t calls_without_time_ = 0;
};

}  // namespace rapport::test
