// Threads that live seeds, and the post-mortem of one.
#include "rapport/app/sim_run.hh"

#include "rapport/app/version.hh"
#include "rapport/sim/lives/life.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/shrink.hh"
#include "rapport/sim/lives/story.hh"
#include "rapport/sim/lives/tally.hh"
#include "rapport/sim/record/recording.hh"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rapport::app {

namespace {

constexpr size_t kLastWords = 40;

sim::RecordingAbout about(const Swarm& swarm, uint64_t seed) {
  return {.program = "rapport " + std::string(kVersion), .seed = seed, .asked = swarm.asked};
}

}  // namespace

SwarmResult live_all(const Swarm& swarm) {
  SwarmResult all;
  std::mutex mutex;
  std::atomic<uint64_t> next = swarm.first;
  const auto work = [&] {
    lives::Tally tally;
    std::vector<Broken> broken;
    for (uint64_t seed = next++; seed <= swarm.last; seed = next++) {
      lives::Life life(lives::draw_plan(seed, swarm.wishes));
      lives::Tally one;
      life.live(one, swarm.bounds);
      tally.add(one);
      if (life.breach()) broken.push_back({seed, *life.breach()});
    }
    const std::scoped_lock lock(mutex);
    all.tally.add(tally);
    all.broken.insert(all.broken.end(), broken.begin(), broken.end());
  };
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < swarm.jobs; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  std::ranges::sort(all.broken, {}, &Broken::seed);
  return all;
}

Remains make_small(const Swarm& swarm, const Broken& broken) {
  const auto breaks = [&](const lives::Plan& plan) {
    lives::Tally tally;
    lives::Life life(plan);
    life.live(tally, swarm.bounds);
    return life.breach() && life.breach()->which == broken.breach.which;
  };
  const lives::Shrunk small = lives::shrink(lives::draw_plan(broken.seed, swarm.wishes), breaks);
  Remains r;
  r.tried = small.tried;
  r.taken = small.taken;
  sim::Recording recording(about(swarm, broken.seed));
  {
    lives::Tally tally;
    lives::Life life(small.plan, true);
    life.world().record(recording);
    life.live(tally, swarm.bounds);
    if (life.breach()) r.breach = life.breach()->to_string();
    r.plan = life.report();
    r.last_words = lives::last_words(life.world(), kLastWords);
    const auto file = recording.finish();
    r.recording.assign(file.begin(), file.end());
  }
  return r;
}

std::vector<uint8_t> record_seed(const Swarm& swarm, uint64_t seed) {
  sim::Recording recording(about(swarm, seed));
  lives::Tally tally;
  lives::Life life(lives::draw_plan(seed, swarm.wishes));
  life.world().record(recording);
  life.live(tally, swarm.bounds);
  const auto file = recording.finish();
  return {file.begin(), file.end()};
}

}  // namespace rapport::app
