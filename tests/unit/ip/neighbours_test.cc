// Neighbours: asking, time, and every row of RFC 4861's table of states (7.2.5, 7.3.3, appendix C).
// What others ask: neighbours_answers_test. Our own addresses: own_addresses_test.
#include "neighbours_wire.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_cache.hh"
#include "rapport/wire/ndp.hh"

#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::ip {
namespace {

// --- asking --------------------------------------------------------------------------------------

TEST(Neighbours, TheFirstPacketWaitsWhileAllAreAsked_R4861_7_2_2) {
  Wire w;
  EXPECT_EQ(w.send(a6).verdict, Verdict::Held);
  EXPECT_EQ(w.state(a6), Incomplete);
  const auto said = w.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::Solicitation);
  EXPECT_EQ(said[0].target, a6);
  EXPECT_EQ(said[0].source, us6);
  EXPECT_EQ(said[0].destination, wire::solicited_node(a6));
  EXPECT_EQ(to_string(said[0].to), "33:33:ff:00:00:0a");
  EXPECT_TRUE(said[0].names_us);
}

TEST(Neighbours, ArpAsksByBroadcast_R826) {
  Wire w;
  EXPECT_EQ(w.send(a4).verdict, Verdict::Held);
  const auto said = w.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].kind, Kind::ArpRequest);
  EXPECT_EQ(said[0].to, MacAddress::broadcast());
  EXPECT_EQ(said[0].source, us4);
  EXPECT_EQ(said[0].target, a4);
}

TEST(Neighbours, ThePacketsOwnSourceAsks_R4861_7_2_2) {
  Wire w;
  Frame f = w.packet(a6, 0, second6);
  EXPECT_EQ(w.n.resolve(a6, f, w.now).verdict, Verdict::Held);
  EXPECT_EQ(w.said().at(0).source, second6);
}

TEST(Neighbours, OnlyTheLatestPacketWaits_R1122_2_3_2_2) {
  Wire w;
  EXPECT_EQ(w.send(a6, 1).reason, DropReason::None);
  EXPECT_EQ(w.send(a6, 2).reason, DropReason::NeighbourReplaced);
  EXPECT_EQ(w.send(a6, 3).verdict, Verdict::Held);
  EXPECT_EQ(w.pool.in_use(), 1);
  EXPECT_EQ(w.said().size(), 1);  // and nobody is asked again for it
  EXPECT_EQ(w.advertise(mac_a, true, true), DropReason::None);
  EXPECT_EQ(w.released(mac_a), std::vector<int>{3});
  EXPECT_EQ(w.send(a6).verdict, Verdict::Known);
  EXPECT_EQ(w.send(a6).mac, mac_a);
}

TEST(Neighbours, OnceASecondThreeTimesThenItFails_R4861_7_2_2) {
  for (const IpAddress& to : {a4, a6}) {
    Wire w;
    (void)w.send(to, 9);
    EXPECT_EQ(w.said().size(), 1);
    for (int i = 0; i < 2; ++i) {
      w.after(1_s - 1_us);
      EXPECT_EQ(w.said().size(), 0);
      w.after(1_us);
      EXPECT_EQ(w.said().size(), 1);
    }
    EXPECT_EQ(w.failed().size(), 0);
    w.after(1_s);
    EXPECT_EQ(w.failed(), std::vector<int>{9});
    EXPECT_EQ(w.state(to), std::nullopt);
    EXPECT_EQ(w.said().size(), 0);
    EXPECT_EQ(w.n.next_deadline(), kNever);
    EXPECT_EQ(w.send(to).verdict, Verdict::Held);  // a new packet begins anew
  }
}

