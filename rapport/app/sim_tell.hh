// What `sim` prints of its worlds.
#pragma once

#include "rapport/app/sim_run.hh"

#include <cstdint>
#include <string>

namespace rapport::app {

struct SimTelling {
  uint64_t least = 0;     // what happened less often is told, unless it is impossible
  std::string out = ".";  // folder of the recordings of broken seeds
  bool json = false;
};

// The account, every broken seed, and then the first of them made small, with their recordings. The
// exit status: 0 when nothing was broken and nothing happened too seldom or against what was said
// to be possible.
[[nodiscard]] int tell(const Swarm& swarm, const SwarmResult& result, const SimTelling& how);

}  // namespace rapport::app
