// The work of `explore`, shared by processes: one for each way of parting. A process tells its
// figures at its end, and always which world it is in.
#include "rapport/app/worker.hh"
#include "rapport/app/worlds/explore.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/time.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <type_traits>
#include <vector>

#include <malloc.h>

namespace rapport::app {

namespace {

using sim::explore::Counterexample;
using sim::explore::Path;
using sim::explore::Plan;
using sim::explore::Tally;

// A Tally without its counterexample, which its path gives back.
struct Figures {
  uint64_t worlds = 0, states = 0, merged = 0, dead_ends = 0, too_long = 0;
  uint32_t depth = 0, steps = 0;
  sim::explore::Edges edges;
  decltype(Tally::mishaps) mishaps{};
  decltype(Tally::worlds_by_faults) by_faults{};
  bool found = false;
  Path path;
};

static_assert(std::is_trivially_copyable_v<Figures>);

Figures figures_of(const Tally& t) {
  Figures f{t.worlds,
            t.states,
            t.merged,
            t.dead_ends,
            t.too_long,
            t.depth,
            0,
            t.edges,
            t.mishaps,
            t.worlds_by_faults,
            t.shortest.has_value(),
            {}};
  if (t.shortest) {
    f.steps = t.shortest->steps;
    f.path = t.shortest->path;
  }
  return f;
}

Tally tally_of(const Figures& f, const Plan& plan) {
  Tally t;
  t.worlds = f.worlds;
  t.states = f.states;
  t.merged = f.merged;
  t.dead_ends = f.dead_ends;
  t.too_long = f.too_long;
  t.depth = f.depth;
  t.edges = f.edges;
  t.mishaps = f.mishaps;
  t.worlds_by_faults = f.by_faults;
  if (!f.found) return t;
  const sim::explore::Outcome o = sim::explore::run_again(plan.setup, f.path);
  ASSERT(o.breach.has_value());
  t.shortest = Counterexample{plan.setup, f.path, f.steps, o.ending, *o.breach};
  return t;
}

void work(const Plan& plan, const WayBack& back) {
  // A thousand worlds a second take and give back the same memory: it stays with the process.
  constexpr int most = 1 << 30;
  (void)::mallopt(M_MMAP_THRESHOLD, most);
  (void)::mallopt(M_TRIM_THRESHOLD, most);
  const Figures f = figures_of(sim::explore::explore(plan));
  std::array<uint8_t, sizeof f> octets{};
  std::memcpy(octets.data(), &f, sizeof f);
  back.tell(octets);
}

struct Running {
  Plan plan;
  Worker worker;
};

void finish(Running& r, Explored& all) {
  const Worker::End end = r.worker.finish();
  Figures f;
  if (!end.trouble.empty() || end.told.size() != sizeof f) {
    all.died.push_back({r.plan.setup.parting, *r.plan.living, end.trouble});
    return;
  }
  std::memcpy(&f, end.told.data(), sizeof f);
  all.tally.add(tally_of(f, r.plan));
}

// The longest first.
std::vector<Plan> plans_of(const Asked& asked, uint32_t faults) {
  Plan plan;
  plan.faults = faults;
  plan.setup.scenario = asked.scenario;
  plan.setup.shape = sim::explore::shape_of(asked.scenario);
  plan.setup.msl = sim::explore::msl_for(asked.scenario, faults);
  plan.setup.two_msl = 2 * plan.setup.msl;
  plan.setup.until = asked.until_s * 1_s;
  if (asked.without) plan.setup.without.switch_off(*asked.without);
  const auto partings = sim::explore::partings_of(asked.scenario);
  std::vector<Plan> plans;
  for (size_t i = partings.size(); i-- > 0;) {
    plan.setup.parting = partings[i];
    plans.push_back(plan);
  }
  return plans;
}

Explored explore_once(const Asked& asked, uint32_t faults) {
  Explored all;
  std::vector<Plan> plans = plans_of(asked, faults);
  const Shared<Path> living(plans.size());
  std::deque<Running> busy;
  for (size_t i = 0; i < plans.size(); ++i) {
    if (busy.size() == asked.jobs) {
      finish(busy.front(), all);
      busy.pop_front();
    }
    Plan& plan = plans[i];
    plan.living = &living.all()[i];
    busy.push_back({plan, Worker([&plan](const WayBack& back) { work(plan, back); })});
  }
  for (Running& r : busy) finish(r, all);
  return all;
}

}  // namespace

Explored explore_all(const Asked& asked) {
  if (!asked.without) return explore_once(asked, asked.faults);
  for (uint32_t faults = 0;; ++faults) {
    Explored e = explore_once(asked, faults);
    if (e.tally.shortest || !e.died.empty() || faults == asked.faults) return e;
  }
}

}  // namespace rapport::app
