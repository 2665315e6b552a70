// Two stacks on one Ethernet, both families: neighbours are asked for, answer or do not, grow stale
// and vanish (RFC 826, RFC 1122 2.3.2, RFC 4861 7.2, 7.3); what TCP notices of it.
#include "rapport/wire/ethernet.hh"

#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

// What a frame is about.
enum class Kind : uint8_t { Question, Answer, Packet };

struct Seen {
  Kind kind;
  MacAddress to;
  bool from_a;
};

Seen kind_of(const Frame& frame, bool from_a) {
  const auto e = *wire::parse_ethernet(frame.bytes());
  Kind kind = Kind::Packet;
  if (e.type == wire::kEtherArp) {
    const bool asks = wire::parse_arp(e.payload)->operation == wire::ArpOperation::Request;
    kind = asks ? Kind::Question : Kind::Answer;
  } else if (e.type == wire::kEtherIpv6 && e.payload[6] == wire::kProtocolIcmpv6) {
    if (e.payload[40] == wire::kNeighbourSolicitation) kind = Kind::Question;
    if (e.payload[40] == wire::kNeighbourAdvertisement) kind = Kind::Answer;
  }
  return {kind, e.destination, from_a};
}

class Ethernet : public testing::TestWithParam<bool> {
 protected:
  Ethernet() {
    Lan::ready(lan);
    lan.watch = [this](const Frame& frame, bool from_a) {
      seen.push_back(kind_of(frame, from_a));
      return !(from_a ? a_is_mute : b_is_mute);
    };
    listener = *lan.b->command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, lan.now);
  }

  ~Ethernet() override { lan.expect_empty_pools(); }

  Handle connect(const IpAddress& to) {
    return *lan.a->command(tcp::Connect{.remote = {to, 80}, .local_address = {}}, lan.now);
  }

  void connected() {
    client = connect(address_of(GetParam(), 2));
    lan.settle();
    const auto accepted = lan.b->command(tcp::Accept{listener}, lan.now);
    ASSERT_TRUE(accepted.has_value());
    server = *accepted;
  }

  // What happened at A since it was asked last.
  uint16_t events(CloseReason* reason = nullptr) {
    tcp::Occurrence o;
    uint16_t what = 0;
    while (lan.a->next_event(o)) {
      what |= o.what;
      if (reason != nullptr && o.is(tcp::What::Ended)) *reason = o.reason;
    }
    return what;
  }

  [[nodiscard]] size_t questions(bool to_all) const {
    return static_cast<size_t>(std::ranges::count_if(seen, [&](const Seen& s) {
      return s.from_a && s.kind == Kind::Question && s.to.is_multicast() == to_all;
    }));
  }

  Lan lan;
  std::vector<Seen> seen;
  bool a_is_mute = false, b_is_mute = false;
  Handle listener, client, server;
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, Ethernet, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

