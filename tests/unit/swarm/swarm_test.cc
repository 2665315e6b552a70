// The verb `sim` from within: a seed that breaks something is told, made small and recorded; one
// that ends its process is told, too; none of them hides another.
#include "../app/folder.hh"
#include "rapport/app/sim_run.hh"
#include "rapport/app/sim_tell.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/tally.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/replay.hh"
#include "rapport/tcp/state.hh"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace rapport::app {
namespace {

using sim::Breach;
using sim::Invariant;

Swarm seeds(uint64_t first, uint64_t last, size_t jobs = 2) {
  Swarm s;
  s.first = first;
  s.last = last;
  s.jobs = jobs;
  return s;
}

// Worlds that nobody asked to end after five steps, and that do not come to their end in them.
Swarm endless(uint64_t last) {
  Swarm s = seeds(1, last);
  s.bounds.events = 5;
  return s;
}

std::optional<Breach> lives(lives::Tally& tally, uint64_t seed) {
  tally.worlds = 1;
  tally.octets = seed;
  return std::nullopt;
}

struct Printed {
  int status = 0;
  std::string out, err;
};

Printed told(const Swarm& swarm, const SwarmResult& result, const SimTelling& how) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Printed p;
  p.status = tell(swarm, result, how);
  p.out = testing::internal::GetCapturedStdout();
  p.err = testing::internal::GetCapturedStderr();
  return p;
}

size_t count(const std::string& text, const std::string& words) {
  size_t n = 0;
  for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++n;
  return n;
}

TEST(Swarm, LivesEverySeedOnceWithAnyNumberOfProcesses) {
  for (const size_t jobs : {size_t{1}, size_t{2}, size_t{7}, size_t{50}}) {
    const SwarmResult r = live_all(seeds(11, 30, jobs),
                                   [](uint64_t seed, lives::Tally& t) { return lives(t, seed); });
    EXPECT_EQ(r.tally.worlds, 20U);
    EXPECT_EQ(r.tally.octets, 20U * 41 / 2);
    EXPECT_TRUE(r.broken.empty() && r.died.empty());
  }
}

TEST(Swarm, WhoDiesTakesOneWorldWithHim) {
  for (const size_t jobs : {size_t{1}, size_t{2}}) {
    const SwarmResult r = live_all(seeds(1, 20, jobs), [](uint64_t seed, lives::Tally& t) {
      if (seed == 9 || seed == 10 || seed == 20) std::abort();
      return lives(t, seed);
    });
    ASSERT_EQ(r.died.size(), 3U);
    EXPECT_EQ(r.died[0].seed, 9U);
    EXPECT_EQ(r.died[1].seed, 10U);
    EXPECT_EQ(r.died[2].seed, 20U);
    EXPECT_NE(r.died[0].how.find("signal 6"), std::string::npos) << r.died[0].how;
    EXPECT_EQ(r.tally.worlds, 17U) << "what the dead had lived before counts";
    EXPECT_EQ(r.tally.octets, 210U - 39U);
  }
}

TEST(Swarm, WhatWasBrokenBeforeADeathIsNotLost) {
  const SwarmResult r = live_all(seeds(1, 5, 1), [](uint64_t seed, lives::Tally& t) {
    if (seed == 3) std::abort();
    std::optional<Breach> b = lives(t, seed);
    if (seed != 4) b = Breach{Invariant::Agreement, 1, Instant{} + 5_ms, "two\nlines \"\xff\""};
    return b;
  });
  ASSERT_EQ(r.broken.size(), 3U);
  EXPECT_EQ(r.broken[0].seed, 1U);
  EXPECT_EQ(r.broken[1].seed, 2U);
  EXPECT_EQ(r.broken[2].seed, 5U);
  EXPECT_EQ(r.broken[0].breach.which, Invariant::Agreement);
  EXPECT_EQ(r.broken[0].breach.host, 1U);
  EXPECT_EQ(r.broken[0].breach.at, Instant{} + 5_ms);
  EXPECT_TRUE(r.broken[0].breach.words.starts_with("two\nlines \""));
  ASSERT_EQ(r.died.size(), 1U);
  EXPECT_EQ(r.died[0].seed, 3U);
}

