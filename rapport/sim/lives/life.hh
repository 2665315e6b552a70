// Life: one random world from its plan to its end, watched by every invariant.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/ends.hh"
#include "rapport/sim/lives/mishaps.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/tally.hh"
#include "rapport/sim/world.hh"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rapport::lives {

// What ends a world that would run for ever.
struct Bounds {
  // A world that comes to one of them is a breach of liveness; where the bound is asked for the
  // world is left as it stands, and only what held so far is judged.
  Instant until = Instant{} + 7200_s;
  uint64_t events = 2'000'000;  // steps of the clock
  bool until_is_asked = false, events_are_asked = false;
  bool models = false;  // the models of one end judge, too (law.hh)
};

enum class Finish : uint8_t {
  Idle,    // every program ended, nothing is left to happen
  Breach,  // an invariant was broken
  Until,   // by Bounds::until
  Events,  // by Bounds::events
};

class Life {
 public:
  // `keep_records`: for last_words() and ladders; costs memory.
  explicit Life(const Plan& plan, bool keep_records = false);
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  // Once. What happened is counted in `tally`.
  Finish live(Tally& tally, const Bounds& bounds = {});

  [[nodiscard]] const std::optional<sim::Breach>& breach() const { return watch_.breach(); }

  // Before it lives: the models of each end judge, too.

  // How often the clock has moved.
  [[nodiscard]] uint64_t events() const { return events_; }

  [[nodiscard]] sim::World& world() { return world_; }

  // The plan and what became of each end, for people.
  [[nodiscard]] std::string report() const;

 private:
  [[nodiscard]] sim::WorldConfig config(bool keep_records) const;
  void add_hosts();
  void connect_hosts();
  [[nodiscard]] size_t programs();
  Finish run(const Bounds& bounds);
  void fallen(sim::HostId host, bool back);
  [[nodiscard]] bool may_miss(const TalkPlan& talk) const;
  void judge(Tally& tally);
  void judge(Talk& talk, Tally& tally);
  void judge(const End& end, Tally& tally);
  void count(Tally& tally);

  Plan plan_;
  std::vector<std::unique_ptr<Talk>> talks_;  // what outlives the world that runs it
  std::vector<std::unique_ptr<Crowd>> crowds_;
  sim::World world_;
  sim::Invariants watch_;
  Mishaps mishaps_;
  uint64_t events_ = 0;
};

}  // namespace rapport::lives
