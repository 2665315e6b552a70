// The work of `explore`, shared by processes: one for each way of parting, or for each half of the
// first faults where there is but one. A process tells its figures by a pipe.
#include "rapport/app/verbs.hh"
#include "rapport/app/worlds/explore.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/time.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <deque>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

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

struct Worker {
  Plan plan;
  pid_t process = 0;
  int from = -1;
};

[[noreturn]] void work(const Plan& plan, int to) {
  // A thousand worlds a second take and give back the same memory: it stays with the process.
  constexpr int most = 1 << 30;
  (void)::mallopt(M_MMAP_THRESHOLD, most);
  (void)::mallopt(M_TRIM_THRESHOLD, most);
  const Figures f = figures_of(sim::explore::explore(plan));
  const auto octets = std::as_bytes(std::span(&f, 1));
  const ssize_t written = ::write(to, octets.data(), octets.size());
  ::_exit(written == static_cast<ssize_t>(octets.size()) ? 0 : 1);
}

Worker start(const Plan& plan) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) throw Failure(std::string("no pipe: ") + std::strerror(errno));
  std::fflush(nullptr);
  const pid_t process = ::fork();
  if (process < 0) throw Failure(std::string("no process: ") + std::strerror(errno));
  if (process == 0) {
    ::close(ends[0]);
    work(plan, ends[1]);
  }
  ::close(ends[1]);
  return {plan, process, ends[0]};
}

Tally finish(const Worker& w) {
  Figures f;
  auto octets = std::as_writable_bytes(std::span(&f, 1));
  while (!octets.empty()) {
    const ssize_t got = ::read(w.from, octets.data(), octets.size());
    if (got <= 0 && errno != EINTR) break;
    if (got > 0) octets = octets.subspan(static_cast<size_t>(got));
  }
  ::close(w.from);
  int status = 0;
  while (::waitpid(w.process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!octets.empty() || status != 0) throw Failure("a process that explored came to a bad end");
  return tally_of(f, w.plan);
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
    plan.part.of = partings.size() == 1 ? 2 : 1;
    for (plan.part.number = 0; plan.part.number < plan.part.of; ++plan.part.number) {
      plans.push_back(plan);
    }
  }
  return plans;
}

Tally explore_once(const Asked& asked, uint32_t faults) {
  Tally all;
  std::deque<Worker> busy;
  for (const Plan& plan : plans_of(asked, faults)) {
    if (busy.size() == asked.jobs) {
      all.add(finish(busy.front()));
      busy.pop_front();
    }
    busy.push_back(start(plan));
  }
  for (const Worker& w : busy) all.add(finish(w));
  return all;
}

}  // namespace

sim::explore::Tally explore_all(const Asked& asked) {
  if (!asked.without) return explore_once(asked, asked.faults);
  for (uint32_t faults = 0;; ++faults) {
    Tally t = explore_once(asked, faults);
    if (t.shortest || faults == asked.faults) return t;
  }
}

}  // namespace rapport::app
