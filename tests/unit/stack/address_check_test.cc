// Our own addresses on Ethernet: checked before they are used (RFC 4862 5.4, RFC 5227 2.1), neither
// source nor answer until then; given up when somebody else has them.
#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

using enum ip::AddressState;

constexpr MacAddress kStranger = {{2, 0, 0, 0, 0, 99}};

Octets arp_frame(const wire::Arp& arp, const MacAddress& to) {
  Octets o(wire::kArpLength);
  wire::build_arp(o.data(), arp);
  return in_ethernet(to, arp.sender_mac, wire::kEtherArp, o);
}

// "Who has `target`?", asked by host 2.
Octets question(const IpAddress& target) {
  if (target.is_v4()) {
    return arp_frame({.operation = wire::ArpOperation::Request,
                      .sender_mac = mac_of(2),
                      .target_mac = {},
                      .sender = v4_of(2),
                      .target = target},
                     MacAddress::broadcast());
  }
  const IpAddress group = wire::solicited_node(target);
  Octets o(wire::kNdpMaxLength);
  o.resize(wire::build_solicitation(o.data(), {.target = target, .source_mac = mac_of(2)}, v6_of(2),
                                    group));
  return in_ethernet(wire::group_mac(group), mac_of(2),
                     packet(v6_of(2), group, wire::kProtocolIcmpv6, o, wire::kNdpHopLimit));
}

// A stranger says that it has `target`.
Octets claim(const IpAddress& target) {
  if (target.is_v4()) return arp_frame(wire::arp_announcement(kStranger, target), mac_of(1));
  Octets o(wire::kNdpMaxLength);
  const wire::Advertisement a{.target = target, .target_mac = kStranger, .overrides = true};
  o.resize(wire::build_advertisement(o.data(), a, target, wire::all_nodes()));
  return in_ethernet(
      wire::group_mac(wire::all_nodes()), kStranger,
      packet(target, wire::all_nodes(), wire::kProtocolIcmpv6, o, wire::kNdpHopLimit));
}

struct Said {
  Instant at;
  Octets frame;
};

// A alone on its wire.
class AddressCheck : public testing::Test {
 protected:
  void SetUp() override { start(lan_config(1)); }

  void TearDown() override {
    a.reset();
    EXPECT_EQ(frames.in_use(), 0U);
  }

  void start(const stack::Config& config) {
    a.emplace(config, frames);
    said.clear();
  }

  void run_until(Instant limit) {
    take();
    for (int i = 0; a->next_deadline() <= limit; ++i) {
      ASSERT_LT(i, 1000);
      now = std::max(now, a->next_deadline());
      a->expire(now);
      take();
    }
    now = limit;
  }

  void take() {
    for (Octets& o : Surroundings::said_by(*a)) said.push_back({now, std::move(o)});
  }

  // What A answers to a frame.
  std::vector<Octets> hears(const Octets& frame) { return around.answers(*a, frame, now); }

  Instant first_moment(const IpAddress& address, ip::AddressState state, Instant limit) {
    while (a->address_state(address) != state && now < limit) run_until(now + 10_ms);
    return now;
  }

  FramePool frames{4096, 2048};
  std::optional<stack::Stack> a;
  Surroundings around;
  Instant now{1'000'000};
  std::vector<Said> said;
};

TEST_F(AddressCheck, Ipv6TakesOneSolicitationAndASecond_RFC_4862_5_4) {
  a->expire(now);
  const Instant start = now;
  EXPECT_EQ(a->address_state(v6_of(1)), Tentative);
  EXPECT_EQ(a->address_state(link_local_of_host(1)), Tentative);
  const Instant usable = first_moment(v6_of(1), Usable, start + 10_s);
  EXPECT_GE(usable - start, 1_s);
  EXPECT_LE(usable - start, 2_s + 10_ms);
  run_until(start + 4_s);
  EXPECT_EQ(a->address_state(link_local_of_host(1)), Usable);
  int probes = 0;
  for (const Said& s : said) {
    const auto e = *wire::parse_ethernet(s.frame);
    if (e.type != wire::kEtherIpv6) continue;
    const auto ip = *wire::parse_ipv6(e.payload);
    EXPECT_EQ(ip.source, IpAddress{});
    EXPECT_EQ(ip.hop_limit, 255);
    probes += ip.destination == wire::solicited_node(v6_of(1)) ? 1 : 0;
    EXPECT_EQ(e.destination, wire::group_mac(ip.destination));
  }
  EXPECT_EQ(probes, 2);  // its link-local address ends in the same 24 bits
}

