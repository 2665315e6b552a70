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

namespace {

// Nothing befalls anybody, nobody is short of anything or gives up early: whoever is gentle here
// must have everything.
void calm_down(Plan& plan) {
  const tcp::Config usual;
  for (HostPlan& h : plan.hosts) {
    tcp::Config& t = h.stack.tcp;
    t.max_connections = t.max_transfers = t.max_extras = t.max_half_open = t.max_time_wait = 64;
    t.r2 = usual.r2;
    t.orphan_give_up = usual.orphan_give_up;
    t.fin_wait_2_orphan = usual.fin_wait_2_orphan;
    t.syn_give_up = usual.syn_give_up;
    t.syn_ack_give_up = usual.syn_ack_give_up;
  }
  plan.crowds.clear();
  plan.mishaps.clear();
  plan.harsh = false;
}

}  // namespace

Plan draw_plan(uint64_t seed, const Wishes& wishes) {
  constexpr uint64_t one_is_calm = 8;  // of so many worlds
  Random r(seed);
  Plan plan;
  plan.seed = seed;
  const bool calm = seed % one_is_calm == 0 && wishes == Wishes{};
  uint32_t level = r.below(4);  // none, mild, medium, harsh
  if (calm) level %= 2;
  plan.harsh = level >= 2 || wishes.loss_ppm || wishes.corrupt_ppm || wishes.partition;
  draw_hosts(r, plan, wishes, level);
  plan.bursts = once_in(r, 2);
  plan.frames_first = once_in(r, 2);
  draw_crowds(r, plan);
  plan.harsh |= !plan.crowds.empty();
  Random fate(r.next());
  draw_mishaps(fate, plan, wishes);
  plan.harsh |= !plan.mishaps.empty();
  if (calm) calm_down(plan);
  draw_talks(r, plan);
  if (!calm) draw_strays(plan);
  return plan;
}

}  // namespace rapport::lives
