// Searching for a world, running it twice, counting.
#include "rapport/app/worlds/why_found.hh"

#include "rapport/app/verbs.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_setting.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/explore/explorer.hh"
#include "rapport/sim/explore/programs.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/explore/trial.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::Facts;
using observe::Heard;
using observe::Move;
using sim::explore::Counterexample;
using sim::explore::kClient;
using sim::explore::kServer;
using sim::explore::Outcome;
using sim::explore::Setup;
using sim::explore::Tally;
using sim::explore::Trial;
using enum tcp::State;

Tally search_for(const Search& s) {
  Tally all;
  for (const sim::explore::Parting p : s.partings) {
    sim::explore::Plan plan;
    plan.setup.scenario = s.scenario;
    plan.setup.parting = p;
    plan.setup.shape = s.shape;
    plan.setup.only_text = s.only_text;
    plan.setup.msl = sim::explore::msl_for(s.scenario, s.faults);
    plan.setup.two_msl = 2 * plan.setup.msl;
    plan.setup.without.switch_off(s.rule);
    plan.faults = all.shortest ? all.shortest->path.faults() : s.faults;
    all.add(sim::explore::explore(plan));
  }
  return all;
}

Run run_of(const Trial& trial) {
  const sim::World& world = trial.world();
  Run run;
  run.hosts = {std::string(world.name(kClient)), std::string(world.name(kServer))};
  run.records.assign(world.records().begin(), world.records().end());
  run.wires.assign(world.wires().begin(), world.wires().end());
  sim::explore::by_departure(run.wires);
  for (const Trial::Crash& c : trial.crashes())
    run.remarks.push_back({c.host, c.before, c.at, "crashes and begins anew", true, false});
  return run;
}

// On the rail of the host that broke it, behind everything of that instant.
void mark(Run& run, const sim::Breach& breach) {
  const auto later = std::ranges::find_if(
      run.records, [&](const HostRecord& r) { return r.record.header.at > breach.at; });
  const auto order =
      later == run.records.end() ? static_cast<uint32_t>(run.records.size()) : later->order;
  run.remarks.push_back({breach.host == kNoHost ? kServer : breach.host, order, breach.at,
                         fmt::format("found: {} is broken", sim::name(breach.which)), false,
                         false});
}

// --- counting ---

// A connection of the server, from ESTABLISHED on.
struct Life {
  Move opened;
  Instant ended = kNever;  // kNever: never
  uint32_t iss = 0;
  uint32_t last = UINT32_MAX;  // order of the record that ended it
};

std::vector<Life> server_lives(const Facts& facts) {
  std::vector<Life> out;
  for (const Move& m : facts.moves()) {
    if (m.host != kServer) continue;
    if (m.to == Established) {
      Life life{.opened = m};
      for (const Heard& h : facts.segments()) {  // the latest SYN that it sent before or with it
        if (h.host == kServer && h.sent() && h.has(wire::kSyn) && h.at <= m.at)
          life.iss = h.segment.seq;
      }
      out.push_back(life);
    } else if (!out.empty() && out.back().last == UINT32_MAX && (m.to == Closed || m.to == Listen)
               && m.from != SynReceived) {
      out.back().ended = m.at;
      out.back().last = m.order;
    }
  }
  return out;
}

// The client once acknowledged the number that the server had chosen.
bool is_wanted(const Life& life, const Facts& facts) {
  constexpr uint32_t far = 1'000;  // more than is ever written in that model
  return std::ranges::any_of(facts.segments(), [&](const Heard& h) {
    const uint32_t ahead = h.segment.ack - life.iss;
    return h.host == kClient && h.sent() && h.has(wire::kAck) && !h.has(wire::kRst) && ahead > 0
           && ahead < far;
  });
}

void count_unwanted(const Facts& facts, Instant end, Toll& toll) {
  for (const Life& life : server_lives(facts)) {
    ++toll.server_open;
    if (is_wanted(life, facts)) continue;
    ++toll.unwanted;
    toll.unwanted_time += std::min(life.ended, end) - life.opened.at;
    for (const Heard& h : facts.segments()) {
      if (h.host == kServer && h.sent() && h.segment.retransmission == 0 && h.at >= life.opened.at
          && h.order < life.last)
        toll.unwanted_text += h.segment.text_length;
    }
  }
}

void count_time_wait(const Facts& facts, Instant end, Toll& toll) {
  Instant since = kNever;
  for (const Move& m : facts.moves()) {
    if (m.host != kClient) continue;
    if (m.from == TimeWait && since != kNever) {
      toll.time_wait = m.at - since;
      since = kNever;
      break;
    }
    if (m.to == TimeWait) since = m.at;
  }
  if (since != kNever) toll.time_wait = end - since;
  toll.rst_in_time_wait =
      static_cast<uint64_t>(std::ranges::count_if(facts.segments(), [](const Heard& h) {
        return h.host == kClient && !h.sent() && h.has(wire::kRst)
               && static_cast<tcp::State>(h.segment.state) == TimeWait;
      }));
}

