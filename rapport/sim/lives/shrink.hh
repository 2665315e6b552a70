// Shrinking: what of a plan does not matter for its breach is taken away, piece by piece, until
// nothing more can go: mishaps, crowds, talks, faults of wires, hosts, rounds, octets, pauses.
#pragma once

#include "rapport/sim/lives/plan.hh"

#include <cstdint>
#include <functional>

namespace rapport::lives {

struct Shrunk {
  Plan plan;
  uint32_t tried = 0, taken = 0;  // smaller plans that were lived; those that still broke
};

// `breaks`: lives a plan and says whether the same is broken in it. At most `most` plans are tried.
[[nodiscard]] Shrunk shrink(const Plan& plan, const std::function<bool(const Plan&)>& breaks,
                            uint32_t most = 400);

}  // namespace rapport::lives
