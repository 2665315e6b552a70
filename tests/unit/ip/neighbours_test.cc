// Neighbours: every row of RFC 4861's table of states (7.2.5, 7.3.3, appendix C), for ARP as well
// (RFC 826, RFC 1122 2.3.2), the one packet that waits, the cap. Our own addresses:
// own_addresses_test.
#include "rapport/ip/neighbours.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_cache.hh"
#include "rapport/ip/neighbour_message.hh"
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
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::ip {
namespace {

using enum NeighbourState;
using Kind = NeighbourMessage::Kind;
using Verdict = Neighbours::Verdict;

const MacAddress our_mac{{2, 0, 0, 0, 0, 1}}, mac_a{{2, 0, 0, 0, 0, 0xa}},
    mac_b{{2, 0, 0, 0, 0, 0xb}};
const IpAddress us4 = IpAddress::v4(10, 0, 0, 1), a4 = IpAddress::v4(10, 0, 0, 10);
const IpAddress us6 = parse_address("fe80::1").value(), a6 = parse_address("fe80::a").value();
const IpAddress second6 = parse_address("fd00::1").value();

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

// --- advertisements: the table of appendix C
// --------------------------------------------------------

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

// --- solicitations
// ---------------------------------------------------------------------------------

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

// --- ARP
// -------------------------------------------------------------------------------------------

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

// --- caps
// ------------------------------------------------------------------------------------------

IpAddress nth(uint32_t i) {
  return IpAddress::v4(0x0a010000U + i);
}

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

// --- frames
// ----------------------------------------------------------------------------------------

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

// --- anything, in any order
// --------------------------------------------------------------------------

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
