// Our own addresses: duplicate address detection (RFC 4862 5.4), probes, announcements and defence
// of IPv4 (RFC 5227), through Neighbours.
#include "rapport/ip/own_addresses.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/ip/neighbours.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ndp.hh"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::ip {
namespace {

using enum AddressState;
using Kind = NeighbourMessage::Kind;

const MacAddress our_mac{{2, 0, 0, 0, 0, 1}}, other_mac{{2, 0, 0, 0, 0, 2}};
const IpAddress us4 = IpAddress::v4(10, 0, 0, 1), them4 = IpAddress::v4(10, 0, 0, 2);
const IpAddress us6 = parse_address("fe80::1").value(), them6 = parse_address("fe80::2").value();

class Check {
 public:
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

  // "address state" of the next that settled.
  bool settles(const IpAddress& address, AddressState state) {
    IpAddress a;
    AddressState s{};
    return n.next_settled(a, s) && a == address && s == state;
  }

  bool nothing_settles() {
    IpAddress a;
    AddressState s{};
    return !n.next_settled(a, s);
  }

  DropReason asks(const IpAddress& source, const MacAddress& mac) {
    return n.hear_solicitation({.target = us6, .source_mac = {}}, source, mac, now);
  }

  DropReason advertises(const IpAddress& target) {
    return n.hear_advertisement({.target = target, .target_mac = other_mac}, now);
  }

  Instant now{1'000'000'000};
  Neighbours n{{}, our_mac, 3};
};

TEST(OwnAddresses, OneQuestionFromNobodyThenASecond_R4862_5_4_2) {
  Check c;
  EXPECT_TRUE(c.n.begin_check(us6, c.now));
  EXPECT_EQ(c.n.state_of(us6), Tentative);
  EXPECT_TRUE(c.nothing_settles());
  const Instant first = c.n.next_deadline();
  EXPECT_LE(first, c.now + 1_s);
  c.after(first - c.now);
  const auto said = c.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::Solicitation);
  EXPECT_EQ(said[0].source, IpAddress{});
  EXPECT_EQ(said[0].destination, wire::solicited_node(us6));
  EXPECT_EQ(said[0].target, us6);
  EXPECT_FALSE(said[0].names_us);
  c.after(1_s - 1_us);
  EXPECT_EQ(c.n.state_of(us6), Tentative);
  c.after(2_us);
  EXPECT_EQ(c.n.state_of(us6), Usable);
  EXPECT_TRUE(c.settles(us6, Usable));
  EXPECT_TRUE(c.nothing_settles());
  EXPECT_EQ(c.n.next_deadline(), kNever);
}

TEST(OwnAddresses, WhoAlsoChecksItOrHasItMakesItADuplicate_R4862_5_4_3) {
  for (const bool asked : {true, false}) {
    Check c;
    EXPECT_TRUE(c.n.begin_check(us6, c.now));
    EXPECT_EQ(asked ? c.asks({}, other_mac) : c.advertises(us6), DropReason::AddressConflict);
    EXPECT_EQ(c.n.state_of(us6), Duplicate);
    EXPECT_TRUE(c.settles(us6, Duplicate));
    c.after(10_s);
    EXPECT_EQ(c.said().size(), 0);
    EXPECT_EQ(c.n.state_of(us6), Duplicate);
    EXPECT_EQ(c.asks(them6, other_mac), DropReason::NeighbourIgnored);
  }
}

TEST(OwnAddresses, TentativeIsNotAnswered_R4862_5_4_3) {
  Check c;
  EXPECT_TRUE(c.n.begin_check(us6, c.now));
  EXPECT_EQ(c.asks(them6, other_mac), DropReason::NeighbourIgnored);
  EXPECT_EQ(c.asks({}, our_mac), DropReason::NeighbourIgnored);  // our own question, looped back
  EXPECT_EQ(c.n.state_of(us6), Tentative);
  EXPECT_EQ(c.said().size(), 0);
}

TEST(OwnAddresses, ACheckOfWhatWeHaveIsAnsweredToAll_R4861_7_2_4) {
  Check c;
  EXPECT_TRUE(c.n.assume(us6));
  EXPECT_EQ(c.asks({}, other_mac), DropReason::None);
  const auto said = c.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::Advertisement);
  EXPECT_EQ(said[0].destination, wire::all_nodes());
  EXPECT_EQ(to_string(said[0].to), "33:33:00:00:00:01");
  EXPECT_FALSE(said[0].solicited);
  EXPECT_TRUE(said[0].names_us);
}

TEST(OwnAddresses, AUsableIpv6AddressIsKept_R4862_5_4_4) {
  Check c;
  EXPECT_TRUE(c.n.assume(us6));
  EXPECT_EQ(c.advertises(us6), DropReason::AddressConflict);
  EXPECT_EQ(c.n.state_of(us6), Usable);
}

TEST(OwnAddresses, ThreeProbesThenTwoAnnouncements_R5227_2_1) {
  Check c;
  EXPECT_TRUE(c.n.begin_check(us4, c.now));
  const Instant begun = c.now;
  std::vector<NeighbourMessage> all;
  std::vector<Instant> when;
  while (c.n.next_deadline() != kNever) {
    c.after(c.n.next_deadline() - c.now);
    for (const NeighbourMessage& m : c.said()) {
      all.push_back(m);
      when.push_back(c.now);
    }
  }
  ASSERT_EQ(all.size(), 5);
  EXPECT_LE(when[0], begun + 1_s);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].kind, Kind::ArpRequest);
    EXPECT_EQ(all[i].to, MacAddress::broadcast());
    EXPECT_EQ(all[i].target, us4);
    EXPECT_EQ(all[i].source, i < 3 ? IpAddress::v4(0) : us4);
  }
  for (const size_t i : {size_t{1}, size_t{2}}) {
    EXPECT_GE(when[i] - when[i - 1], 1_s);
    EXPECT_LE(when[i] - when[i - 1], 2_s);
  }
  EXPECT_EQ(when[3] - when[2], 2_s);
  EXPECT_EQ(when[4] - when[3], 2_s);
  EXPECT_TRUE(c.settles(us4, Usable));
}

