// The verb `sim`: random worlds by their seeds, each watched by every invariant, and an account of
// what happened in them.
#include "rapport/app/recording_file.hh"
#include "rapport/app/sim_run.hh"
#include "rapport/app/sim_tell.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/invariants.hh"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <malloc.h>

namespace rapport::app {

namespace {

constexpr uint64_t kGreatestSeed = 1'000'000'000'000;
constexpr uint64_t kMostWorlds = 10'000'000;
constexpr uint64_t kMostJobs = 256;

struct SimArguments {
  std::string seeds = "1..1000", jobs = "1", least = "0";
  std::string hosts, loss, duplicate, reorder, corrupt, delay, partition, until, events;
  std::string out, record;
  bool json = false, no_models = false;
};

// "10ms" -> 10 ms
Duration duration_of(std::string_view option, const std::string& text, Duration most) {
  struct Unit {
    std::string_view name;
    int64_t ns;
  };

  constexpr Unit kUnits[] = {{"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const std::string_view digits =
        std::string_view(text).substr(0, text.size() - unit.name.size());
    int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole =
        !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
    if (whole && value >= 0 && value <= most.ns / unit.ns) return Duration{value * unit.ns};
  }
  throw Misuse(
      fmt::format("{} {}: a whole number of us, ms or s is allowed, such as 20ms, up to {}s",
                  option, text, most.to_s()));
}

// "7" or "1..1000".
void read_seeds(const std::string& text, Swarm& swarm) {
  const size_t dots = text.find("..");
  const auto number = [&](std::string_view digits, uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return !digits.empty() && error == std::errc() && end == digits.data() + digits.size()
           && value >= 1 && value <= kGreatestSeed;
  };
  const std::string_view first = std::string_view(text).substr(0, dots);
  const std::string_view last =
      dots == std::string::npos ? first : std::string_view(text).substr(dots + 2);
  if (!number(first, swarm.first) || !number(last, swarm.last) || swarm.last < swarm.first
      || swarm.last - swarm.first >= kMostWorlds) {
    throw Misuse(
        fmt::format("--seeds {}: A..B or A is allowed, such as 1..1000: whole numbers from 1 to "
                    "{}, A not above B, at most {} of them",
                    text, kGreatestSeed, kMostWorlds));
  }
}

Swarm swarm_of(const SimArguments& a) {
  Swarm s;
  read_seeds(a.seeds, s);
  const auto wish = [&](std::string_view option, const std::string& text) {
    if (!text.empty()) s.wished += fmt::format(" {} {}", option, text);
    return !text.empty();
  };
  const auto share = [&](std::string_view option, const std::string& text) {
    return wish(option, text) ? std::optional(parts_per_million(option, text)) : std::nullopt;
  };
  if (wish("--hosts", a.hosts)) {
    s.wishes.hosts = static_cast<uint32_t>(whole_number("--hosts", a.hosts, 2, 16));
  }
  s.wishes.loss_ppm = share("--loss", a.loss);
  s.wishes.duplicate_ppm = share("--duplicate", a.duplicate);
  s.wishes.reorder_ppm = share("--reorder", a.reorder);
  s.wishes.corrupt_ppm = share("--corrupt", a.corrupt);
  if (wish("--delay", a.delay)) s.wishes.delay = duration_of("--delay", a.delay, 10_s);
  if (wish("--partition", a.partition)) {
    s.wishes.partition = duration_of("--partition", a.partition, 3600_s);
  }
  // A wire that always loses half is slow, not dead: RTOs of two minutes add up.
  if (!a.loss.empty()) s.bounds.until = Instant{} + 86400_s;
  if (wish("--until", a.until)) {
    s.bounds.until = Instant{} + duration_of("--until", a.until, 86400_s);
    s.bounds.until_is_asked = true;
  }
  if (wish("--events", a.events)) {
    s.bounds.events = whole_number("--events", a.events, 1, UINT32_MAX);
    s.bounds.events_are_asked = true;
  }
  s.bounds.models = !a.no_models;
  if (a.no_models) s.wished += " --no-models";
  s.jobs = whole_number("--jobs", a.jobs, 1, kMostJobs);
  return s;
}

int simulate(const SimArguments& a) {
  // Worlds come and go: their memory is kept for the next one.
  (void)::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  const Swarm swarm = swarm_of(a);
  const SimTelling how{.least = whole_number("--least", a.least, 0, UINT32_MAX),
                       .out = a.out.empty() ? "." : a.out,
                       .json = a.json};
  const bool records = !a.record.empty();
  if (records && swarm.first != swarm.last)
    throw Misuse("--record: of one seed only, such as --seeds 7");
  if (records) check_writable("--record", a.record);
  if (!a.out.empty()) check_folder("--out", a.out);
  const auto began = std::chrono::steady_clock::now();
  const SwarmResult result = live_all(swarm);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const int status = tell(swarm, result, how);
  (void)std::fflush(stdout);
  if (!a.json) {
    fmt::print(stderr, "{:.1f} s, {:.0f} worlds a second\n", took.count(),
               static_cast<double>(result.tally.worlds) / std::max(took.count(), 0.001));
  }
  if (records) write_whole("--record", a.record, record_seed(swarm, swarm.first));
  return status;
}

void add_worlds(CLI::App& verb, SimArguments& a) {
  verb.add_option("--seeds", a.seeds, "Which worlds (1..1000)")->type_name("A..B");
  verb.add_option("--hosts", a.hosts, "Hosts of each world, 2 to 16; else 2 to 4 are drawn")
      ->type_name("N");
  verb.add_option("--loss", a.loss, "Of every wire, such as 5%; else drawn, also in bursts")
      ->type_name("P");
  verb.add_option("--duplicate", a.duplicate, "Packets that arrive twice")->type_name("P");
  verb.add_option("--reorder", a.reorder, "Packets that are overtaken")->type_name("P");
  verb.add_option("--corrupt", a.corrupt, "Packets with a bit turned")->type_name("P");
  verb.add_option("--delay", a.delay, "Of every wire, such as 20ms")->type_name("T");
  verb.add_option("--partition", a.partition, "One in every world, so long")->type_name("T");
}

}  // namespace

void add_sim(CLI::App& program, int& status) {
  CLI::App* verb = program.add_subcommand(
      "sim", "Live random worlds by their seeds, each watched by every invariant.");
  const auto a = std::make_shared<SimArguments>();
  add_worlds(*verb, *a);
  verb->add_option("--until", a->until, "Ends every world at this instant of its own")
      ->type_name("T");
  verb->add_option("--events", a->events,
                   "Ends a world after so many steps; without it, one that takes 2000000 is broken")
      ->type_name("N");
  verb->add_option("--least", a->least,
                   "Fails when any edge, close form or fault happened less often (0)")
      ->type_name("N");
  verb->add_option("--jobs", a->jobs, "Worlds at a time (1)")->type_name("N");
  verb->add_option("--out", a->out, "Folder for the recordings of broken seeds (.)")
      ->type_name("DIR")
      ->check(must_be_named);
  verb->add_option("--record", a->record, "Writes the world of one seed for `rapport replay`")
      ->type_name("FILE")
      ->check(must_be_named);
  verb->add_flag(
      "--no-models", a->no_models,
      "Do not judge each end by models of its timers, congestion window and ACKs, too: a sixth\n"
      "less work, but breaks of these go unseen (docs/testing.md)");
  verb->add_flag("--json", a->json, "One object");
  std::string laws =
      "Exit status: 0 when nothing was broken, 1 when something was, happened too seldom or was "
      "said to be\nimpossible.\nInvariants:";
  const auto add = [&laws](const sim::Law& law) {
    laws += fmt::format("\n  {:20} {} ({})", law.name, law.sentence, law.clause);
  };
  for (const sim::Law& law : sim::laws()) add(law);
  laws += "\nOf the models:";
  for (const sim::Law& law : sim::model_laws()) add(law);
  verb->footer(laws);
  verb->callback([a, &status] { status = simulate(*a); });
}

}  // namespace rapport::app