TEST_F(AddressCheck, Ipv4TakesThreeProbesAndThenAnnouncesTwice_RFC_5227_2_1) {
  a->expire(now);
  const Instant start = now;
  EXPECT_EQ(a->address_state(v4_of(1)), Tentative);
  const Instant usable = first_moment(v4_of(1), Usable, start + 20_s);
  EXPECT_GE(usable - start, 4_s);
  EXPECT_LE(usable - start, 7_s + 10_ms);
  run_until(usable + 10_s);
  std::vector<Instant> probes;
  std::vector<Instant> announcements;
  for (const Said& s : said) {
    const auto e = *wire::parse_ethernet(s.frame);
    if (e.type != wire::kEtherArp) continue;
    const auto arp = *wire::parse_arp(e.payload);
    EXPECT_TRUE(e.destination.is_broadcast());
    EXPECT_EQ(arp.target, v4_of(1));
    (arp.is_probe() ? probes : announcements).push_back(s.at);
    EXPECT_TRUE(arp.is_probe() || arp.is_announcement());
  }
  ASSERT_EQ(probes.size(), 3U);
  ASSERT_EQ(announcements.size(), 2U);
  EXPECT_LE(probes[0] - start, 1_s);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_GE(probes[i] - probes[i - 1], 1_s);
    EXPECT_LE(probes[i] - probes[i - 1], 2_s);
  }
  EXPECT_EQ(announcements[0] - probes[2], 2_s);
  EXPECT_EQ(announcements[1] - announcements[0], 2_s);
}

// RFC 4862 5.4: such a packet "should be silently discarded"; 5227 2.1.1.
TEST_F(AddressCheck, WhileItLastsNobodyIsAnsweredAndNothingArrives) {
  a->expire(now);
  take();
  const Handle socket = *a->command(udp::Open{.local = {{}, 7}, .remote = {}, .options = {}}, now);
  for (const bool v4 : {true, false}) {
    const IpAddress own = address_of(v4, 1);
    const IpAddress peer = address_of(v4, 2);
    const DropReason reason = v4 ? DropReason::Ipv4NotOurs : DropReason::Ipv6NotOurs;
    EXPECT_TRUE(hears(question(own)).empty());
    EXPECT_TRUE(hears(in_ethernet(mac_of(1), mac_of(2), echo_request(peer, own, {}))).empty());
    EXPECT_EQ(a->counters().dropped(reason), 1U);
    EXPECT_TRUE(
        hears(in_ethernet(mac_of(1), mac_of(2), datagram({peer, 9}, {own, 7}, {}))).empty());
    EXPECT_EQ(a->counters().dropped(reason), 2U);
  }
  EXPECT_EQ(a->command(udp::GetStatus{socket}, now)->received, 0U);
  EXPECT_EQ(a->address_state(v4_of(1)), Tentative);
  EXPECT_EQ(a->address_state(v6_of(1)), Tentative);
  // And afterwards all of them are.
  run_until(now + 12_s);
  for (const bool v4 : {true, false}) {
    const IpAddress own = address_of(v4, 1);
    EXPECT_EQ(hears(question(own)).size(), 1U);
    EXPECT_EQ(
        hears(in_ethernet(mac_of(1), mac_of(2), echo_request(address_of(v4, 2), own, {}))).size(),
        1U);
  }
}

