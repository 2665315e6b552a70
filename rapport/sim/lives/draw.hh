// Draws of a plan: no two in one expression. Private to sim/lives.
#pragma once

#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/lives/plan.hh"

#include <cstdint>

namespace rapport::lives {

[[nodiscard]] inline uint32_t between(Random& r, uint32_t least, uint32_t most) {
  return least + r.below(most - least + 1);
}

[[nodiscard]] inline bool once_in(Random& r, uint32_t n) {
  return r.below(n) == 0;
}

// Any order of magnitude is as likely as any other.
[[nodiscard]] inline uint32_t any_size(Random& r, uint32_t bits) {
  const uint32_t magnitude = r.below(bits + 1);
  return r.below(1U << magnitude);
}

[[nodiscard]] inline Duration up_to(Random& r, Duration most) {
  const auto us = static_cast<uint32_t>(most.to_us());
  return Duration{int64_t{r.below(us + 1)} * 1'000};
}

void draw_hosts(Random& r, Plan& plan, const Wishes& wishes, uint32_t level);
void draw_talks(Random& r, Plan& plan);
void draw_crowds(Random& r, Plan& plan);
void draw_strays(Plan& plan);
void draw_mishaps(Random& r, Plan& plan, const Wishes& wishes);

}  // namespace rapport::lives