wire::Arp from_other(const IpAddress& sender, const IpAddress& target) {
  return {.operation = wire::ArpOperation::Request,
          .sender_mac = other_mac,
          .target_mac = {},
          .sender = sender,
          .target = target};
}

TEST(OwnAddresses, AProbedAddressThatIsInUse_R5227_2_1_1) {
  const wire::Arp uses = from_other(us4, them4);
  const wire::Arp probes = wire::arp_probe(other_mac, us4);
  for (const wire::Arp& arp : {uses, probes}) {
    Check c;
    EXPECT_TRUE(c.n.begin_check(us4, c.now));
    EXPECT_EQ(c.n.hear_arp(arp, c.now), DropReason::AddressConflict);
    EXPECT_TRUE(c.settles(us4, Duplicate));
    c.after(20_s);
    EXPECT_EQ(c.said().size(), 0);
  }
  Check c;  // our own probe, looped back
  EXPECT_TRUE(c.n.begin_check(us4, c.now));
  EXPECT_EQ(c.n.hear_arp(wire::arp_probe(our_mac, us4), c.now), DropReason::NeighbourIgnored);
  EXPECT_EQ(c.n.state_of(us4), Tentative);
}

TEST(OwnAddresses, AProbeForWhatWeHaveIsAnswered_R5227_2_1_1) {
  Check c;
  EXPECT_TRUE(c.n.assume(us4));
  EXPECT_EQ(c.n.hear_arp(wire::arp_probe(other_mac, us4), c.now), DropReason::None);
  const auto said = c.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::ArpReply);
  EXPECT_EQ(said[0].to, other_mac);
  EXPECT_EQ(said[0].source, us4);
  EXPECT_EQ(c.n.size(), 0);  // it has said nothing about itself
}

TEST(OwnAddresses, AnAddressIsDefendedOnceInTenSeconds_R5227_2_4) {
  Check c;
  EXPECT_TRUE(c.n.assume(us4));
  const wire::Arp claim = wire::arp_announcement(other_mac, us4);
  EXPECT_EQ(c.n.hear_arp(claim, c.now), DropReason::AddressConflict);
  const auto said = c.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].source, us4);
  EXPECT_EQ(said[0].target, us4);
  for (int i = 0; i < 100; ++i) (void)c.n.hear_arp(claim, c.now);
  c.after(10_s - 1_ns);
  EXPECT_EQ(c.n.hear_arp(claim, c.now), DropReason::AddressConflict);
  EXPECT_EQ(c.said().size(), 0);
  c.after(1_ns);
  (void)c.n.hear_arp(claim, c.now);
  EXPECT_EQ(c.said().size(), 1);
  EXPECT_EQ(c.n.state_of(us4), Usable);
}

TEST(OwnAddresses, ADuplicateIsTheOthersAddress) {
  Check c;
  EXPECT_TRUE(c.n.assume(them4));
  EXPECT_TRUE(c.n.begin_check(us4, c.now));
  EXPECT_EQ(c.n.hear_arp(from_other(us4, them4), c.now), DropReason::AddressConflict);
  EXPECT_EQ(c.n.hear_arp(from_other(us4, them4), c.now), DropReason::None);  // a neighbour
  EXPECT_EQ(c.n.size(), 1);
}

TEST(OwnAddresses, UncheckedTheyAreUsableAtOnce) {
  NeighbourConfig config;
  config.check.solicitations = 0;
  config.check.probes = 0;
  Neighbours n(config, our_mac, 3);
  EXPECT_TRUE(n.begin_check(us4, Instant{}));
  EXPECT_TRUE(n.begin_check(us6, Instant{}));
  EXPECT_EQ(n.state_of(us4), Usable);
  EXPECT_EQ(n.state_of(us6), Usable);
  EXPECT_EQ(n.next_deadline(), kNever);
}

TEST(OwnAddresses, SoManyAndNoMore) {
  Check c;
  for (uint32_t i = 0; i < OwnAddresses::kMost; ++i) {
    EXPECT_TRUE(c.n.assume(IpAddress::v4(0x0a000000U + i)));
  }
  EXPECT_FALSE(c.n.assume(us6));
  EXPECT_FALSE(c.n.begin_check(us6, c.now));
  EXPECT_TRUE(c.n.assume(IpAddress::v4(0x0a000000U)));  // known already
  c.n.remove(IpAddress::v4(0x0a000000U));
  EXPECT_EQ(c.n.state_of(IpAddress::v4(0x0a000000U)), NotOurs);
  EXPECT_TRUE(c.n.assume(us6));
}

TEST(OwnAddresses, WhatIsNotUsableIsNoSource) {
  FramePool pool{4, 512};
  Check c;
  EXPECT_TRUE(c.n.begin_check(us6, c.now));
  Frame f = pool.allocate(0);
  EXPECT_EQ(c.n.resolve(them6, f, c.now).verdict, Neighbours::Verdict::Failed);
  c.after(3_s);
  EXPECT_EQ(c.n.resolve(them6, f, c.now).verdict, Neighbours::Verdict::Held);
  c.n.remove(us6);  // taken from us while we ask
  c.after(1_s);
  EXPECT_TRUE(c.n.next_failed(f));
}

}  // namespace
}  // namespace rapport::ip
