// The search: level by level of faults, in each by the choice at which a world leaves its parent's
// course.
#include "rapport/sim/explore/explorer.hh"

#include "rapport/base/assert.hh"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rapport::sim::explore {

namespace {

// Paths that wait to be run, by the choice of their last place.
class Queue {
 public:
  void push(const Path& path) {
    const size_t at = path.places().empty() ? 0 : path.places().back().at;
    if (at >= waiting_.size()) waiting_.resize(at + 1);
    waiting_[at].push_back(path);
  }

  [[nodiscard]] std::optional<Path> pop() {
    while (first_ < waiting_.size() && next_ == waiting_[first_].size()) {
      waiting_[first_] = {};
      ++first_;
      next_ = 0;
    }
    if (first_ == waiting_.size()) return std::nullopt;
    return waiting_[first_][next_++];
  }

 private:
  std::vector<std::vector<Path>> waiting_;
  size_t first_ = 0, next_ = 0;  // what comes later is never put before these
};

class Search final : public Guide {
 public:
  explicit Search(const Plan& plan) : plan_(plan) {}

  Tally run() {
    levels_.resize(plan_.faults + 2);
    levels_[0].push({});
    for (uint32_t level = 0; level <= plan_.faults && !tally_.shortest; ++level) {
      while (const auto path = levels_[level].pop()) visit(*path);
      levels_[level] = {};
    }
    tally_.states = seen_.size();
    return tally_;
  }

  void could(Deviation d, bool fault) override {
    const uint32_t faults = path_.faults() + (fault ? 1U : 0U);
    if (faults > plan_.faults || !path_.may_grow()) return;
    levels_[faults].push(path_.with(d, fault));
  }

  bool is_new(uint64_t state, uint32_t steps) override {
    const auto [at, fresh] = seen_.try_emplace(state, steps);
    if (fresh) return true;
    if (at->second <= steps) return false;
    at->second = steps;  // by a shorter way, which a shorter counterexample may need
    return true;
  }

 private:
  void visit(const Path& path) {
    path_ = path;
    if (plan_.living != nullptr) *plan_.living = path;
    const uint32_t limit = tally_.shortest ? tally_.shortest->steps : plan_.setup.most_steps;
    Trial trial(plan_.setup, path, this);
    const Outcome o = trial.run(limit);
    count(o);
    if (!o.breach) return;
    const Counterexample found{plan_.setup, path, o.steps, o.ending, *o.breach};
    if (!tally_.shortest || is_shorter(found, *tally_.shortest)) tally_.shortest = found;
  }

  void count(const Outcome& o) {
    ++tally_.worlds;
    ++tally_.worlds_by_faults.at(path_.faults());
    tally_.merged += o.ending == Ending::Merged ? 1 : 0;
    tally_.dead_ends += o.ending == Ending::DeadEnd ? 1 : 0;
    tally_.too_long += o.ending == Ending::TooLong && !o.breach && !tally_.shortest ? 1 : 0;
    tally_.depth = std::max(tally_.depth, o.steps);
    tally_.edges |= o.edges;
    for (size_t i = 0; i < o.mishaps.size(); ++i) tally_.mishaps.at(i) += o.mishaps.at(i);
  }

  Plan plan_;
  Tally tally_;
  Path path_;
  std::vector<Queue> levels_;
  std::unordered_map<uint64_t, uint32_t> seen_;  // state -> steps of the shortest way to it
};

}  // namespace

void Tally::add(const Tally& other) {
  worlds += other.worlds;
  states += other.states;
  merged += other.merged;
  dead_ends += other.dead_ends;
  too_long += other.too_long;
  depth = std::max(depth, other.depth);
  edges |= other.edges;
  for (size_t i = 0; i < mishaps.size(); ++i) mishaps.at(i) += other.mishaps.at(i);
  for (size_t i = 0; i < worlds_by_faults.size(); ++i) {
    worlds_by_faults.at(i) += other.worlds_by_faults.at(i);
  }
  if (other.shortest && (!shortest || is_shorter(*other.shortest, *shortest))) {
    shortest = other.shortest;
  }
}

bool is_shorter(const Counterexample& a, const Counterexample& b) {
  const auto key = [](const Counterexample& c) {
    return std::tuple(c.path.faults(), c.steps, c.setup.parting, c.path);
  };
  return key(a) < key(b);
}

Tally explore(const Plan& plan) {
  ASSERT(plan.faults <= Path::kMostFaults);
  return Search(plan).run();
}

Outcome run_again(const Setup& setup, const Path& path) {
  return Trial(setup, path, nullptr).run(setup.most_steps);
}

}  // namespace rapport::sim::explore