// The numbers that the client chose, and how many of the first it used.
void count_numbers(const Facts& facts, Toll& toll) {
  std::optional<uint32_t> iss;
  for (const Heard& h : facts.segments()) {
    if (h.host != kClient || !h.sent() || h.has(wire::kRst)) continue;
    if (!iss) iss = h.segment.seq;
    if (h.has(wire::kSyn) && h.segment.seq != *iss) {
      toll.numbers_on = h.segment.seq - *iss;
      return;
    }
    const uint32_t behind = h.segment.seq - *iss + h.segment.text_length
                            + (h.has(wire::kSyn) ? 1U : 0U) + (h.has(wire::kFin) ? 1U : 0U);
    toll.numbers_used = std::max(toll.numbers_used, behind);
  }
}

// What the server's application read, against what the client of that connection wrote.
void count_text(const sim::explore::Programs& programs, Toll& toll) {
  for (const sim::explore::Line& line : programs.lines()) {
    if (line.host != kServer) continue;
    toll.server_read += line.heard.size();
    for (size_t i = 0; i < line.heard.size(); ++i)
      toll.misread += sim::explore::is_strange(programs.lines(), line, i) ? 1 : 0;
  }
}

Toll toll_of(const Run& run) {
  const observe::Story story = run.story();
  const Facts facts(story);
  Toll toll;
  const Instant end = run.records.empty() ? Instant{} : run.records.back().record.header.at;
  toll.segments = facts.sent(kClient, {}) + facts.sent(kServer, {});
  for (const uint32_t h : {kClient, kServer}) {
    const std::vector<CloseReason> ends = facts.ends(h);
    toll.resets += static_cast<uint64_t>(std::ranges::count(ends, CloseReason::ResetByPeer));
  }
  toll.client_read = facts.octets_read(kClient);
  count_unwanted(facts, end, toll);
  count_time_wait(facts, end, toll);
  count_numbers(facts, toll);
  return toll;
}

struct Played {
  Run run;
  Toll toll;
};

// What both runs have in common from the breach on.
Played watch(Trial& trial, Duration aftermath) {
  const Instant then = trial.world().now();
  std::vector<uint64_t> memory{memory_held(trial.world().stack(kServer))};
  trial.coast(aftermath);
  Played out{run_of(trial), {}};
  out.toll = toll_of(out.run);
  count_text(trial.programs(), out.toll);
  out.toll.paws = trial.world().stack(kServer).counters().dropped(DropReason::PawsRejected);
  for (size_t i = 1; i < kMemoryAfter.size(); ++i) {
    trial.coast(std::max(0_ns, then + kMemoryAfter.at(i) - trial.world().now()));
    memory.push_back(memory_held(trial.world().stack(kServer)));
  }
  out.toll.memory = std::move(memory);
  return out;
}

// The world that was found, and into `f` what went wrong in it and when the breach was.
Played play(Finding& f, Duration aftermath, sim::Recording* recording) {
  sim::Recording own({.program = "rapport why"});
  Trial trial(f.found.setup, f.found.path, nullptr, recording != nullptr ? recording : &own);
  (void)trial.run(f.found.steps);
  f.mischief.assign(trial.mischief().begin(), trial.mischief().end());
  f.broken_at = trial.world().now();
  return watch(trial, aftermath);
}

Played play_again(const Setup& setup, const Finding& f, Duration aftermath) {
  sim::Recording own({.program = "rapport why"});
  Trial trial(setup, {}, nullptr, &own);
  trial.repeat(f.mischief, f.broken_at);
  return watch(trial, aftermath);
}

std::string mishaps_of(const Outcome& outcome) {
  std::string out;
  for (size_t i = 0; i < outcome.mishaps.size(); ++i) {
    if (outcome.mishaps.at(i) == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", outcome.mishaps.at(i),
                       sim::explore::name(static_cast<sim::explore::Mishap>(i)));
  }
  return out.empty() ? "nothing goes wrong in it" : out;
}

}  // namespace

Toll with_timestamps(const Finding& finding, Duration aftermath) {
  Setup setup = finding.found.setup;
  setup.shape.timestamps = true;
  return play_again(setup, finding, aftermath).toll;
}

Finding find(const Search& search, sim::Recording* recording) {
  Finding f;
  f.tally = search_for(search);
  if (!f.tally.shortest) throw Failure("the explorer found no world in which this does harm");
  const Counterexample& found = *f.tally.shortest;
  Setup with = found.setup;
  with.without = {};
  f.found = found;
  Played broken = play(f, search.aftermath, recording);
  Played kept = play_again(with, f, search.aftermath);
  f.with = std::move(kept.run);
  f.with_toll = std::move(kept.toll);
  f.without = std::move(broken.run);
  f.without_toll = std::move(broken.toll);
  mark(f.without, found.breach);
  f.breach = fmt::format("{} ({}): {}", sim::name(found.breach.which),
                         sim::law(found.breach.which).clause, found.breach.words);
  f.origin = fmt::format(
      "Nobody set this world up: the explorer looked at {} of the scenario {} and this is the "
      "shortest in which the missing rule does harm ({}; faults: {}). No draw decides, so the seed "
      "plays no part; 2MSL is {} here.",
      observe::counted(f.tally.worlds, "world"), sim::explore::name(found.setup.scenario),
      sim::explore::name(found.setup.parting),
      mishaps_of(sim::explore::run_again(found.setup, found.path)),
      observe::length_words(found.setup.two_msl));
  return f;
}

}  // namespace rapport::app