TEST_P(Ethernet, AConnectionOpensAfterResolutionCarriesDataAndCloses) {
  connected();
  ASSERT_GE(seen.size(), 3U);
  EXPECT_EQ(seen[0].kind, Kind::Question);
  EXPECT_TRUE(seen[0].to.is_multicast());
  EXPECT_EQ(seen[1].kind, Kind::Answer);
  EXPECT_EQ(seen[1].to, mac_of(1));
  EXPECT_EQ(seen[2].kind, Kind::Packet);
  EXPECT_EQ(seen[2].to, mac_of(2));
  EXPECT_EQ(questions(true), 1U);
  EXPECT_EQ(lan.a->counters().syn_retransmissions, 0U);

  const Octets text = pattern(100'000);
  Octets got;
  Octets into(4096);
  size_t at = 0;
  for (int i = 0; i < 1000 && got.size() < text.size(); ++i) {
    if (const auto n = lan.a->command(tcp::Send{client, std::span(text).subspan(at)}, lan.now)) {
      at += n->v;
    }
    lan.settle();
    while (const auto n = lan.b->command(tcp::Receive{server, into}, lan.now)) {
      got.insert(got.end(), into.begin(), into.begin() + n->v);
    }
    lan.run_until(lan.now + 1_ms);
  }
  EXPECT_EQ(got, text);
  ASSERT_TRUE(lan.a->command(tcp::Close{client}, lan.now).has_value());
  lan.settle();
  ASSERT_TRUE(lan.b->command(tcp::Close{server}, lan.now).has_value());
  lan.run_until(lan.now + 200_s);
  EXPECT_EQ(lan.a->counters().ended_by(CloseReason::ClosedByUs), 1U);
  (void)events();
  tcp::Occurrence o;
  while (lan.b->next_event(o)) {
  }
  EXPECT_EQ(lan.a->population().connections + lan.a->population().time_wait, 0U);
  EXPECT_EQ(lan.b->population().connections + lan.b->population().time_wait, 0U);
  EXPECT_EQ(lan.a->counters().retransmissions + lan.b->counters().retransmissions, 0U);
}

TEST_P(Ethernet, TheLatestPacketWaitsForTheAnswer_RFC_1122_2_3_2_2) {
  b_is_mute = true;
  client = connect(address_of(GetParam(), 2));
  lan.run_until(lan.now + 1500_ms);  // the SYN was sent again: it takes the place of the first
  EXPECT_EQ(lan.a->counters().syn_retransmissions, 1U);
  EXPECT_EQ(lan.a->counters().dropped(DropReason::NeighbourReplaced), 1U);
  EXPECT_EQ(lan.frames_a.in_use(), 1U);
  b_is_mute = false;
  lan.run_until(lan.now + 1_s);  // it asks each second
  EXPECT_EQ(questions(true), 3U);
  EXPECT_NE(events() & static_cast<uint16_t>(tcp::What::Connected), 0);
  EXPECT_EQ(lan.frames_a.in_use(), 0U);
}

TEST_P(Ethernet, NobodyAnswersASoftErrorAndThenUnreachable) {
  client = connect(address_of(GetParam(), 9));
  const Instant start = lan.now;
  lan.run_until(start + 2900_ms);
  EXPECT_EQ(questions(true), 3U);
  EXPECT_EQ(lan.a->command(tcp::GetStatus{client}, lan.now)->soft_error, wire::IcmpKind::Unknown);
  lan.run_until(start + 3100_ms);
  EXPECT_EQ(lan.a->command(tcp::GetStatus{client}, lan.now)->soft_error,
            wire::IcmpKind::HostUnreachable);
  EXPECT_NE(events() & static_cast<uint16_t>(tcp::What::DeliveryTrouble), 0);
  EXPECT_GE(lan.a->counters().dropped(DropReason::NeighbourUnreachable), 1U);
  CloseReason reason = CloseReason::None;
  lan.run_until(start + 400_s);
  EXPECT_NE(events(&reason) & static_cast<uint16_t>(tcp::What::Ended), 0);
  EXPECT_EQ(reason, CloseReason::Unreachable);
  EXPECT_EQ(lan.a->population().connections, 0U);
  lan.run_until(lan.now + 10_s);
  EXPECT_EQ(lan.frames_a.in_use(), 0U);
  for (const Seen& s : seen) EXPECT_NE(s.kind, Kind::Packet);
}

// What the peer acknowledges, it has received.
TEST_P(Ethernet, TheUpperLayerConfirms_RFC_4861_7_3_1) {
  connected();
  lan.run_until(lan.now + 60_s);
  seen.clear();
  const uint8_t octet[1] = {1};
  ASSERT_TRUE(lan.a->command(tcp::Send{client, octet}, lan.now).has_value());
  lan.run_until(lan.now + 30_s);
  EXPECT_EQ(questions(false) + questions(true), 0U);
}

// RFC 4861 7.3.3: STALE, DELAY, PROBE.
TEST_P(Ethernet, AStaleNeighbourIsProbedAndAVanishedOneAskedForAgain) {
  connected();
  lan.run_until(lan.now + 60_s);
  seen.clear();
  const uint8_t octet[1] = {1};
  const Endpoint nowhere{address_of(GetParam(), 2), 9};
  const auto socket = *lan.a->command(udp::Open{.local = {}, .remote = {}, .options = {}}, lan.now);
  ASSERT_TRUE(lan.a->command(udp::SendTo{socket, nowhere, octet, {}}, lan.now).has_value());
  const Instant sent = lan.now;
  lan.settle();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].kind, Kind::Packet);  // at once
  lan.run_until(sent + 4900_ms);
  EXPECT_EQ(questions(false) + questions(true), 0U);
  lan.run_until(sent + 5100_ms);
  EXPECT_EQ(questions(false), 1U);
  lan.run_until(sent + 30_s);
  EXPECT_EQ(questions(false), 1U);  // it answered
  EXPECT_EQ(questions(true), 0U);
  ASSERT_TRUE(lan.a->command(udp::CloseSocket{socket}, lan.now).has_value());

  lan.run_until(lan.now + 60_s);
  seen.clear();
  b_is_mute = true;
  ASSERT_TRUE(lan.a->command(tcp::Send{client, octet}, lan.now).has_value());
  lan.run_until(lan.now + 7900_ms);
  EXPECT_EQ(questions(false), 3U);
  EXPECT_EQ(questions(true), 0U);
  b_is_mute = false;
  lan.run_until(lan.now + 60_s);
  EXPECT_EQ(questions(false), 3U);
  EXPECT_EQ(questions(true), 1U);  // by the next retransmission, which then goes through
  EXPECT_EQ(lan.a->command(tcp::GetStatus{client}, lan.now)->send_queue.v, 0U);
}

