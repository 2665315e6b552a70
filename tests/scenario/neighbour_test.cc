// What TCP's silence means to IP (RFC 9293 3.8.3 (a), RFC 1122 3.3.1.4): a neighbour that has
// ceased to answer is found out. On Ethernet, which Peer does not speak: two stacks, frames by
// hand.
#include "../unit/stack/lan.hh"
#include "rapport/wire/ethernet.hh"
#include "scenario.hh"

#include <cstdint>

#include <gtest/gtest.h>

namespace rapport::scenario {

namespace {

bool over_ipv6() {
  return dressing() == Dressing::Ipv6;
}

// A question about a neighbour: an ARP request, or a neighbour solicitation.
bool is_question(const wire::Ethernet& e) {
  if (e.type == wire::kEtherArp) return e.payload[7] == 1;
  return e.type == wire::kEtherIpv6 && e.payload[6] == 58 && e.payload[40] == 135;
}

}  // namespace

// Choice 65. REACHABLE lasts 45 s at most, DELAY 5 s, three probes a second apart (RFC 4861 10).
SCENARIO_TEST(
    "ESTABLISHED: a neighbour that answers no more is probed, then forgotten [R1122-5, MUST-20]") {
  test::Lan lan;
  test::Lan::ready(lan);
  const IpAddress there = test::address_of(!over_ipv6(), 2);
  ASSERT_TRUE(lan.b->command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, lan.now));
  const Handle h =
      *lan.a->command(tcp::Connect{.remote = {there, 80}, .local_address = {}}, lan.now);
  lan.run_until(lan.now + 1_s);
  ASSERT_EQ(lan.a->command(tcp::GetStatus{h}, lan.now)->state, State::Established);
  int probes = 0, calls_to_all = 0;
  lan.watch = [&](const Frame& frame, bool from_a) {  // from now on nothing arrives
    const auto e = wire::parse_ethernet(frame.bytes());
    if (from_a && e && is_question(*e))
      ++(e->destination == test::mac_of(2) ? probes : calls_to_all);
    return false;
  };
  const uint8_t text[100] = {};
  ASSERT_TRUE(lan.a->command(tcp::Send{.connection = h, .bytes = text}, lan.now));
  const Instant began = lan.now;
  while (probes == 0 && lan.now - began < 120_s) lan.run_until(lan.now + 1_s);
  EXPECT_EQ(probes, 1) << "it is asked by itself, for TCP tells of no progress";
  EXPECT_EQ(calls_to_all, 0);
  lan.run_until(lan.now + 60_s);
  EXPECT_GE(probes, 3);
  EXPECT_GE(calls_to_all, 1) << "its entry is gone: everybody is asked for the address";
  EXPECT_EQ(lan.a->command(tcp::GetStatus{h}, lan.now)->state, State::Established) << "R2 is later";
  (void)lan.a->command(tcp::Abort{h}, lan.now);
  lan.run_until(lan.now + 1_s);
}

}  // namespace rapport::scenario
