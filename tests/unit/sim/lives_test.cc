// Random worlds as values: what is drawn obeys wishes, what ends a world is told, and a plan is cut
// down to what matters.
#include "rapport/base/time.hh"
#include "rapport/sim/lives/life.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/shrink.hh"
#include "rapport/sim/lives/tally.hh"

#include <algorithm>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace rapport::lives {
namespace {

TEST(Plan, ObeysWishes) {
  Wishes w;
  w.hosts = 5;
  w.loss_ppm = 12'345;
  w.partition = 7_s;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const Plan plan = draw_plan(seed, w);
    EXPECT_EQ(plan.hosts.size(), 5U);
    EXPECT_EQ(plan.wires.size(), 10U);
    for (const WayPlan& wire : plan.wires) {
      for (const sim::LinkConfig& way : wire.ways) EXPECT_EQ(way.faults.loss_ppm, 12'345U);
    }
    EXPECT_TRUE(std::ranges::any_of(plan.mishaps, [](const Mishap& m) {
      return m.kind == MishapKind::Partition && m.lasts == 7_s && m.a != m.b;
    })) << seed;
  }
}

TEST(Plan, IsTheSameForTheSameSeed) {
  EXPECT_EQ(draw_plan(7).to_string(), draw_plan(7).to_string());
  EXPECT_NE(draw_plan(7).to_string(), draw_plan(8).to_string());
}

TEST(Life, EndsByTheBoundOfEventsThatIsAskedFor) {
  Tally tally;
  Life life(draw_plan(3));
  EXPECT_EQ(life.live(tally, {.events = 5, .events_are_asked = true}), Finish::Events);
  EXPECT_EQ(tally.ended_by_events, 1U);
  EXPECT_FALSE(life.breach());
}

TEST(Life, EndsWhenItIsAskedTo) {
  Tally tally;
  Life life(draw_plan(3));
  const Bounds bounds{.until = Instant{} + 200_ms, .until_is_asked = true};
  EXPECT_EQ(life.live(tally, bounds), Finish::Until);
  EXPECT_FALSE(life.breach());
}

TEST(Life, ThatTakesTooManyStepsIsABreach) {
  Tally tally;
  Life life(draw_plan(3));
  EXPECT_EQ(life.live(tally, {.events = 5}), Finish::Breach);
  ASSERT_TRUE(life.breach().has_value());
  EXPECT_EQ(life.breach()->which, sim::Invariant::Liveness);
  EXPECT_EQ(tally.ended_by_events, 1U);
}

// Without being asked, a world that does not come to its end breaks a promise.
TEST(Life, ThatNeverEndsIsABreach) {
  Tally tally;
  Life life(draw_plan(3));
  EXPECT_EQ(life.live(tally, {.until = Instant{} + 200_ms}), Finish::Breach);
  ASSERT_TRUE(life.breach());
  EXPECT_EQ(life.breach()->which, sim::Invariant::Liveness);
}

TEST(Tally, AccountsForEveryEdge) {
  Tally tally;
  const auto all = account(tally);
  const auto edges = std::ranges::count(all, "edge", &Account::kind);
  EXPECT_EQ(static_cast<size_t>(edges), tcp::transitions().size());
  EXPECT_TRUE(std::ranges::all_of(all, [](const Account& a) { return a.count == 0; }));
}

TEST(Shrink, LeavesWhatMatters) {
  Wishes w;
  w.hosts = 4;
  uint64_t seed = 1;
  const auto crashes = [](const Plan& p) {
    return std::ranges::any_of(p.mishaps,
                               [](const Mishap& m) { return m.kind == MishapKind::Crash; });
  };
  while (!crashes(draw_plan(seed, w)) || draw_plan(seed, w).talks.size() < 2) ++seed;
  const Shrunk small = shrink(draw_plan(seed, w), crashes);
  EXPECT_EQ(small.plan.mishaps.size(), 1U);
  EXPECT_EQ(small.plan.talks.size() + small.plan.crowds.size(), 1U);
  EXPECT_LE(small.plan.hosts.size(), 4U);
  EXPECT_GT(small.taken, 0U);
  for (const WayPlan& wire : small.plan.wires) {
    for (const sim::LinkConfig& way : wire.ways) EXPECT_EQ(way.faults.loss_ppm, 0U);
  }
  Tally tally;  // what is left is a world that can be lived
  Life life(small.plan);
  EXPECT_EQ(life.live(tally), Finish::Idle);
}

TEST(Shrink, KeepsWithinItsBound) {
  const Shrunk small = shrink(draw_plan(5), [](const Plan&) { return false; }, 10);
  EXPECT_LE(small.tried, 10U);
  EXPECT_EQ(small.taken, 0U);
  EXPECT_EQ(small.plan.to_string(), draw_plan(5).to_string());
}

}  // namespace
}  // namespace rapport::lives
