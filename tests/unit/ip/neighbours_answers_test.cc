// Neighbours: what others ask of us, by solicitations (RFC 4861 7.2.3) and by ARP (RFC 826, RFC
// 1122 2.3.2), and how many of them are remembered (RFC 6583).
#include "neighbours_wire.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_cache.hh"
#include "rapport/wire/arp.hh"

#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::ip {
namespace {

// --- solicitations -------------------------------------------------------------------------------

TEST(Neighbours, WhoAsksIsAnsweredAndRemembered_R4861_7_2_3) {
  Wire w;
  EXPECT_EQ(w.solicit(mac_b), DropReason::None);
  EXPECT_EQ(w.state(a6), Stale);
  EXPECT_EQ(w.mac(a6), mac_b);
  const auto said = w.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::Advertisement);
  EXPECT_EQ(said[0].to, mac_b);
  EXPECT_EQ(said[0].source, us6);
  EXPECT_EQ(said[0].destination, a6);
  EXPECT_EQ(said[0].target, us6);
  EXPECT_TRUE(said[0].solicited);
}

TEST(Neighbours, WithoutAnOptionTheFramesSenderIsAnswered) {
  Wire w;
  EXPECT_EQ(w.solicit({}), DropReason::None);
  EXPECT_EQ(w.said().at(0).to, mac_a);
  EXPECT_EQ(w.n.size(), 0);  // 7.2.3: only the option is remembered
}

TEST(Neighbours, WhoAsksForAnotherIsIgnored_R4861_7_2_3) {
  Wire w;
  EXPECT_EQ(w.n.hear_solicitation({.target = a6, .source_mac = mac_b},
                                  parse_address("fe80::b").value(), mac_b, w.now),
            DropReason::NeighbourIgnored);
  EXPECT_EQ(w.n.size(), 0);
  EXPECT_EQ(w.said().size(), 0);
}

TEST(Neighbours, ASolicitationChangesTheState_R4861_7_2_3) {
  for (const NeighbourState s : {Reachable, Stale, Delay, Probe}) {
    Wire w;
    w.bring(s);
    EXPECT_EQ(w.solicit(mac_a), DropReason::None);
    EXPECT_EQ(w.state(a6), s);  // no news
    EXPECT_EQ(w.solicit(mac_b), DropReason::None);
    EXPECT_EQ(w.state(a6), Stale);
    EXPECT_EQ(w.mac(a6), mac_b);
  }
  Wire w;
  w.bring(Incomplete);
  EXPECT_EQ(w.solicit(mac_b), DropReason::None);
  EXPECT_EQ(w.released(mac_b).size(), 1);
  EXPECT_EQ(w.state(a6), Delay);
}

// --- ARP -----------------------------------------------------------------------------------------

TEST(Neighbours, ARequestForUsIsAnsweredAndMerged_R826) {
  Wire w;
  EXPECT_EQ(w.arp(wire::ArpOperation::Request, us4), DropReason::None);
  EXPECT_EQ(w.state(a4), Stale);
  const auto said = w.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::ArpReply);
  EXPECT_EQ(said[0].to, mac_a);
  EXPECT_EQ(said[0].source, us4);
  EXPECT_EQ(said[0].destination, a4);
  EXPECT_EQ(w.arp(wire::ArpOperation::Request, us4, mac_b), DropReason::None);
  EXPECT_EQ(w.mac(a4), mac_b);
}

TEST(Neighbours, OthersOnlyUpdateWhatIsKnown_R826) {
  Wire w;
  const IpAddress somebody = IpAddress::v4(10, 0, 0, 77);
  EXPECT_EQ(w.arp(wire::ArpOperation::Request, somebody), DropReason::NeighbourIgnored);
  EXPECT_EQ(w.arp(wire::ArpOperation::Request, a4), DropReason::NeighbourIgnored);  // gratuitous
  EXPECT_EQ(w.arp(wire::ArpOperation::Reply, us4), DropReason::NeighbourIgnored);
  EXPECT_EQ(w.n.size(), 0);
  (void)w.send(a4, 5);
  EXPECT_EQ(w.arp(wire::ArpOperation::Request, a4), DropReason::None);  // announces itself
  EXPECT_EQ(w.released(mac_a), std::vector<int>{5});
  EXPECT_EQ(w.state(a4), Delay);
  EXPECT_EQ(w.arp(wire::ArpOperation::Request, somebody, mac_b), DropReason::None);
  EXPECT_EQ(w.mac(a4), mac_b);
  EXPECT_EQ(w.state(a4), Stale);
}

