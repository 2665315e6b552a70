// What happens at the caps of the tables: the oldest TIME-WAIT goes, an OPEN is refused, a SYN is
// dropped; each is counted.
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr Endpoint kServer{IpAddress::v4(10, 0, 0, 2), 80};

class Caps : public testing::Test {
 protected:
  // A connection of A to B, open at both ends.
  struct Life {
    Endpoint local;
    Handle a, b;
  };

  explicit Caps(uint32_t cap = 3) : p(cap) {
    listener = *p.b.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, p.now);
  }

  Life opens(uint16_t port) {
    const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = port};
    Life life{{IpAddress::v4(10, 0, 0, 1), port}, *p.a.command(c, p.now), {}};
    p.settle();
    life.b = *p.b.command(tcp::Accept{listener}, p.now);
    return life;
  }

  // A closes first and is left in TIME-WAIT.
  void closes(const Life& life) {
    ASSERT_TRUE(p.a.command(tcp::Close{life.a}, p.now));
    p.settle();
    ASSERT_TRUE(p.b.command(tcp::Close{life.b}, p.now));
    p.settle();
    tcp::Occurrence told;
    while (p.a.next_event(told) || p.b.next_event(told)) {
    }
    ASSERT_EQ(p.a.state_of(life.local, kServer), tcp::State::TimeWait);
  }

  tcp::State state(const Life& life) const { return p.a.state_of(life.local, kServer); }

  Pair p;
  Handle listener;
};

TEST_F(Caps, AFullTimeWaitLetsTheOldestGo) {
  std::array<Life, 3> lives{opens(4001), opens(4002), opens(4003)};
  // Not in the order in which they were opened.
  for (const int i : {1, 0, 2}) {
    closes(lives[static_cast<size_t>(i)]);
    p.now = p.now + 1_s;
  }
  EXPECT_EQ(p.a.counters().time_wait_evicted, 0U);
  const Life fourth = opens(4004);
  closes(fourth);
  EXPECT_EQ(p.a.counters().time_wait_evicted, 1U);
  EXPECT_EQ(state(lives[1]), tcp::State::Closed) << "the one that had waited longest";
  EXPECT_EQ(state(lives[0]), tcp::State::TimeWait);
  EXPECT_EQ(state(lives[2]), tcp::State::TimeWait);
  EXPECT_EQ(state(fourth), tcp::State::TimeWait);
  const Life fifth = opens(4005);
  closes(fifth);
  EXPECT_EQ(p.a.counters().time_wait_evicted, 2U);
  EXPECT_EQ(state(lives[0]), tcp::State::Closed);
  EXPECT_EQ(p.a.population().time_wait, 3U);
}

TEST_F(Caps, AfterEvictionsTheOthersEndAtTheirInstant_MUST_13) {
  std::array<Life, 4> lives{opens(4001), opens(4002), opens(4003), {}};
  for (size_t i = 0; i < 3; ++i) {
    closes(lives[i]);
    p.run_until(p.now + 1_s);
  }
  lives[3] = opens(4004);
  closes(lives[3]);
  const Instant last = p.now;
  p.run_until(last + 58_s);  // the second closed two seconds before the last
  EXPECT_EQ(state(lives[1]), tcp::State::Closed);
  EXPECT_EQ(state(lives[2]), tcp::State::TimeWait);
  p.run_until(last + 60_s);
  EXPECT_EQ(p.a.population().time_wait, 0U);
}

TEST_F(Caps, AnActiveOpenBeyondTheCapIsRefused_UC_OPEN_05) {
  for (uint16_t port = 4001; port <= 4003; ++port) (void)opens(port);
  const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = 4004};
  const auto fourth = p.a.command(c, p.now);
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error(), Error::InsufficientResources);
  EXPECT_EQ(p.a.population().connections, 3U);
}

TEST_F(Caps, ASynBeyondTheCapMakesTheOldestGiveWay_R4987_4) {
  for (uint16_t port = 5001; port <= 5003; ++port) {  // B's SYN queue: nobody completes these
    const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = port};
    ASSERT_TRUE(p.a.command(c, p.now));
  }
  Frame syns[3];
  for (Frame& f : syns) f = p.a.next_frame();
  p.b.receive(syns, p.now);
  while (p.b.next_frame()) {
  }
  ASSERT_EQ(p.b.population().half_open, 3U);
  Pair other(3);  // another host's SYN
  const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = 6001};
  ASSERT_TRUE(other.a.command(c, p.now));
  Frame fourth[1] = {other.a.next_frame()};
  p.b.receive(fourth, p.now);
  EXPECT_TRUE(p.b.next_frame());
  EXPECT_EQ(p.b.population().half_open, 3U);
  EXPECT_EQ(p.b.counters().half_open_evicted, 1U);
}

}  // namespace
}  // namespace rapport::test
