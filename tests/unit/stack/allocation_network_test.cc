// No allocation below the transports either: Ethernet and its neighbours, IPv6,
// UDP, fragments that become whole and that do not, ICMP. Under the watch of allocation_test.cc.
#include "allocation_watch.hh"
#include "lan.hh"
#include "packets.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <cstdint>
#include <span>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

// From here to its end nothing is allocated or mapped.
class Forbidden {
 public:
  Forbidden() : mappings_(Reservation::mappings()) { armed = true; }

  Forbidden(const Forbidden&) = delete;
  Forbidden& operator=(const Forbidden&) = delete;

  ~Forbidden() {
    armed = false;
    EXPECT_EQ(Reservation::mappings(), mappings_);
  }

 private:
  uint64_t mappings_;
};

class NetworkAllocation : public testing::Test {
 protected:
  NetworkAllocation() { Lan::ready(lan); }

  ~NetworkAllocation() override { lan.expect_empty_pools(); }

  void forget_events() {
    tcp::Occurrence o;
    while (lan.a->next_event(o) || lan.b->next_event(o)) {
    }
  }

  Lan lan;
};

TEST_F(NetworkAllocation, ABulkTransferOverIpv6AndEthernet) {
  const Handle listener =
      *lan.b->command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, lan.now);
  const auto client =
      lan.a->command(tcp::Connect{.remote = {v6_of(2), 80}, .local_address = {}}, lan.now);
  lan.settle();
  const auto server = lan.b->command(tcp::Accept{listener}, lan.now);
  ASSERT_TRUE(client && server);
  Octets text(65'536, 42);
  Octets into(text.size());
  uint64_t received = 0;
  const auto turn = [&] {
    (void)lan.a->command(tcp::Send{*client, text}, lan.now);
    lan.settle();
    while (const auto n = lan.b->command(tcp::Receive{*server, into}, lan.now)) received += n->v;
    lan.run_until(lan.now + 200_ms);  // neighbours grow stale meanwhile, and are probed
  };
  turn();
  {
    const Forbidden forbidden;
    while (received < 20'000'000 && lan.now < Instant{1'000'000'000'000}) turn();
  }
  EXPECT_GE(received, 20'000'000U);
}

TEST_F(NetworkAllocation, DatagramsWholeAndInFragments) {
  const udp::Open at_seven{.local = {{}, 7}, .remote = {}, .options = {}};
  const udp::Open anywhere{.local = {}, .remote = {}, .options = {}};
  const Handle server = *lan.b->command(at_seven, lan.now);
  const Handle client = *lan.a->command(anywhere, lan.now);
  const Octets text = pattern(65'507);
  Octets into(66'000);
  uint32_t echoed = 0;
  const auto turn = [&](bool v4, size_t size) {
    const auto part = std::span(text).first(size);
    (void)lan.a->command(udp::SendTo{client, {address_of(v4, 2), 7}, part, {}}, lan.now);
    lan.settle();
    const auto got = lan.b->command(udp::ReceiveFrom{.socket = server, .into = into}, lan.now);
    if (!got) return;
    const auto back = std::span(into).first(got->octets.v);
    (void)lan.b->command(udp::SendTo{server, got->from, back, got->to}, lan.now);
    lan.settle();
    if (lan.a->command(udp::ReceiveFrom{.socket = client, .into = into}, lan.now)) ++echoed;
    forget_events();
  };
  for (const bool v4 : {true, false}) turn(v4, 10);  // the neighbours are asked for
  {
    const Forbidden forbidden;
    for (const bool v4 : {true, false}) {
      for (int i = 0; i < 200; ++i) turn(v4, 10);
      for (int i = 0; i < 20; ++i) turn(v4, 65'507);
    }
  }
  EXPECT_EQ(echoed, 2U + 2 * 220);
}

TEST_F(NetworkAllocation, FragmentsThatAreLostAndPortsThatAreClosed) {
  const Handle client =
      *lan.a->command(udp::Open{.local = {}, .remote = {}, .options = {}}, lan.now);
  const Octets text = pattern(10'000);
  const auto send = [&](bool v4, size_t size) {
    const auto part = std::span(text).first(size);
    (void)lan.a->command(udp::SendTo{client, {address_of(v4, 2), 7}, part, {}}, lan.now);
    lan.settle();
    forget_events();
  };
  for (const bool v4 : {true, false}) send(v4, 10);
  uint32_t large = 0;
  lan.watch = [&](const Frame& f, bool) { return f.size() < 1'400 || ++large % 5 != 0; };
  {
    const Forbidden forbidden;
    for (int i = 0; i < 50; ++i) {
      for (const bool v4 : {true, false}) {
        send(v4, 10);
        send(v4, 10'000);
      }
      lan.run_until(lan.now + 10_s);
      forget_events();
    }
  }
  EXPECT_GE(lan.b->counters().dropped(DropReason::FragmentTimedOut), 50U);
  EXPECT_GE(lan.b->counters().icmp_errors_sent, 100U);
  lan.run_until(lan.now + 100_s);
}

TEST_F(NetworkAllocation, NeighboursThatAnswerAndThatDoNot) {
  const Handle client =
      *lan.a->command(udp::Open{.local = {}, .remote = {}, .options = {}}, lan.now);
  const Octets text = pattern(10);
  {
    const Forbidden forbidden;
    for (int i = 0; i < 1'500; ++i) {  // more than the cache has room for
      IpAddress to = address_of(i % 2 == 0, static_cast<uint8_t>(i % 200));
      if (!to.is_v4()) to.octets[14] = static_cast<uint8_t>(i >> 6);  // each another one
      (void)lan.a->command(udp::SendTo{client, {to, 7}, text, {}}, lan.now);
      lan.run_until(lan.now + 3_ms);
    }
    lan.run_until(lan.now + 60_s);
    forget_events();
  }
  EXPECT_GE(lan.a->counters().dropped(DropReason::NeighbourUnreachable), 200U);
  EXPECT_GE(lan.a->counters().dropped(DropReason::NeighbourEvicted), 1U);
}

}  // namespace
}  // namespace rapport::test
