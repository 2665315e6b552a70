// Many random worlds in several processes, and what is told of one that broke a promise. The worlds
// themselves are rapport/sim/lives; nothing here depends on which process lives which seed, and who
// dies in a world takes that world with him only.
#pragma once

#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/life.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/tally.hh"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rapport::app {

struct Swarm {
  uint64_t first = 1, last = 1000;
  lives::Wishes wishes;
  lives::Bounds bounds;
  size_t jobs = 1;
  std::string wished;  // " --loss 5%": options that make these worlds what they are

  // "sim --seeds 1..1000 --loss 5%", and of one seed alone.
  [[nodiscard]] std::string asked() const;
  [[nodiscard]] std::string asked(uint64_t seed) const;
};

struct Broken {
  uint64_t seed = 0;
  sim::Breach breach;
};

// The process that lived this seed came to a bad end in it.
struct Died {
  uint64_t seed = 0;
  std::string how;
};

struct SwarmResult {
  lives::Tally tally;          // of the worlds in which nobody died
  std::vector<Broken> broken;  // by seed
  std::vector<Died> died;      // by seed
};

// Lives a seed and counts what happened in it.
using LiveOne = std::function<std::optional<sim::Breach>(uint64_t seed, lives::Tally& tally)>;

// Every seed, by `live`: as the swarm has it. Failure when there can be no process.
[[nodiscard]] SwarmResult live_all(const Swarm& swarm);
[[nodiscard]] SwarmResult live_all(const Swarm& swarm, const LiveOne& live);

// A seed that broke something, made small: what is left of the plan, its breach and last words, and
// the recording for `rapport replay`.
struct Remains {
  uint32_t tried = 0, taken = 0;
  std::string plan, breach, last_words;
  std::vector<uint8_t> recording;
  std::string trouble;  // how the process ended that made it small; then there is nothing else
};

[[nodiscard]] Remains make_small(const Swarm& swarm, const Broken& broken);

// The recording of a whole seed, broken or not; Failure when the process dies of it.
[[nodiscard]] std::vector<uint8_t> record_seed(const Swarm& swarm, uint64_t seed);

}  // namespace rapport::app