TEST(Neighbours, WithoutAnAddressOfOursNobodyIsAsked) {
  FramePool pool{4, 512};
  Neighbours n({}, our_mac, 1);
  Frame f = pool.allocate(0);
  const auto r = n.resolve(a6, f, Instant{});
  EXPECT_EQ(r.verdict, Verdict::Failed);
  EXPECT_EQ(r.reason, DropReason::NoRoute);
  EXPECT_TRUE(f);  // still the caller's
  EXPECT_EQ(n.size(), 0);
}

TEST(Neighbours, GroupsAreKnown) {
  Wire w;
  EXPECT_EQ(to_string(w.send(wire::all_nodes()).mac), "33:33:00:00:00:01");
  EXPECT_EQ(to_string(w.send(IpAddress::v4(224, 0, 0, 1)).mac), "01:00:5e:00:00:01");
  EXPECT_EQ(w.send(IpAddress::v4(255, 255, 255, 255)).mac, MacAddress::broadcast());
  EXPECT_EQ(w.n.size(), 0);
}

// --- time ----------------------------------------------------------------------------------------

TEST(Neighbours, ReachableBetweenHalfAndOneAndAHalf_R4861_6_3_2) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Wire w;
    Neighbours n({}, our_mac, seed);
    ASSERT_TRUE(n.assume(us6));
    Frame f = w.packet(a6);
    (void)n.resolve(a6, f, w.now);
    (void)n.hear_advertisement(
        {.target = a6, .target_mac = mac_a, .is_router = false, .solicited = true}, w.now);
    EXPECT_EQ(n.look(a6, w.now + 15_s - 1_ns).value().state, Reachable);
    EXPECT_EQ(n.look(a6, w.now + 45_s).value().state, Stale);
  }
}

TEST(Neighbours, StaleIsUsedAndWatched_R4861_7_3_3) {
  Wire w;
  w.bring(Stale);
  EXPECT_EQ(w.n.next_deadline() > w.now + 100_s, true);  // nothing happens by itself
  EXPECT_EQ(w.send(a6).mac, mac_a);
  EXPECT_EQ(w.state(a6), Delay);
  w.after(5_s - 1_us);
  EXPECT_EQ(w.said().size(), 0);
  w.after(1_us);
  EXPECT_EQ(w.state(a6), Probe);
  const auto said = w.said();
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].to, mac_a);  // to it alone
  EXPECT_EQ(said[0].destination, a6);
  EXPECT_EQ(w.send(a6).mac, mac_a);  // still used meanwhile
}

TEST(Neighbours, ThreeProbesThenItIsForgotten_R4861_7_3_3) {
  Wire w;
  w.bring(Probe);
  w.after(1_s);
  w.after(1_s);
  EXPECT_EQ(w.said().size(), 2);
  EXPECT_EQ(w.state(a6), Probe);
  w.after(1_s);
  EXPECT_EQ(w.state(a6), std::nullopt);
  EXPECT_EQ(w.failed().size(), 0);
}

TEST(Neighbours, TheUpperLayerConfirms_R4861_7_3_1) {
  for (const NeighbourState from : {Reachable, Stale, Delay, Probe}) {
    Wire w;
    w.bring(from);
    w.n.confirm(a6, w.now);
    EXPECT_EQ(w.state(a6), Reachable);
    w.after(14_s);
    EXPECT_EQ(w.said().size(), 0);
    EXPECT_EQ(w.state(a6), Reachable);
  }
  Wire w;
  w.bring(Incomplete);
  w.n.confirm(a6, w.now);
  EXPECT_EQ(w.state(a6), Incomplete);
  w.n.confirm(a4, w.now);
  EXPECT_EQ(w.state(a4), std::nullopt);
}

// --- advertisements: the table of appendix C -----------------------------------------------------

TEST(Neighbours, AnAdvertisementCreatesNothing_R4861_7_2_5) {
  Wire w;
  EXPECT_EQ(w.advertise(mac_a, true, true), DropReason::NeighbourIgnored);
  EXPECT_EQ(w.n.size(), 0);
}

