// Links: delay, rate, queue, scripts; and the oracle's halves and runs.
#include "rapport/sim/link.hh"

#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/oracle.hh"
#include "rapport/tcp/state.hh"

#include <set>

#include <gtest/gtest.h>

namespace rapport::sim {
namespace {

constexpr Instant kBegin{1'000'000'000};

TEST(Link, TakesItsDelay) {
  Link link({.delay = 7_ms}, 1);
  const Passage p = link.pass(1500, kBegin);
  EXPECT_EQ(p.count, 1U);
  EXPECT_EQ(p.copies[0].fate, Fate::Delivered);
  EXPECT_EQ(p.copies[0].arrival, kBegin + 7_ms);
  EXPECT_EQ(link.frames(), 1U);
}

TEST(Link, ARateSendsOneAfterTheOther) {
  Link link({.delay = 1_ms, .bits_per_second = 8'000'000}, 1);  // an octet a microsecond
  EXPECT_EQ(link.pass(1000, kBegin).copies[0].arrival, kBegin + 2_ms);
  EXPECT_EQ(link.pass(500, kBegin).copies[0].arrival, kBegin + 2_ms + 500_us);
  EXPECT_EQ(link.pass(500, kBegin + 10_ms).copies[0].arrival, kBegin + 11_ms + 500_us);
}

TEST(Link, AFullQueueOverflows) {
  Link link({.delay = 1_ms, .bits_per_second = 8'000'000, .queue = 2000}, 1);
  EXPECT_EQ(link.pass(1000, kBegin).copies[0].fate, Fate::Delivered);
  EXPECT_EQ(link.pass(1000, kBegin).copies[0].fate, Fate::Delivered);
  const Passage third = link.pass(1000, kBegin);
  EXPECT_EQ(third.copies[0].fate, Fate::Overflowed);
  EXPECT_EQ(third.copies[0].arrival, kNever);
  EXPECT_EQ(link.pass(1000, kBegin + 1_ms).copies[0].fate, Fate::Delivered);
}

TEST(Link, FollowsItsScript) {
  Link link({.delay = 1_ms}, 1);
  link.lose(2);
  link.hold(3, 50_ms);
  link.duplicate(4, 9_ms);
  link.corrupt(5, 3);
  EXPECT_EQ(link.pass(100, kBegin).copies[0].fate, Fate::Delivered);
  EXPECT_EQ(link.pass(100, kBegin).copies[0].fate, Fate::Lost);
  const Passage held = link.pass(100, kBegin);
  EXPECT_EQ(held.copies[0].arrival, kBegin + 51_ms);
  EXPECT_EQ(held.copies[0].held, 50_ms);
  const Passage twice = link.pass(100, kBegin);
  ASSERT_EQ(twice.count, 2U);
  EXPECT_EQ(twice.copies[0].arrival, kBegin + 1_ms);
  EXPECT_EQ(twice.copies[1].arrival, kBegin + 10_ms);
  EXPECT_EQ(twice.copies[1].fate, Fate::Duplicated);
  const Passage corrupt = link.pass(100, kBegin);
  EXPECT_EQ(corrupt.copies[0].fate, Fate::Corrupted);
  EXPECT_EQ(corrupt.verdict.octet, 3U);
  EXPECT_EQ(link.pass(100, kBegin).copies[0].fate, Fate::Delivered);
}

TEST(Link, ACutLinkLosesUntilItIsMended) {
  Link link({}, 1);
  link.cut(true);
  EXPECT_EQ(link.pass(100, kBegin).copies[0].fate, Fate::Partitioned);
  link.cut(false);
  EXPECT_EQ(link.pass(100, kBegin).copies[0].fate, Fate::Delivered);
}

TEST(Coverage, JoinsRunsInAnyOrder) {
  Coverage c;
  EXPECT_TRUE(c.covers(0));
  c.add(10, 20);
  EXPECT_FALSE(c.covers(10));
  c.add(30, 40);
  c.add(0, 5);
  EXPECT_TRUE(c.covers(5));
  EXPECT_FALSE(c.covers(6));
  c.add(5, 10);
  EXPECT_TRUE(c.covers(20));
  EXPECT_FALSE(c.covers(21));
  c.add(15, 35);
  EXPECT_TRUE(c.covers(40));
  c.add(3, 3);
  c.add(0, 100);
  EXPECT_TRUE(c.covers(100));
  EXPECT_FALSE(c.covers(101));
}

// Every name but LISTEN, which is no end's, has its pair, and no two pairs share one by accident.
TEST(Halves, NameEveryState) {
  std::set<tcp::State> names;
  for (const Sending s :
       {Sending::Closed, Sending::SynSent, Sending::Open, Sending::FinSent, Sending::FinAcked}) {
    for (const Receiving r : {Receiving::None, Receiving::Open, Receiving::FinReceived}) {
      for (const bool answered : {false, true}) names.insert(Halves{s, r, answered}.name());
    }
  }
  EXPECT_EQ(names.size(), 10U);
  EXPECT_FALSE(names.contains(tcp::State::Listen));
  EXPECT_EQ((Halves{Sending::FinSent, Receiving::FinReceived, true}.name()), tcp::State::LastAck);
  EXPECT_EQ((Halves{Sending::FinSent, Receiving::FinReceived, false}.name()), tcp::State::Closing);
}

}  // namespace
}  // namespace rapport::sim