TEST_F(AddressCheck, ASynThatIsTooEarlyLeavesWhenItsAddressIsUsable) {
  a->expire(now);
  const Instant start = now;
  const auto c = a->command(tcp::Connect{.remote = {v4_of(2), 80}, .local_address = {}}, now);
  ASSERT_TRUE(c.has_value());
  run_until(start + 12_s);
  bool asked = false;
  for (const Said& s : said) {
    const auto e = *wire::parse_ethernet(s.frame);
    EXPECT_NE(e.type, wire::kEtherIpv4);  // nobody has told where host 2 is
    if (e.type != wire::kEtherArp) continue;
    const auto arp = *wire::parse_arp(e.payload);
    EXPECT_TRUE(arp.sender != v4_of(1) || s.at - start >= 4_s);
    asked = asked || (arp.sender == v4_of(1) && arp.target == v4_of(2));
  }
  EXPECT_TRUE(asked);
}

TEST_F(AddressCheck, ADuplicateIsCountedOnceAndNeverUsed) {
  for (const bool v4 : {true, false}) {
    start(lan_config(1));
    a->expire(now);
    take();
    const IpAddress own = address_of(v4, 1);
    const IpAddress peer = address_of(v4, 2);
    EXPECT_TRUE(hears(claim(own)).empty());
    EXPECT_EQ(a->address_state(own), Duplicate);
    EXPECT_EQ(a->counters().dropped(DropReason::AddressConflict), 1U);
    run_until(now + 12_s);
    EXPECT_EQ(a->address_state(own), Duplicate);
    EXPECT_EQ(a->address_state(address_of(!v4, 1)), Usable);
    EXPECT_TRUE(hears(question(own)).empty());
    EXPECT_TRUE(hears(in_ethernet(mac_of(1), mac_of(2), echo_request(peer, own, {}))).empty());
    // Who wants to speak from it hears so at once: there is no other on that network.
    const tcp::Connect from_it{.remote = {peer, 80}, .local_address = own};
    EXPECT_EQ(a->command(from_it, now).error(), Error::Unreachable);
    const auto socket = a->command(udp::Open{.local = {own, 7}, .remote = {}, .options = {}}, now);
    ASSERT_TRUE(socket.has_value());
    const udp::SendTo send{.socket = *socket, .remote = {peer, 9}, .text = {}, .source = {}};
    EXPECT_EQ(a->command(send, now).error(), Error::Unreachable);
    EXPECT_TRUE(Surroundings::said_by(*a).empty());
  }
}

TEST_F(AddressCheck, AnotherAddressSpeaksForADuplicate_RFC_4862_5_4_5) {
  stack::Config config = lan_config(1);
  config.interfaces[0].addresses.push_back(Cidr{v4_of(11), 24});
  config.interfaces[0].addresses.push_back(Cidr{v6_of(11), 64});
  start(config);
  a->expire(now);
  take();
  for (const bool v4 : {true, false}) (void)hears(claim(address_of(v4, 1)));
  run_until(now + 12_s);
  for (const bool v4 : {true, false}) {
    const auto c =
        a->command(tcp::Connect{.remote = {address_of(v4, 2), 80}, .local_address = {}}, now);
    ASSERT_TRUE(c.has_value());
    EXPECT_EQ(a->command(tcp::GetStatus{*c}, now)->local.address, address_of(v4, 11));
  }
}

// RFC 5227 2.4 (b): once, and not again within ten seconds.
TEST_F(AddressCheck, AnAddressInUseIsDefendedNotGivenUp) {
  a->expire(now);
  run_until(now + 12_s);
  const auto defence = hears(claim(v4_of(1)));
  ASSERT_EQ(defence.size(), 1U);
  EXPECT_TRUE(wire::parse_arp(wire::parse_ethernet(defence[0])->payload)->is_announcement());
  EXPECT_TRUE(hears(claim(v4_of(1))).empty());
  EXPECT_TRUE(hears(claim(v6_of(1))).empty());
  EXPECT_EQ(a->counters().dropped(DropReason::AddressConflict), 3U);
  EXPECT_EQ(a->address_state(v4_of(1)), Usable);
  EXPECT_EQ(a->address_state(v6_of(1)), Usable);
}

}  // namespace
}  // namespace rapport::test
