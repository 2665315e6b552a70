// Drawing a plan, from the whole to its parts.
#include "rapport/sim/lives/plan.hh"

#include "rapport/base/random.hh"
#include "rapport/sim/lives/draw.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::lives {

bool TalkPlan::is_gentle() const {
  return std::ranges::all_of(ends, [](const EndPlan& e) { return e.style <= Style::Follower; });
}

Plan draw_plan(uint64_t seed, const Wishes& wishes) {
  Random r(seed);
  Plan plan;
  plan.seed = seed;
  const uint32_t level = r.below(4);  // none, mild, medium, harsh
  plan.harsh = level >= 2 || wishes.loss_ppm || wishes.corrupt_ppm || wishes.partition;
  draw_hosts(r, plan, wishes, level);
  plan.bursts = once_in(r, 2);
  plan.frames_first = once_in(r, 2);
  draw_crowds(r, plan);
  plan.harsh |= !plan.crowds.empty();
  Random fate(r.next());
  draw_mishaps(fate, plan, wishes);
  plan.harsh |= !plan.mishaps.empty();
  draw_talks(r, plan);
  return plan;
}

}  // namespace rapport::lives
