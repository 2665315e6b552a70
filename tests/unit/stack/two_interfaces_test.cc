// A host with two interfaces: which address speaks, by which way a packet leaves, and that what
// comes in by one interface is for its addresses only (RFC 1122 3.3.1, 3.3.4; RFC 6724 5).
#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <cstdint>
#include <expected>
#include <optional>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

// Network 0 and network 1, two addresses of ours on each; a router on network 1 leads to all else,
// one on network 0 to network 8.
stack::Config two_interfaces() {
  stack::Config c = config_of(1, 64);
  c.interfaces.clear();
  for (uint8_t network = 0; network < 2; ++network) {
    Interface i;
    for (const uint8_t host : {uint8_t{1}, uint8_t{11}}) {
      i.addresses.push_back({v4_of(host, network), 24});
      i.addresses.push_back({v6_of(host, network), 64});
    }
    c.interfaces.push_back(i);
  }
  c.routes = {{{IpAddress::v4(0), 0}, v4_of(254, 1)},
              {{IpAddress{}, 0}, v6_of(254, 1)},
              {{v4_of(0, 8), 24}, v4_of(253, 0)},
              {{v6_of(0, 8), 64}, v6_of(253, 0)}};
  return c;
}

struct Sent {
  IpAddress source;
  uint16_t interface = 0;
};

class TwoInterfaces : public testing::TestWithParam<bool> {
 protected:
  TwoInterfaces() { start(two_interfaces()); }

  ~TwoInterfaces() override {
    a.reset();
    EXPECT_EQ(frames.in_use(), 0U);
  }

  void start(const stack::Config& config) {
    a.emplace(config, frames);
    socket = *a->command(udp::Open{.local = {{}, 9}, .remote = {}, .options = {}}, now);
  }

  std::expected<void, Error> send(const IpAddress& to, const IpAddress& source = {}) {
    return a->command(
        udp::SendTo{.socket = socket, .remote = {to, 7}, .text = {}, .source = source}, now);
  }

  // The next packet that leaves a plain interface.
  std::optional<Sent> next_sent() {
    uint16_t interface = 0;
    const Frame f = a->next_frame(interface);
    if (!f) return std::nullopt;
    return Sent{v4 ? wire::parse_ipv4(f.bytes())->source : wire::parse_ipv6(f.bytes())->source,
                interface};
  }

  void expect_sent(const IpAddress& source, uint16_t interface) {
    const auto sent = next_sent();
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(to_string(sent->source), to_string(source));
    EXPECT_EQ(sent->interface, interface);
    EXPECT_FALSE(next_sent().has_value());
  }

