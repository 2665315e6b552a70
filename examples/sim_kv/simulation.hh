// One world of the store, drawn from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kv {

struct Outcome {
  std::string violation;           // empty: the store kept its promise
  std::vector<std::string> story;  // what befell the nodes, in order
  uint64_t stored = 0, reads = 0;
};

// `fixed`: without the planted bug.
Outcome simulate(uint64_t seed, bool fixed);
// The same world, written to a file for `rapport replay`. False: the file cannot be written.
bool record(uint64_t seed, bool fixed, const std::string& path);

}  // namespace kv