TEST(Neighbours, IncompleteNeedsALinkAddress_R4861_7_2_5) {
  Wire w;
  w.bring(Incomplete);
  EXPECT_EQ(w.advertise({}, true, true), DropReason::NeighbourIgnored);
  EXPECT_EQ(w.state(a6), Incomplete);
}

TEST(Neighbours, IncompleteSolicitedBecomesReachable_R4861_7_2_5) {
  for (const bool overrides : {false, true}) {
    Wire w;
    w.bring(Incomplete);
    EXPECT_EQ(w.advertise(mac_a, true, overrides), DropReason::None);
    EXPECT_EQ(w.state(a6), Reachable);
    EXPECT_EQ(w.released(mac_a).size(), 1);
  }
}

TEST(Neighbours, IncompleteUnsolicitedIsUsedAndWatched_R4861_7_2_5) {
  Wire w;
  w.bring(Incomplete);
  EXPECT_EQ(w.advertise(mac_a, false, false), DropReason::None);
  EXPECT_EQ(w.released(mac_a).size(), 1);
  EXPECT_EQ(w.state(a6), Delay);  // STALE, and then the packet that waited was sent
}

struct Row {
  NeighbourState from;
  std::optional<MacAddress> mac;
  bool solicited, overrides;
  NeighbourState to;
  MacAddress mac_after;
  bool ignored = false;
};

TEST(Neighbours, EveryOtherRowOfTheTable_R4861_7_2_5) {
  std::vector<Row> rows;
  for (const NeighbourState s : {Reachable, Stale, Delay, Probe}) {
    for (const bool overrides : {false, true}) {
      rows.push_back({s, mac_a, true, overrides, Reachable, mac_a});  // the same, solicited
      rows.push_back({s, mac_a, false, overrides, s, mac_a});         // the same, not solicited
      rows.push_back({s, {}, true, overrides, Reachable, mac_a});     // without one
      rows.push_back({s, {}, false, overrides, s, mac_a});
    }
    rows.push_back({s, mac_b, true, true, Reachable, mac_b});  // another, overriding
    rows.push_back({s, mac_b, false, true, Stale, mac_b});
    for (const bool solicited : {false, true}) {  // another, not overriding: I.a and I.b
      const bool reachable = s == Reachable;
      rows.push_back({s, mac_b, solicited, false, reachable ? Stale : s, mac_a, !reachable});
    }
  }
  for (const Row& row : rows) {
    Wire w;
    w.bring(row.from);
    const DropReason why = w.advertise(row.mac, row.solicited, row.overrides);
    EXPECT_EQ(why, row.ignored ? DropReason::NeighbourIgnored : DropReason::None);
    EXPECT_EQ(w.state(a6), row.to) << int(row.from) << row.solicited << row.overrides;
    EXPECT_EQ(w.mac(a6), row.mac_after);
    const bool timer = row.to == Delay || row.to == Probe;
    w.after(10_s);
    EXPECT_EQ(!w.said().empty(), timer);
  }
}

TEST(Neighbours, TheRouterFlagIsKept_R4861_7_2_5) {
  Wire w;
  w.bring(Reachable);
  (void)w.n.hear_advertisement(
      {.target = a6, .target_mac = mac_a, .is_router = true, .solicited = true}, w.now);
  EXPECT_TRUE(w.n.look(a6, w.now).value().is_router);
  (void)w.advertise(mac_a, false, false);
  EXPECT_FALSE(w.n.look(a6, w.now).value().is_router);
}

TEST(Neighbours, AGroupIsNoStation) {
  Wire w;
  w.bring(Incomplete);
  EXPECT_EQ(w.advertise(MacAddress::broadcast(), true, true), DropReason::NeighbourIgnored);
  EXPECT_EQ(w.advertise(MacAddress{}, true, true), DropReason::NeighbourIgnored);
  EXPECT_EQ(w.state(a6), Incomplete);
}

}  // namespace
}  // namespace rapport::ip
