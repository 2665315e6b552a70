// One interface with a table of neighbours, and what its tests hear from it.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_cache.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/ip/neighbours.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::ip {

using enum NeighbourState;
using Kind = NeighbourMessage::Kind;
using Verdict = Neighbours::Verdict;

inline const MacAddress our_mac{{2, 0, 0, 0, 0, 1}}, mac_a{{2, 0, 0, 0, 0, 0xa}},
    mac_b{{2, 0, 0, 0, 0, 0xb}};
inline const IpAddress us4 = IpAddress::v4(10, 0, 0, 1), a4 = IpAddress::v4(10, 0, 0, 10);
inline const IpAddress us6 = parse_address("fe80::1").value(),
                       a6 = parse_address("fe80::a").value();
inline const IpAddress second6 = parse_address("fd00::1").value();

// One interface with an address of each family, and what came out of it.
class Wire {
 public:
  explicit Wire(const NeighbourConfig& config = {}) : n(config, our_mac, 7) {
    EXPECT_TRUE(n.assume(us4));
    EXPECT_TRUE(n.assume(us6));
    EXPECT_TRUE(n.assume(second6));
  }

  Frame packet(const IpAddress& to, uint8_t mark = 0, const IpAddress& from = us6) {
    Frame f = pool.allocate(64);
    if (to.is_v4()) {
      f.reshape(64, wire::kIpv4Header + 1);
      wire::Ipv4 ip;
      ip.source = us4;
      ip.destination = to;
      wire::build_ipv4(f.data(), ip, 1);
    } else {
      f.reshape(64, wire::kIpv6Header + 1);
      wire::Ipv6 ip;
      ip.source = from;
      ip.destination = to;
      ip.next_header = 200;
      wire::build_ipv6(f.data(), ip, 1);
    }
    f.data()[f.size() - 1] = mark;
    return f;
  }

  Neighbours::Resolution send(const IpAddress& to, uint8_t mark = 0) {
    Frame f = packet(to, mark);
    return n.resolve(to, f, now);
  }

  // The marks of the packets that came out, with their destinations checked.
  std::vector<int> released(const MacAddress& to) {
    std::vector<int> marks;
    Frame f;
    MacAddress mac;
    while (n.next_released(f, mac)) {
      EXPECT_EQ(mac, to);
      marks.push_back(f.data()[f.size() - 1]);
    }
    return marks;
  }

  std::vector<int> failed() {
    std::vector<int> marks;
    Frame f;
    while (n.next_failed(f)) marks.push_back(f.data()[f.size() - 1]);
    return marks;
  }

  std::vector<NeighbourMessage> said() {
    std::vector<NeighbourMessage> all;
    NeighbourMessage m;
    while (n.next_message(m)) all.push_back(m);
    return all;
  }

  void after(Duration d) {
    const Instant end = now + d;
    while (n.next_deadline() <= end) {
      now = std::max(now, n.next_deadline());
      n.expire(now);
    }
    now = end;
  }

  std::optional<NeighbourState> state(const IpAddress& a) {
    const auto view = n.look(a, now);
    return view ? std::optional(view->state) : std::nullopt;
  }

  MacAddress mac(const IpAddress& a) { return n.look(a, now).value().mac; }

  DropReason advertise(std::optional<MacAddress> mac, bool solicited, bool overrides) {
    return n.hear_advertisement({.target = a6,
                                 .target_mac = mac,
                                 .is_router = false,
                                 .solicited = solicited,
                                 .overrides = overrides},
                                now);
  }

  DropReason solicit(std::optional<MacAddress> mac, const IpAddress& from = a6) {
    return n.hear_solicitation({.target = us6, .source_mac = mac}, from, mac_a, now);
  }

  DropReason arp(wire::ArpOperation operation, const IpAddress& target,
                 const MacAddress& sender_mac = mac_a, const MacAddress& to = our_mac) {
    return n.hear_arp({.operation = operation,
                       .sender_mac = sender_mac,
                       .target_mac = to,
                       .sender = a4,
                       .target = target},
                      now);
  }

  // Brings fe80::a with mac_a into that state, with nothing left to take out.
  void bring(NeighbourState wanted) {
    (void)send(a6);
    if (wanted == Incomplete) {
      (void)said();
      return;
    }
    (void)advertise(mac_a, true, true);
    if (wanted != Reachable) after(60_s);  // at most 45 s
    if (wanted == Delay || wanted == Probe) (void)send(a6);
    if (wanted == Probe) after(5_s);
    (void)said();
    (void)released(mac_a);
    ASSERT_EQ(state(a6), wanted);
  }

  FramePool pool{64, 512};
  Instant now{1'000'000'000};
  Neighbours n;
};

inline IpAddress nth(uint32_t i) {
  return IpAddress::v4(0x0a010000U + i);
}

}  // namespace rapport::ip
