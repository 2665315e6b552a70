// Processes that live seeds, and the post-mortem of one.
#include "rapport/app/sim_run.hh"

#include "rapport/app/recording_file.hh"
#include "rapport/app/verbs.hh"
#include "rapport/app/worker.hh"
#include "rapport/sim/lives/life.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/shrink.hh"
#include "rapport/sim/lives/story.hh"
#include "rapport/sim/lives/tally.hh"
#include "rapport/sim/record/recording.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using Json = nlohmann::json;

constexpr size_t kLastWords = 40;

std::span<const uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string_view text_of(std::span<const uint8_t> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

sim::RecordingAbout about(const Swarm& swarm, uint64_t seed) {
  return {.program = program_words(), .seed = seed, .asked = swarm.asked()};
}

// What a worker has done so far, for the one who may survive it.
struct Desk {
  std::atomic<uint64_t> living = 0;  // the seed; 0: none
  std::atomic<size_t> good = 0;      // which of the tallies is whole
  std::array<lives::Tally, 2> tallies;

  void put(const lives::Tally& one) {
    const size_t other = 1 - good;
    tallies.at(other) = tallies.at(good);
    tallies.at(other).add(one);
    good = other;
    living = 0;
  }
};

// A worker's words of a broken seed are a line each: what is left behind by one that was killed in
// the midst of a line is not read.
void tell(const WayBack& back, const Broken& b) {
  const Json line{b.seed, static_cast<uint32_t>(b.breach.which), b.breach.host, b.breach.at.ns,
                  b.breach.words};
  const std::string text = line.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
  back.tell(octets_of(text));
}

void read_told(std::span<const uint8_t> told, std::vector<Broken>& broken) {
  std::string_view text = text_of(told);
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const Json line = Json::parse(text.substr(0, end));
    text.remove_prefix(end + 1);
    Broken b;
    b.seed = line.at(0);
    b.breach.which = static_cast<sim::Invariant>(line.at(1).get<uint32_t>());
    b.breach.host = line.at(2);
    b.breach.at.ns = line.at(3);
    b.breach.words = line.at(4);
    broken.push_back(std::move(b));
  }
}

void work(std::atomic<uint64_t>& next, uint64_t last, Desk& desk, const LiveOne& live,
          const WayBack& back) {
  for (uint64_t seed = next++; seed <= last; seed = next++) {
    desk.living = seed;
    lives::Tally one;
    const auto breach = live(seed, one);
    if (breach) tell(back, {seed, *breach});
    desk.put(one);
  }
}

// Until no seed is left or all who worked have died.
void work_together(const Swarm& swarm, const LiveOne& live, std::atomic<uint64_t>& next,
                   SwarmResult& all) {
  const size_t jobs = std::min<uint64_t>(swarm.jobs, swarm.last - swarm.first + 1);
  const Shared<Desk> desks(jobs);
  std::vector<Worker> workers;
  workers.reserve(jobs);
  for (Desk& desk : desks.all()) {
    workers.emplace_back([&](const WayBack& back) { work(next, swarm.last, desk, live, back); });
  }
  for (size_t i = 0; i < jobs; ++i) {
    const Worker::End end = workers[i].finish();
    const Desk& desk = desks.all()[i];
    read_told(end.told, all.broken);
    all.tally.add(desk.tallies.at(desk.good));
    if (end.trouble.empty()) continue;
    if (desk.living == 0) throw Failure("a process that lived worlds was " + end.trouble);
    all.died.push_back({desk.living, end.trouble});
  }
}

std::string alone(uint64_t first, uint64_t last, const std::string& wished) {
  return fmt::format("sim --seeds {}..{}{}", first, last, wished);
}

// In the process that may die of it.
Remains shrunk(const Swarm& swarm, const Broken& broken) {
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

}  // namespace

std::string Swarm::asked() const {
  return alone(first, last, wished);
}

std::string Swarm::asked(uint64_t seed) const {
  return alone(seed, seed, wished);
}

SwarmResult live_all(const Swarm& swarm) {
  return live_all(swarm, [&](uint64_t seed, lives::Tally& tally) {
    lives::Life life(lives::draw_plan(seed, swarm.wishes));
    life.live(tally, swarm.bounds);
    return life.breach();
  });
}

SwarmResult live_all(const Swarm& swarm, const LiveOne& live) {
  SwarmResult all;
  const Shared<std::atomic<uint64_t>> shared(1);
  std::atomic<uint64_t>& next = shared.all().front();
  next = swarm.first;
  while (next <= swarm.last) work_together(swarm, live, next, all);
  std::ranges::sort(all.broken, {}, &Broken::seed);
  std::ranges::sort(all.died, {}, &Died::seed);
  return all;
}

Remains make_small(const Swarm& swarm, const Broken& broken) {
  Worker worker([&](const WayBack& back) {
    const Remains r = shrunk(swarm, broken);
    back.tell(Json::to_cbor(
        {r.tried, r.taken, r.plan, r.breach, r.last_words, Json::binary(r.recording)}));
  });
  const Worker::End end = worker.finish();
  Remains r;
  r.trouble = end.trouble;
  if (!r.trouble.empty()) return r;
  const Json told = Json::from_cbor(end.told);
  r.tried = told.at(0);
  r.taken = told.at(1);
  r.plan = told.at(2);
  r.breach = told.at(3);
  r.last_words = told.at(4);
  r.recording = told.at(5).get_binary();
  return r;
}

std::vector<uint8_t> record_seed(const Swarm& swarm, uint64_t seed) {
  Worker worker([&](const WayBack& back) {
    sim::Recording recording(about(swarm, seed));
    lives::Tally tally;
    lives::Life life(lives::draw_plan(seed, swarm.wishes));
    life.world().record(recording);
    life.live(tally, swarm.bounds);
    back.tell(recording.finish());
  });
  Worker::End end = worker.finish();
  if (!end.trouble.empty())
    throw Failure(fmt::format("the process that recorded seed {} was {}", seed, end.trouble));
  return std::move(end.told);
}

}  // namespace rapport::app