TEST(Neighbours, AReplyToOurRequestMakesReachable) {
  Wire w;
  (void)w.send(a4, 5);
  EXPECT_EQ(w.arp(wire::ArpOperation::Reply, us4), DropReason::None);
  EXPECT_EQ(w.state(a4), Reachable);
  EXPECT_EQ(w.released(mac_a), std::vector<int>{5});
  // Nobody asked for this one: the address is taken over, but must prove itself.
  EXPECT_EQ(w.arp(wire::ArpOperation::Reply, us4, mac_b), DropReason::None);
  EXPECT_EQ(w.state(a4), Stale);
  EXPECT_EQ(w.mac(a4), mac_b);
}

TEST(Neighbours, ArpProbesToOneStation_R1122_2_3_2_1) {
  Wire w;
  (void)w.send(a4);
  (void)w.arp(wire::ArpOperation::Reply, us4);
  w.after(60_s);
  (void)w.send(a4);
  (void)w.said();
  w.after(5_s);
  const auto said = w.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::ArpRequest);
  EXPECT_EQ(said[0].to, mac_a);
  EXPECT_EQ(w.arp(wire::ArpOperation::Reply, us4), DropReason::None);
  EXPECT_EQ(w.state(a4), Reachable);
}

TEST(Neighbours, OurOwnEchoIsIgnored) {
  Wire w;
  EXPECT_EQ(w.n.hear_arp(wire::arp_announcement(our_mac, us4), w.now),
            DropReason::NeighbourIgnored);
  EXPECT_EQ(w.n.hear_solicitation({.target = us6, .source_mac = our_mac}, us6, our_mac, w.now),
            DropReason::NeighbourIgnored);
}

// --- caps ----------------------------------------------------------------------------------------

TEST(Neighbours, AtTheCapTheLeastRecentlyUsedGoes) {
  Wire w({.cap = 3});
  const auto reply = [&w](uint32_t i) {
    (void)w.n.hear_arp({.operation = wire::ArpOperation::Reply,
                        .sender_mac = mac_a,
                        .target_mac = our_mac,
                        .sender = nth(i),
                        .target = us4},
                       w.now);
  };
  for (uint32_t i = 0; i < 3; ++i) {
    (void)w.send(nth(i));
    reply(i);
  }
  EXPECT_EQ(w.send(nth(0)).verdict, Verdict::Known);  // used: 1 is now the oldest
  EXPECT_EQ(w.send(nth(3)).verdict, Verdict::Held);
  EXPECT_EQ(w.state(nth(1)), std::nullopt);
  EXPECT_EQ(w.state(nth(0)), Reachable);
  EXPECT_EQ(w.n.size(), 3);
}

TEST(Neighbours, AScanFillsNoMoreThanHalf_R6583) {
  Wire w({.cap = 8});
  const auto reply = [&w](uint32_t i) {
    (void)w.n.hear_arp({.operation = wire::ArpOperation::Reply,
                        .sender_mac = mac_a,
                        .target_mac = our_mac,
                        .sender = nth(i),
                        .target = us4},
                       w.now);
  };
  for (uint32_t i = 0; i < 4; ++i) {
    (void)w.send(nth(i));
    reply(i);
  }
  for (uint32_t i = 10; i < 1000; ++i) {  // nobody is there
    const auto r = w.send(nth(i));
    EXPECT_EQ(r.verdict, Verdict::Held);
    EXPECT_EQ(r.reason, i < 14 ? DropReason::None : DropReason::NeighbourEvicted);
  }
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(w.state(nth(i)), Reachable);
  EXPECT_EQ(w.state(nth(995)), std::nullopt);
  EXPECT_EQ(w.state(nth(996)), Incomplete);
  EXPECT_EQ(w.n.size(), 8);
  reply(999);  // who does answer is not the oldest any more
  EXPECT_EQ(w.state(nth(999)), Reachable);
}

TEST(Neighbours, WhoIsBeingProbedDoesNotGiveWay) {
  Wire w({.cap = 1});
  w.bring(Probe);
  Frame f = w.packet(nth(2));
  const auto r = w.n.resolve(nth(2), f, w.now);
  EXPECT_EQ(r.verdict, Verdict::Failed);
  EXPECT_EQ(r.reason, DropReason::NeighbourCacheFull);
  EXPECT_TRUE(f);
}

TEST(Neighbours, AStormOfAskersDrivesNobodyOut) {
  Wire w({.cap = 8});
  w.bring(Reachable);
  for (uint32_t i = 0; i < 1000; ++i) {
    const auto why = w.n.hear_arp({.operation = wire::ArpOperation::Request,
                                   .sender_mac = mac_b,
                                   .target_mac = {},
                                   .sender = nth(i),
                                   .target = us4},
                                  w.now);
    EXPECT_EQ(why, i < 128 ? DropReason::None : DropReason::NeighbourThrottled);
  }
  EXPECT_EQ(w.said().size(), 128);
  EXPECT_EQ(w.n.size(), 8);
  EXPECT_EQ(w.state(a6), Reachable);
}

}  // namespace
}  // namespace rapport::ip