TEST_P(Ethernet, WhoIsDestroyedInTheMiddleLeavesNoFrame) {
  b_is_mute = true;
  for (uint8_t host = 20; host < 40; ++host) (void)connect(address_of(GetParam(), host));
  lan.settle();
  EXPECT_EQ(lan.frames_a.in_use(), 20U);  // one waits for each
}

TEST(EthernetLinkLocal, EveryInterfaceGivesItselfAnAddressAndSpeaksByIt_RFC_4291_2_1) {
  Lan lan;
  Lan::ready(lan);
  EXPECT_EQ(lan.a->address_state(link_local_of_host(1)), ip::AddressState::Usable);
  const Handle listener =
      *lan.b->command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, lan.now);
  const auto client = lan.a->command(
      tcp::Connect{.remote = {link_local_of_host(2), 80}, .local_address = {}}, lan.now);
  ASSERT_TRUE(client.has_value());
  lan.settle();
  EXPECT_EQ(lan.a->command(tcp::GetStatus{*client}, lan.now)->local.address, link_local_of_host(1));
  EXPECT_TRUE(lan.b->command(tcp::Accept{listener}, lan.now).has_value());
  lan.expect_empty_pools();
}

// --- frames that are nobody's -------------------------------------------------------------------

class Frames : public testing::TestWithParam<bool> {
 protected:
  Frames() { Lan::ready(lan); }

  void expect_dropped(const Octets& frame, DropReason reason) {
    const uint64_t before = lan.a->counters().dropped(reason);
    EXPECT_TRUE(around.answers(*lan.a, frame, lan.now).empty()) << name(reason);
    EXPECT_EQ(lan.a->counters().dropped(reason), before + 1) << name(reason);
  }

  Octets ping() const {
    return echo_request(address_of(GetParam(), 2), address_of(GetParam(), 1), pattern(10));
  }