  const bool v4 = GetParam();
  FramePool frames{512, 2048};
  std::optional<stack::Stack> a;
  Surroundings around;
  Handle socket;
  Instant now{1'000'000};
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, TwoInterfaces, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

TEST_P(TwoInterfaces, TheWayDecidesWhichAddressSpeaks_R1122_6) {
  ASSERT_TRUE(send(address_of(v4, 2, 0)).has_value());
  expect_sent(address_of(v4, 1, 0), 0);
  ASSERT_TRUE(send(address_of(v4, 2, 1)).has_value());
  expect_sent(address_of(v4, 1, 1), 1);
  ASSERT_TRUE(send(address_of(v4, 2, 8)).has_value());
  expect_sent(address_of(v4, 1, 0), 0);
  ASSERT_TRUE(send(address_of(v4, 2, 77)).has_value());
  expect_sent(address_of(v4, 1, 1), 1);
}

TEST_P(TwoInterfaces, AChosenSourceDecidesTheInterface_RFC_1122_3_3_4_2) {
  ASSERT_TRUE(send(address_of(v4, 2, 0), address_of(v4, 11, 0)).has_value());
  expect_sent(address_of(v4, 11, 0), 0);
  // An interface without link addresses reaches everybody.
  ASSERT_TRUE(send(address_of(v4, 2, 0), address_of(v4, 11, 1)).has_value());
  expect_sent(address_of(v4, 11, 1), 1);
  EXPECT_EQ(send(address_of(v4, 2, 0), address_of(v4, 99, 0)).error(), Error::LocalInvalid);
  EXPECT_EQ(send(address_of(v4, 2, 0), address_of(!v4, 1, 0)).error(), Error::Unreachable);
  const auto c =
      a->command(tcp::Connect{.remote = {address_of(v4, 2, 77), 80}, .local_address = {}}, now);
  ASSERT_TRUE(c.has_value());
  expect_sent(address_of(v4, 1, 1), 1);
}

// RFC 1122 3.3.4.2: the strong model.
TEST_P(TwoInterfaces, WhatIsForTheOtherInterfaceIsDropped) {
  const IpAddress peer = address_of(v4, 2, 0);
  const DropReason reason = v4 ? DropReason::Ipv4NotOurs : DropReason::Ipv6NotOurs;
  for (uint16_t came_by = 0; came_by < 2; ++came_by) {
    for (uint8_t network = 0; network < 2; ++network) {
      for (const uint8_t host : {uint8_t{1}, uint8_t{11}}) {
        const IpAddress to = address_of(v4, host, network);
        const uint64_t before = a->counters().dropped(reason);
        around.feed(*a, echo_request(peer, to, pattern(8)), now, came_by);
        if (came_by == network) {
          expect_sent(to, network);
        } else {
          EXPECT_FALSE(next_sent().has_value());
          EXPECT_EQ(a->counters().dropped(reason), before + 1);
        }
      }
    }
  }
}

TEST_P(TwoInterfaces, AnErrorIsBelievedOnlyFromTheWayThatWasTaken) {
  ASSERT_TRUE(send(address_of(v4, 2, 0)).has_value());
  uint16_t interface = 0;
  const Frame f = a->next_frame(interface);
  ASSERT_TRUE(f);
  const uint8_t type = v4 ? wire::kIcmpUnreachable : wire::kIcmpv6Unreachable;
  const auto error = [&](const IpAddress& to) {
    return icmp(address_of(v4, 2, 0), to, {type, static_cast<uint8_t>(v4 ? 3 : 4), 0}, f.bytes());
  };
  around.feed(*a, error(address_of(v4, 1, 1)), now, 1);
  EXPECT_EQ(a->counters().icmp_errors_received, 0U);
  EXPECT_EQ(a->counters().dropped(DropReason::IcmpNobody), 1U);
  around.feed(*a, error(address_of(v4, 1, 0)), now, 0);
  EXPECT_EQ(a->counters().icmp_errors_received, 1U);
}

TEST_P(TwoInterfaces, ARouterOnNoNetworkOfOursLeadsNowhereAndIsCounted) {
  EXPECT_EQ(a->counters().unusable_routes, 0U);
  stack::Config config = two_interfaces();
  config.routes = {{{IpAddress::v4(0), 0}, v4_of(254, 7)}, {{IpAddress{}, 0}, v4_of(254, 1)}};
  start(config);
  EXPECT_EQ(a->counters().unusable_routes, 2U);
}

// On Ethernet a router is who is asked for, never who is behind it.
TEST_P(TwoInterfaces, ARouterIsTheNeighbour_RFC_1122_3_3_1) {
  stack::Config config = two_interfaces();
  config.interfaces[0].ethernet = mac_of(1);
  config.interfaces[1].ethernet = mac_of(2);
  config.neighbours.check.probes = 0;
  config.neighbours.check.solicitations = 0;
  config.routes.erase(config.routes.begin(), config.routes.begin() + 2);  // no default routers
  start(config);
  a->expire(now);
  const auto asked_for = [&](const IpAddress& remote, uint16_t by) {
    EXPECT_TRUE(send(remote).has_value());
    uint16_t interface = 0;
    const Frame f = a->next_frame(interface);
    if (!f) return IpAddress{};
    EXPECT_EQ(interface, by);
    const auto e = *wire::parse_ethernet(f.bytes());
    EXPECT_EQ(e.source, mac_of(static_cast<uint8_t>(by + 1)));
    if (v4) return wire::parse_arp(e.payload)->target;
    const auto ip = *wire::parse_ipv6(e.payload);
    const auto message = *wire::parse_icmpv6(ip.payload, ip.source, ip.destination);
    return wire::parse_solicitation(message, ip.source, ip.destination)->target;
  };
  EXPECT_EQ(to_string(asked_for(address_of(v4, 2, 0), 0)), to_string(address_of(v4, 2, 0)));
  EXPECT_EQ(to_string(asked_for(address_of(v4, 2, 1), 1)), to_string(address_of(v4, 2, 1)));
  EXPECT_EQ(to_string(asked_for(address_of(v4, 5, 8), 0)), to_string(address_of(v4, 253, 0)));
  EXPECT_EQ(send(address_of(v4, 2, 77)).error(), Error::Unreachable);
  EXPECT_EQ(send(address_of(v4, 2, 0), address_of(v4, 1, 1)).error(), Error::Unreachable);
}

}  // namespace
}  // namespace rapport::test
