// Neighbours: the frames of its messages, and any events in any order.
#include "neighbours_wire.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::ip {
namespace {

// --- frames --------------------------------------------------------------------------------------

TEST(Neighbours, TheFramesOfItsMessages) {
  Wire w;
  (void)w.send(a6);
  (void)w.send(a4);
  const auto said = w.said();
  std::array<uint8_t, kNeighbourFrame> room{};
  size_t length = build_neighbour_frame(room.data(), said.at(0), our_mac);
  auto frame = wire::parse_ethernet(std::span(room).first(length)).value();
  EXPECT_EQ(frame.type, wire::kEtherIpv6);
  EXPECT_EQ(frame.source, our_mac);
  const auto ip = wire::parse_ipv6(frame.payload).value();
  EXPECT_EQ(ip.hop_limit, 255);
  const auto icmp = wire::parse_icmpv6(ip.payload, ip.source, ip.destination).value();
  const auto s = wire::parse_solicitation(icmp, ip.source, ip.destination).value();
  EXPECT_EQ(s.target, a6);
  EXPECT_EQ(s.source_mac, our_mac);
  length = build_neighbour_frame(room.data(), said.at(1), our_mac);
  frame = wire::parse_ethernet(std::span(room).first(length)).value();
  EXPECT_EQ(frame.destination, MacAddress::broadcast());
  const auto arp = wire::parse_arp(frame.payload).value();
  EXPECT_EQ(arp.operation, wire::ArpOperation::Request);
  EXPECT_EQ(arp.sender_mac, our_mac);
  EXPECT_EQ(arp.target_mac, MacAddress{});
  EXPECT_EQ(arp.target, a4);
}

TEST(Neighbours, WhatWeAnswerIsWhatAnAskerUnderstands) {
  Wire w;
  (void)w.solicit(mac_b);
  (void)w.arp(wire::ArpOperation::Request, us4);
  const auto said = w.said();
  std::array<uint8_t, kNeighbourFrame> room{};
  size_t length = build_neighbour_frame(room.data(), said.at(0), our_mac);
  auto frame = wire::parse_ethernet(std::span(room).first(length)).value();
  const auto ip = wire::parse_ipv6(frame.payload).value();
  const auto icmp = wire::parse_icmpv6(ip.payload, ip.source, ip.destination).value();
  const auto a = wire::parse_advertisement(icmp, ip.destination).value();
  EXPECT_EQ(a.target, us6);
  EXPECT_EQ(a.target_mac, our_mac);
  EXPECT_TRUE(a.solicited);
  EXPECT_TRUE(a.overrides);
  EXPECT_FALSE(a.is_router);
  length = build_neighbour_frame(room.data(), said.at(1), our_mac);
  frame = wire::parse_ethernet(std::span(room).first(length)).value();
  const auto arp = wire::parse_arp(frame.payload).value();
  EXPECT_EQ(arp.operation, wire::ArpOperation::Reply);
  EXPECT_EQ(arp.sender, us4);
  EXPECT_EQ(arp.sender_mac, our_mac);
  EXPECT_EQ(arp.target, a4);
  EXPECT_EQ(arp.target_mac, mac_a);
}

// --- anything, in any order ----------------------------------------------------------------------

// One random event among few addresses, so that they meet.
void anything(Wire& w) {
  const auto pick = *rc::gen::inRange<uint32_t>(0, 6);
  const bool six = *rc::gen::arbitrary<bool>();
  IpAddress who = nth(pick);
  if (six) {
    who = a6;
    who.octets[14] = static_cast<uint8_t>(pick);
  }
  const MacAddress mac = *rc::gen::arbitrary<bool>() ? mac_a : mac_b;
  const bool flag = *rc::gen::arbitrary<bool>();
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
    case 1: (void)w.send(who); break;
    case 2:
      (void)w.n.hear_arp(
          {.operation = flag ? wire::ArpOperation::Reply : wire::ArpOperation::Request,
           .sender_mac = mac,
           .target_mac = our_mac,
           .sender = nth(pick),
           .target = us4},
          w.now);
      break;
    case 3:
      (void)w.n.hear_advertisement({.target = who,
                                    .target_mac = mac,
                                    .is_router = false,
                                    .solicited = flag,
                                    .overrides = *rc::gen::arbitrary<bool>()},
                                   w.now);
      break;
    case 4:
      (void)w.n.hear_solicitation({.target = us6, .source_mac = mac}, six ? who : a6, mac, w.now);
      break;
    case 5: w.n.confirm(who, w.now); break;
    default: w.after(Duration{*rc::gen::inRange<int64_t>(0, 8000) * 1'000'000});
  }
}

RC_GTEST_PROP(NeighboursProperty, CapsHoldAndNoFrameIsLost, ()) {
  Wire w({.cap = 4});
  const auto events = *rc::gen::inRange(0, 200);
  for (int i = 0; i < events; ++i) {
    anything(w);
    RC_ASSERT(w.n.size() <= 4);
    RC_ASSERT(w.pool.in_use() <= 4 + 4 + 4);  // held, released, failed
    if (*rc::gen::arbitrary<bool>()) {
      Frame f;
      MacAddress mac;
      while (w.n.next_released(f, mac)) RC_ASSERT(mac == mac_a || mac == mac_b);
      f.reset();
      (void)w.failed();
      (void)w.said();
      RC_ASSERT(w.pool.in_use() <= 4);
    }
  }
  w.after(60_s);  // every question has found its end
  Frame f;
  MacAddress mac;
  while (w.n.next_released(f, mac)) f.reset();
  (void)w.failed();
  RC_ASSERT(w.pool.in_use() == 0);
  RC_ASSERT(w.n.next_deadline() > w.now);
}

}  // namespace
}  // namespace rapport::ip
