// Explores: every world of a scenario with at most so many faults. Stateless: a world is run again
// from its beginning for each choice, and given up when its state was seen before. Worlds with
// fewer faults come first and among them those that leave the ordinary course first, so that the
// first counterexample has the fewest faults; among those it is one with the fewest steps.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/sim/explore/path.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/explore/trial.hh"
#include "rapport/sim/invariants.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace rapport::sim::explore {

struct Plan {
  Setup setup;
  uint32_t faults = 1;
  Path* living = nullptr;  // borrowed; always says which world is being run, should it be the last
};

// A world in which an invariant does not hold.
struct Counterexample {
  Setup setup;
  Path path;
  uint32_t steps = 0;
  Ending ending = Ending::Breached;
  Breach breach;
};

struct Tally {
  uint64_t worlds = 0;  // that were run
  uint64_t states = 0;  // that differ
  uint64_t merged = 0;  // worlds that came to a state seen before
  uint64_t dead_ends = 0;
  uint64_t too_long = 0;  // that Setup::until cut short
  uint32_t depth = 0;     // steps of the longest
  Edges edges;
  std::array<uint64_t, static_cast<size_t>(Mishap::kCount)> mishaps{};
  std::array<uint64_t, Path::kMostFaults + 1> worlds_by_faults{};
  std::optional<Counterexample> shortest;

  // As if one had done the work of both.
  void add(const Tally& other);
};

// Fewer faults, then fewer steps, then the smaller path.
[[nodiscard]] bool is_shorter(const Counterexample& a, const Counterexample& b);

// All worlds of the plan; with a counterexample none with more faults than it has.
[[nodiscard]] Tally explore(const Plan& plan);

// The world of a path again.
[[nodiscard]] Outcome run_again(const Setup& setup, const Path& path);

}  // namespace rapport::sim::explore
