// Many random worlds on several threads, and what is told of one that broke a promise. The worlds
// themselves are rapport/sim/lives; nothing here depends on which thread lives which seed.
#pragma once

#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/life.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/tally.hh"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rapport::app {

struct Swarm {
  uint64_t first = 1, last = 1000;
  lives::Wishes wishes;
  lives::Bounds bounds;
  size_t jobs = 1;
  std::string asked;  // one line, for replay files
};

struct Broken {
  uint64_t seed = 0;
  sim::Breach breach;
};

struct SwarmResult {
  lives::Tally tally;
  std::vector<Broken> broken;  // by seed
};

[[nodiscard]] SwarmResult live_all(const Swarm& swarm);

// A seed that broke something, made small: what is left of the plan, its breach and last words, and
// the recording for `rapport replay`.
struct Remains {
  uint32_t tried = 0, taken = 0;
  std::string plan, breach, last_words;
  std::vector<uint8_t> recording;
};

[[nodiscard]] Remains make_small(const Swarm& swarm, const Broken& broken);
// The recording of a whole seed, broken or not.
[[nodiscard]] std::vector<uint8_t> record_seed(const Swarm& swarm, uint64_t seed);

}  // namespace rapport::app
