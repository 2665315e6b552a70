// The explorer: worlds counted by hand, merging that loses no breach, the shortest counterexample.
#include "rapport/base/time.hh"
#include "rapport/sim/explore/explorer.hh"
#include "rapport/sim/explore/path.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/explore/trial.hh"
#include "rapport/sim/explore/wire.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/record/replay.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::sim::explore {
namespace {

Plan plan_of(Scenario s, uint32_t faults, Parting p = Parting::ClientFirst) {
  Plan plan;
  plan.setup.scenario = s;
  plan.setup.parting = p;
  plan.faults = faults;
  return plan;
}

uint64_t count(const Tally& t, Mishap m) {
  return t.mishaps.at(static_cast<size_t>(m));
}

// Takes down what a world could have done otherwise.
class Scribe final : public Guide {
 public:
  void could(Deviation d, bool fault) override { (fault ? faults : releases).push_back(d); }

  bool is_new(uint64_t state, uint32_t /*steps*/) override {
    states.push_back(state);
    return true;
  }

  std::vector<Deviation> faults, releases;  // of what the wire has kept
  std::vector<uint64_t> states;
};

// SYN, SYN,ACK and ACK arrive at three instants; before, between and after them the world rests.
TEST(Explore, TheHandshakeWithoutFaultsIsOneWorldOfThreeInstants) {
  const Tally t = explore(plan_of(Scenario::Open, 0));
  EXPECT_EQ(t.worlds, 1U);
  EXPECT_EQ(t.states, 4U);
  EXPECT_EQ(t.depth, 3U);
  EXPECT_EQ(t.dead_ends, 0U);
  EXPECT_FALSE(t.shortest.has_value());
}

// Three frames may each be lost, copied or kept; at four moments of rest either host may crash.
TEST(Explore, TheHandshakeHasSeventeenFirstFaults) {
  Scribe scribe;
  const Plan plan = plan_of(Scenario::Open, 0);
  const Outcome o = Trial(plan.setup, {}, &scribe).run(100);
  EXPECT_EQ(o.ending, Ending::Over);
  EXPECT_EQ(scribe.faults.size(), 3U * 3 + 4 * 2);
  EXPECT_TRUE(scribe.releases.empty());
  EXPECT_EQ(scribe.states.size(), 4U);
}

// One fault. A copy of the SYN may arrive after each of the three instants, one of the SYN,ACK
// after two, one of the ACK after the last: six worlds. Each frame is lost once, and of the eight
// crashes none is left out.
TEST(Explore, OneFaultInTheHandshakeIsCountedByHand) {
  const Tally t = explore(plan_of(Scenario::Open, 1));
  EXPECT_EQ(count(t, Mishap::Lost), 3U);
  EXPECT_EQ(count(t, Mishap::Duplicated), 6U);
  EXPECT_EQ(count(t, Mishap::Crashed), 8U);
  EXPECT_EQ(t.worlds_by_faults[0], 1U);
  // Lost, crashed, copied, kept; and every release of what is in the wire's hands.
  const uint64_t released =
      count(t, Mishap::Duplicated) + count(t, Mishap::Reordered) + count(t, Mishap::Delayed);
  EXPECT_EQ(t.worlds_by_faults[1], 17U + released);
  EXPECT_GT(count(t, Mishap::Delayed), 0U);
  EXPECT_EQ(t.dead_ends, 0U);
  EXPECT_EQ(t.too_long, 0U);
  EXPECT_FALSE(t.shortest.has_value());
}

TEST(Explore, EveryInvariantHoldsInEveryWorldWithOneFault) {
  for (const Scenario s : {Scenario::Open, Scenario::Transfer, Scenario::Close, Scenario::OpenClose,
                           Scenario::Reuse}) {
    for (const Parting p : partings_of(s)) {
      const Tally t = explore(plan_of(s, 1, p));
      EXPECT_FALSE(t.shortest.has_value())
          << name(s) << " " << name(p) << ": " << t.shortest->breach.to_string();
      EXPECT_EQ(t.dead_ends + t.too_long, 0U) << name(s);
      EXPECT_GT(t.merged, 0U) << name(s);
    }
  }
}

// The same worlds with and without merging: the same verdict, with nothing merged many more worlds.
TEST(Explore, MergingLosesNoVerdict) {
  for (const Scenario s : {Scenario::Open, Scenario::Close}) {
    Plan plan = plan_of(s, 1);
    const Tally merged = explore(plan);
    plan.setup.merge = false;
    const Tally whole = explore(plan);
    EXPECT_EQ(whole.merged, 0U);
    EXPECT_GE(whole.worlds, merged.worlds);
    EXPECT_FALSE(merged.shortest.has_value());
    EXPECT_FALSE(whole.shortest.has_value());
    EXPECT_EQ(merged.edges, whole.edges) << "merging hides a transition";
  }
}

// A 2MSL of a few milliseconds is none: the peer in LAST-ACK, whose last ACK is lost, hears a
// reset.
Plan hasty(bool merge) {
  Plan plan = plan_of(Scenario::OpenClose, 2);
  plan.setup.two_msl = 5_ms;
  plan.setup.merge = merge;
  return plan;
}

TEST(Explore, FindsTheShortestCounterexample) {
  const Tally t = explore(hasty(true));
  ASSERT_TRUE(t.shortest.has_value());
  EXPECT_EQ(t.shortest->breach.which, Invariant::Agreement);
  EXPECT_EQ(t.shortest->path.faults(), 1);
  EXPECT_EQ(t.worlds_by_faults[2], 0U) << "none with more faults is looked at";
  const Outcome again = run_again(t.shortest->setup, t.shortest->path);
  ASSERT_TRUE(again.breach.has_value());
  EXPECT_EQ(again.breach->words, t.shortest->breach.words);
  EXPECT_EQ(again.steps, t.shortest->steps);
}

TEST(Explore, TheFileOfACounterexampleReplays) {
  const Tally t = explore(hasty(true));
  ASSERT_TRUE(t.shortest.has_value());
  Recording recording({.program = "test", .seed = 1, .asked = "", .rules_off = {}});
  std::vector<uint8_t> file;
  uint64_t inputs = 0;
  {
    Trial trial(t.shortest->setup, t.shortest->path, nullptr, &recording);
    (void)trial.run(t.shortest->steps);
    trial.coast(kDelay);
    const auto octets = recording.finish();
    file.assign(octets.begin(), octets.end());
    inputs = recording.inputs();
  }
  auto reader = Reader::open(file);
  ASSERT_TRUE(reader.has_value());
  Replay replay(std::move(*reader), {});
  while (replay.next() == Replay::State::Going) {
  }
  EXPECT_EQ(replay.state(), Replay::State::Finished) << replay.divergence().came;
  EXPECT_EQ(replay.inputs(), inputs);
  EXPECT_GT(replay.compared(), 0U);
}

TEST(Explore, MergingLosesNoCounterexampleAndNoStep) {
  const Tally merged = explore(hasty(true));
  const Tally whole = explore(hasty(false));
  ASSERT_TRUE(merged.shortest.has_value() && whole.shortest.has_value());
  EXPECT_EQ(merged.shortest->path.faults(), whole.shortest->path.faults());
  EXPECT_EQ(merged.shortest->steps, whole.shortest->steps);
  EXPECT_EQ(merged.shortest->breach.words, whole.shortest->breach.words);
}

// Who never rests breaks a promise: with fair delivery everything ends.
TEST(Explore, WhoTakesTooManyStepsIsACounterexampleToLiveness) {
  Plan plan = plan_of(Scenario::Open, 1);
  plan.setup.most_steps = 2;
  const Tally t = explore(plan);
  ASSERT_TRUE(t.shortest.has_value());
  EXPECT_EQ(t.shortest->breach.which, Invariant::Liveness);
  EXPECT_EQ(t.shortest->path.faults(), 0);
  EXPECT_EQ(t.shortest->steps, 2U);
  EXPECT_EQ(t.too_long, 0U);
  const Outcome again = run_again(t.shortest->setup, t.shortest->path);
  ASSERT_TRUE(again.breach.has_value());
  EXPECT_EQ(again.breach->words, t.shortest->breach.words);
}

// Whom a bound of time cuts short has broken nothing that was seen.
TEST(Explore, WhoLivesTooLongIsCutShort) {
  Plan plan = plan_of(Scenario::Open, 0);
  plan.setup.until = kDelay + 5_ms;
  const Tally t = explore(plan);
  EXPECT_FALSE(t.shortest.has_value());
  EXPECT_EQ(t.too_long, 1U);
}

// Should it be the last: who runs a world always knows which it is.
TEST(Explore, SaysWhichWorldIsBeingRun) {
  Path living;
  Plan plan = plan_of(Scenario::Open, 1);
  plan.living = &living;
  (void)explore(plan);
  EXPECT_EQ(living.faults(), 1);
  plan.faults = 0;
  (void)explore(plan);
  EXPECT_EQ(living, Path{});
}

// Nothing that a frame held for longer than MSL could do is done: RFC 9293 3.4.1.
TEST(Explore, NoFrameOutlivesMsl) {
  Scribe scribe;
  Plan plan = plan_of(Scenario::OpenClose, 0);
  Path path;
  path = path.with({.at = 0, .which = static_cast<uint16_t>(Fate::Copy)}, true);
  Recording recording({.program = "test", .seed = 1, .asked = "", .rules_off = {}});
  Trial trial(plan.setup, path, &scribe, &recording);
  EXPECT_EQ(trial.run(100).ending, Ending::Over);
  Duration longest{};
  for (const Deviation d : scribe.releases) {
    Recording again({.program = "test", .seed = 1, .asked = "", .rules_off = {}});
    Trial late(plan.setup, path.with(d, false), nullptr, &again);
    (void)late.run(100);
    for (const WireRecord& w : late.world().wires()) {
      EXPECT_TRUE(!w.has_arrived() || w.arrived - w.sent <= kMsl);
      if (w.fate == rapport::Fate::Duplicated) longest = std::max(longest, w.arrived - w.sent);
    }
  }
  EXPECT_GT(scribe.releases.size(), 3U);
  EXPECT_GT(longest, kDelay);
}

TEST(Explore, NamesAreReadBack) {
  for (const std::string_view n : {"open", "transfer", "close", "open-close", "reuse"}) {
    ASSERT_TRUE(scenario_named(n).has_value());
    EXPECT_EQ(name(*scenario_named(n)), n);
  }
  EXPECT_FALSE(scenario_named("opn").has_value());
}

}  // namespace
}  // namespace rapport::sim::explore
