// A counterexample as people read it: the ladder of its world, and the recording that replays it.
#include "rapport/app/recording_file.hh"
#include "rapport/app/worlds/explore.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/explore/trial.hh"
#include "rapport/sim/record/recording.hh"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using sim::explore::Counterexample;
using sim::explore::Trial;

std::string rule_of(const Asked& asked) {
  return asked.without ? std::string(tcp::RuleSwitches<true>::name(*asked.without)) : std::string();
}

std::string draw(const Trial& trial) {
  const sim::World& world = trial.world();
  std::vector<WireRecord> wires(world.wires().begin(), world.wires().end());
  sim::explore::by_departure(wires);
  observe::Story story;
  story.hosts = {std::string(world.name(0)), std::string(world.name(1))};
  story.records = world.records();
  story.wires = wires;
  for (const Trial::Crash& c : trial.crashes()) {
    story.remarks.push_back({.host = c.host,
                             .before = c.before,
                             .at = c.at,
                             .text = "crashes and begins anew",
                             .forgets = true,
                             .closes = false});
  }
  return observe::ladder(story, {});
}

}  // namespace

std::string Asked::words() const {
  std::string s =
      fmt::format("explore --scenario {} --faults {}", sim::explore::name(scenario), faults);
  if (without) s += " --without " + rule_of(*this);
  return s;
}

std::string Asked::file() const {
  if (!record.empty()) return record;
  const std::string rule = rule_of(*this);
  return fmt::format("explore-{}{}{}.rec", sim::explore::name(scenario), rule.empty() ? "" : "-",
                     rule);
}

Told tell(const Asked& asked, const Counterexample& found) {
  std::vector<std::string> off;
  if (asked.without) off.push_back(rule_of(asked));
  sim::Recording recording(
      {.program = program_words(), .seed = 1, .asked = asked.words(), .rules_off = off});
  Trial trial(found.setup, found.path, nullptr, &recording);
  (void)trial.run(found.steps);
  trial.coast(2 * sim::explore::kDelay);
  recording.ladder(sim::explore::kClient, sim::explore::kServer);
  const auto octets = recording.finish();
  return {draw(trial), {octets.begin(), octets.end()}};
}

}  // namespace rapport::app
