// What happens at the caps of the tables: the oldest TIME-WAIT goes, an OPEN is refused, a SYN is
// dropped; each is counted (DESIGN, Memory).
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/commands.hh"

#include <array>
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

  explicit Caps(uint32_t cap = 3) : p_(cap) {
    listener_ = *p_.b.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, p_.now);
  }

  Life opens(uint16_t port) {
    const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = port};
    Life life{{IpAddress::v4(10, 0, 0, 1), port}, *p_.a.command(c, p_.now), {}};
    p_.settle();
    life.b = *p_.b.command(tcp::Accept{listener_}, p_.now);
    return life;
  }

  // A closes first and is left in TIME-WAIT.
  void closes(const Life& life) {
    ASSERT_TRUE(p_.a.command(tcp::Close{life.a}, p_.now));
    p_.settle();
    ASSERT_TRUE(p_.b.command(tcp::Close{life.b}, p_.now));
    p_.settle();
    tcp::Occurrence told;
    while (p_.a.next_event(told) || p_.b.next_event(told)) {
    }
    ASSERT_EQ(p_.a.state_of(life.local, kServer), tcp::State::TimeWait);
  }

  tcp::State state(const Life& life) const { return p_.a.state_of(life.local, kServer); }

  Pair p_;
  Handle listener_;
};

TEST_F(Caps, AFullTimeWaitLetsTheOldestGo) {
  std::array<Life, 3> lives{opens(4001), opens(4002), opens(4003)};
  // Not in the order in which they were opened.
  for (const int i : {1, 0, 2}) {
    closes(lives[static_cast<size_t>(i)]);
    p_.now = p_.now + 1_s;
  }
  EXPECT_EQ(p_.a.counters().time_wait_evicted, 0U);
  const Life fourth = opens(4004);
  closes(fourth);
  EXPECT_EQ(p_.a.counters().time_wait_evicted, 1U);
  EXPECT_EQ(state(lives[1]), tcp::State::Closed) << "the one that had waited longest";
  EXPECT_EQ(state(lives[0]), tcp::State::TimeWait);
  EXPECT_EQ(state(lives[2]), tcp::State::TimeWait);
  EXPECT_EQ(state(fourth), tcp::State::TimeWait);
  const Life fifth = opens(4005);
  closes(fifth);
  EXPECT_EQ(p_.a.counters().time_wait_evicted, 2U);
  EXPECT_EQ(state(lives[0]), tcp::State::Closed);
  EXPECT_EQ(p_.a.population().time_wait, 3U);
}

TEST_F(Caps, AfterEvictionsTheOthersEndAtTheirInstant_MUST_13) {
  std::array<Life, 4> lives{opens(4001), opens(4002), opens(4003), {}};
  for (size_t i = 0; i < 3; ++i) {
    closes(lives[i]);
    p_.run_until(p_.now + 1_s);
  }
  lives[3] = opens(4004);
  closes(lives[3]);
  const Instant last = p_.now;
  p_.run_until(last + 58_s);  // the second closed two seconds before the last
  EXPECT_EQ(state(lives[1]), tcp::State::Closed);
  EXPECT_EQ(state(lives[2]), tcp::State::TimeWait);
  p_.run_until(last + 60_s);
  EXPECT_EQ(p_.a.population().time_wait, 0U);
}

TEST_F(Caps, AnActiveOpenBeyondTheCapIsRefused_UC_OPEN_05) {
  for (uint16_t port = 4001; port <= 4003; ++port) (void)opens(port);
  const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = 4004};
  const auto fourth = p_.a.command(c, p_.now);
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error(), Error::InsufficientResources);
  EXPECT_EQ(p_.a.population().connections, 3U);
}

TEST_F(Caps, ASynBeyondTheCapIsDroppedAndMayComeAgain_R4987_4) {
  for (uint16_t port = 5001; port <= 5003; ++port) {  // B's SYN queue: nobody completes these
    const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = port};
    ASSERT_TRUE(p_.a.command(c, p_.now));
  }
  Frame syns[3];
  for (Frame& f : syns) f = p_.a.next_frame();
  p_.b.receive(syns, p_.now);
  while (p_.b.next_frame()) {
  }
  ASSERT_EQ(p_.b.population().half_open, 3U);
  Pair other(3);  // another host's SYN
  const tcp::Connect c{.remote = kServer, .local_address = {}, .local_port = 6001};
  ASSERT_TRUE(other.a.command(c, p_.now));
  Frame fourth[1] = {other.a.next_frame()};
  p_.b.receive(fourth, p_.now);
  EXPECT_FALSE(p_.b.next_frame());
  EXPECT_EQ(p_.b.population().half_open, 3U);
}

}  // namespace
}  // namespace rapport::test