TEST(Swarm, ASeedThatDiedIsToldWithTheWayToLiveItAlone) {
  Swarm swarm = seeds(1, 20);
  swarm.wished = " --loss 5%";
  SwarmResult r;
  r.died.push_back({9, "killed by signal 6 (Aborted)"});
  const Printed p = told(swarm, r, {});
  EXPECT_EQ(p.status, 1);
  EXPECT_NE(p.out.find("seed 9 "), std::string::npos);
  EXPECT_NE(p.out.find("signal 6"), std::string::npos);
  EXPECT_NE(p.out.find("again: rapport sim --seeds 9..9 --loss 5%\n"), std::string::npos);
  const auto json = nlohmann::json::parse(told(swarm, r, {.json = true}).out);
  EXPECT_EQ(json["died"][0]["seed"], 9);
}

TEST(Swarm, ABoundThatNobodyAskedForIsABreachOfLiveness) {
  Swarm swarm = endless(3);
  const SwarmResult r = live_all(swarm);
  ASSERT_EQ(r.broken.size(), 3U);
  EXPECT_EQ(r.broken[0].breach.which, Invariant::Liveness);
  swarm.bounds.events_are_asked = true;
  const SwarmResult asked = live_all(swarm);
  EXPECT_TRUE(asked.broken.empty());
  const Printed p = told(swarm, asked, {});
  EXPECT_EQ(p.status, 0);
  EXPECT_NE(p.out.find("3 of 3 worlds were ended by the bound of 5 events"), std::string::npos);
}

TEST(Swarm, EveryBrokenSeedIsToldAndTheFirstFiveReplay) {
  const Swarm swarm = endless(7);
  const SwarmResult r = live_all(swarm);
  ASSERT_EQ(r.broken.size(), 7U);
  const Folder folder;
  const Printed p = told(swarm, r, {.out = folder.path()});
  EXPECT_EQ(p.status, 1);
  EXPECT_EQ(count(p.out, " breaks liveness ("), 5U);
  EXPECT_EQ(count(p.out, "made small in "), 5U);
  EXPECT_NE(p.out.find("\nseed 6: liveness\nseed 7: liveness\n"), std::string::npos)
      << p.out.substr(0, p.out.find("made small"));
  EXPECT_LT(p.out.find("seed 7: liveness"), p.out.find("made small"));
  for (int seed = 1; seed <= 5; ++seed) {
    const std::string name = folder.path() + "/sim-" + std::to_string(seed) + ".rec";
    EXPECT_NE(p.out.find("again: rapport replay " + name), std::string::npos);
    std::ifstream file(name, std::ios::binary);
    const std::vector<uint8_t> octets(std::istreambuf_iterator<char>(file), {});
    auto reader = sim::Reader::open(octets);
    ASSERT_TRUE(reader.has_value()) << name;
    sim::Replay replay(std::move(*reader), {});
    while (replay.next() == sim::Replay::State::Going) {
    }
    EXPECT_EQ(replay.state(), sim::Replay::State::Finished) << replay.divergence().came;
    EXPECT_GT(replay.inputs(), 0U);
  }
}

TEST(Swarm, AFileThatCannotBeWrittenHidesNothing) {
  const Swarm swarm = endless(2);
  const SwarmResult r = live_all(swarm);
  for (const bool json : {false, true}) {
    const Printed p = told(swarm, r, {.out = "/nonexistent/folder", .json = json});
    EXPECT_EQ(p.status, 1);
    EXPECT_EQ(count(p.err, "sim-1.rec: cannot write it: No such file or directory"), 1U) << p.err;
    EXPECT_EQ(count(p.err, "sim-2.rec"), 1U);
    if (json) {
      const auto j = nlohmann::json::parse(p.out);
      EXPECT_EQ(j["broken"][1]["invariant"], "liveness");
      EXPECT_TRUE(j["broken"][1]["recording"].is_null());
    } else {
      EXPECT_NE(p.out.find("seed 2 breaks liveness ("), std::string::npos);
      EXPECT_NE(p.out.find("again: rapport sim --seeds 2..2\n"), std::string::npos);
    }
  }
}

TEST(Swarm, WhatIsSaidToBeImpossibleAndHappensIsTold) {
  SwarmResult r;
  EXPECT_EQ(told(seeds(1, 1), r, {}).status, 0);
  r.tally.edges.at(static_cast<size_t>(tcp::State::Listen))
      .at(static_cast<size_t>(tcp::Event::AbortCalled)) = 3;
  const Printed p = told(seeds(1, 1), r, {});
  EXPECT_EQ(p.status, 1);
  EXPECT_NE(p.out.find("said to be impossible: edge LISTEN: abort called: 3 times"),
            std::string::npos);
}

}  // namespace
}  // namespace rapport::app