  Lan lan;
  Surroundings around;
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, Frames, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

TEST_P(Frames, ThatAreForOthersAreDropped) {
  EXPECT_EQ(around.answers(*lan.a, in_ethernet(mac_of(1), mac_of(2), ping()), lan.now).size(), 1U);
  expect_dropped(in_ethernet(mac_of(3), mac_of(2), ping()), DropReason::EthernetNotOurs);
}

TEST_P(Frames, OfUnknownTypesAreDropped) {
  expect_dropped(in_ethernet(mac_of(1), mac_of(2), 0x88cc, pattern(50)),
                 DropReason::EthernetUnknownType);
  expect_dropped(in_ethernet(mac_of(1), mac_of(2), 40, pattern(50)),
                 DropReason::EthernetNotTypeTwo);
  expect_dropped(pattern(13), DropReason::EthernetTooShort);
}

// RFC 1122 3.3.6: what was sent to all on the link is not for one of them.
TEST_P(Frames, ToManyWithAPacketForOneAreDropped) {
  expect_dropped(in_ethernet(MacAddress::broadcast(), mac_of(2), ping()),
                 DropReason::MulticastDestination);
  const MacAddress group = wire::group_mac(wire::all_nodes());
  expect_dropped(in_ethernet(group, mac_of(2), ping()), DropReason::MulticastDestination);
  const auto parts = fragments(ping(), GetParam() ? 28 : 56, 7);
  expect_dropped(in_ethernet(group, mac_of(2), parts[0]), DropReason::MulticastDestination);
  EXPECT_EQ(lan.a->population().fragmented, 0U);
}

TEST_P(Frames, PaddingIsNotQuoted_R1122_4) {
  const bool v4 = GetParam();
  const Octets small = datagram({address_of(v4, 2), 9}, {address_of(v4, 1), 7}, {});
  // Host 2 is asked for first; what it says by that is known.
  const IpAddress peer = address_of(v4, 2);
  (void)around.answers(*lan.a, in_ethernet(mac_of(1), mac_of(2), small), lan.now);
  Octets error;
  lan.watch = [&](const Frame& frame, bool from_a) {
    const auto e = *wire::parse_ethernet(frame.bytes());
    if (from_a && e.type == (v4 ? wire::kEtherIpv4 : wire::kEtherIpv6)
        && e.payload[v4 ? 20 : 40] == (v4 ? wire::kIcmpUnreachable : wire::kIcmpv6Unreachable)) {
      error.assign(e.payload.begin(), e.payload.end());
    }
    return true;
  };
  around.feed(*lan.a, in_ethernet(mac_of(1), mac_of(2), small), lan.now);
  lan.run_until(lan.now + 5_s);
  ASSERT_FALSE(error.empty()) << to_string(peer);
  const auto quote = payload_of(error).subspan(wire::kIcmpHeader);
  EXPECT_EQ(Octets(quote.begin(), quote.end()), small);
}

TEST(NeighbourDiscovery, InFragmentsIsIgnored_RFC_6980_5) {
  Lan lan;
  Lan::ready(lan);
  Surroundings around;
  const IpAddress group = wire::solicited_node(v6_of(1));
  Octets o(wire::kNdpMaxLength);
  o.resize(wire::build_solicitation(o.data(), {.target = v6_of(1), .source_mac = mac_of(2)},
                                    v6_of(2), group));
  const Octets whole = packet(v6_of(2), group, wire::kProtocolIcmpv6, o, wire::kNdpHopLimit);
  const auto hears = [&](const Octets& part) {
    return around.answers(*lan.a, in_ethernet(wire::group_mac(group), mac_of(2), part), lan.now);
  };
  const uint64_t before = lan.a->counters().dropped(DropReason::NeighbourIgnored);
  EXPECT_TRUE(hears(fragment(whole, 0, o.size(), 7)).empty()) << "one that is all";
  EXPECT_EQ(lan.a->counters().dropped(DropReason::NeighbourIgnored), before + 1);
  for (const Octets& part : fragments(whole, 16, 8)) EXPECT_TRUE(hears(part).empty());
  EXPECT_EQ(lan.a->counters().dropped(DropReason::NeighbourIgnored), before + 2);
  EXPECT_EQ(hears(whole).size(), 1U);
}

TEST(NeighbourDiscovery, FromBeyondARouterIsIgnored_RFC_4861_7_1) {
  Lan lan;
  Lan::ready(lan);
  Surroundings around;
  for (const uint8_t hop_limit : {uint8_t{254}, wire::kNdpHopLimit}) {
    const IpAddress group = wire::solicited_node(v6_of(1));
    Octets o(wire::kNdpMaxLength);
    o.resize(wire::build_solicitation(o.data(), {.target = v6_of(1), .source_mac = mac_of(2)},
                                      v6_of(2), group));
    const Octets frame = in_ethernet(wire::group_mac(group), mac_of(2),
                                     packet(v6_of(2), group, wire::kProtocolIcmpv6, o, hop_limit));
    const uint64_t before = lan.a->counters().dropped(DropReason::NeighbourIgnored);
    const bool near = hop_limit == wire::kNdpHopLimit;
    EXPECT_EQ(around.answers(*lan.a, frame, lan.now).size(), near ? 1U : 0U);
    EXPECT_EQ(lan.a->counters().dropped(DropReason::NeighbourIgnored), before + (near ? 0U : 1U));
  }
}

}  // namespace
}  // namespace rapport::test
