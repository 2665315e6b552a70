// The verb `sim`: random worlds by their seeds, each watched by every invariant, and an account of
// what happened in them.
#include "rapport/app/sim_run.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/tally.hh"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <malloc.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kGreatestSeed = 1'000'000'000'000;
constexpr uint64_t kMostWorlds = 10'000'000;
constexpr uint64_t kMostJobs = 256;
constexpr size_t kTold = 5;  // broken seeds that are made small and told

struct SimArguments {
  std::string seeds = "1..1000", jobs = "1", least = "0", events = "2000000", out = ".";
  std::string hosts, loss, duplicate, reorder, corrupt, delay, partition, until, record;
  bool json = false;
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

void read_seeds(const std::string& text, Swarm& swarm) {
  const size_t dots = text.find("..");
  const std::string first = text.substr(0, dots);
  const std::string last = dots == std::string::npos ? first : text.substr(dots + 2);
  swarm.first = whole_number("--seeds", first, 1, kGreatestSeed);
  swarm.last = whole_number("--seeds", last, 1, kGreatestSeed);
  if (swarm.last < swarm.first || swarm.last - swarm.first >= kMostWorlds) {
    throw Misuse(fmt::format("--seeds {}: from a smaller to a greater one, at most {} of them",
                             text, kMostWorlds));
  }
}

Swarm swarm_of(const SimArguments& a) {
  Swarm s;
  read_seeds(a.seeds, s);
  s.asked = "sim --seeds " + a.seeds;
  const auto wish = [&](std::string_view option, const std::string& text) {
    if (!text.empty()) s.asked += fmt::format(" {} {}", option, text);
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
  if (wish("--until", a.until)) {
    s.bounds.until = Instant{} + duration_of("--until", a.until, 86400_s);
    s.bounds.until_is_asked = true;
  }
  s.bounds.events = whole_number("--events", a.events, 1, UINT32_MAX);
  s.jobs = whole_number("--jobs", a.jobs, 1, kMostJobs);
  return s;
}

void write_file(const std::string& path, std::span<const uint8_t> octets) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(octets.data()),
             static_cast<std::streamsize>(octets.size()));
  if (!file.flush()) throw Misuse(fmt::format("cannot write '{}'", path));
}

// What happened too seldom.
std::vector<lives::Account> seldom(const std::vector<lives::Account>& all, uint64_t least) {
  std::vector<lives::Account> out;
  std::ranges::copy_if(all, std::back_inserter(out), [&](const lives::Account& a) {
    return a.impossible.empty() && a.count < least;
  });
  return out;
}

void print_account(const std::vector<lives::Account>& all) {
  std::string_view kind;
  for (const lives::Account& a : all) {
    if (a.kind != kind) fmt::print("{}s:\n", kind = a.kind);
    if (a.impossible.empty()) {
      fmt::print("  {:36} {:>10}\n", a.name, a.count);
    } else {
      fmt::print("  {:36} impossible: {}\n", a.name, a.impossible);
    }
  }
}

Json told(const Swarm& swarm, const Broken& broken, const std::string& folder, bool json) {
  const Remains r = make_small(swarm, broken);
  const std::string path = fmt::format("{}/sim-{}.rec", folder, broken.seed);
  write_file(path, r.recording);
  const sim::Law& law = sim::law(broken.breach.which);
  if (!json) {
    fmt::print("\nseed {} breaks {} ({}): {}\n  {}\n", broken.seed, law.name, law.clause,
               law.sentence, broken.breach.to_string());
    fmt::print("made small in {} of {} steps: {}\n{}{}", r.taken, r.tried, r.breach, r.plan,
               r.last_words);
    fmt::print("again: rapport replay {}\n", path);
  }
  return {{"seed", broken.seed},          {"invariant", law.name}, {"clause", law.clause},
          {"words", broken.breach.words}, {"small", r.plan},       {"recording", path}};
}

void print_json(const SwarmResult& result, const std::vector<lives::Account>& all, Json broken) {
  const lives::Tally& t = result.tally;
  Json counts = Json::array();
  for (const lives::Account& a : all) {
    Json line{{"kind", a.kind}, {"name", a.name}, {"count", a.count}};
    if (!a.impossible.empty()) line["impossible"] = a.impossible;
    counts.push_back(std::move(line));
  }
  const Json out{{"worlds", t.worlds},
                 {"ended_by_until", t.ended_by_until},
                 {"ended_by_events", t.ended_by_events},
                 {"fingerprint", fmt::format("{:016x}", t.fingerprint)},
                 {"counts", std::move(counts)},
                 {"broken", std::move(broken)}};
  fmt::print("{}\n", out.dump());
}

void print_end(const SwarmResult& result, const Swarm& swarm, double seconds) {
  const lives::Tally& t = result.tally;
  if (t.ended_by_until > 0 && swarm.bounds.until_is_asked) {
    fmt::print("{} of {} worlds were still alive at --until and were ended there\n",
               t.ended_by_until, t.worlds);
  }
  if (t.ended_by_events > 0) {
    fmt::print("{} of {} worlds were ended by the bound of {} events (--events)\n",
               t.ended_by_events, t.worlds, swarm.bounds.events);
  }
  fmt::print(
      "{} worlds, {} connections' ends opened, {} octets, {} trace records, {} changes of "
      "state, fingerprint {:016x}; {} broken\n",
      t.worlds, t.opened, t.octets, t.records, t.believed, t.fingerprint, result.broken.size());
  fmt::print(stderr, "{:.1f} s, {:.0f} worlds a second\n", seconds,
             static_cast<double>(t.worlds) / std::max(seconds, 0.001));
}

int simulate(const SimArguments& a) {
  // Worlds come and go: their memory is kept for the next one.
  (void)::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  const Swarm swarm = swarm_of(a);
  const uint64_t least = whole_number("--least", a.least, 0, UINT32_MAX);
  if (!a.record.empty()) {
    if (swarm.first != swarm.last) throw Misuse("--record: of one seed only, such as --seeds 7");
    write_file(a.record, record_seed(swarm, swarm.first));
  }
  const auto began = std::chrono::steady_clock::now();
  const SwarmResult result = live_all(swarm);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const auto all = account(result.tally);
  if (!a.json) print_account(all);
  Json broken = Json::array();
  for (size_t i = 0; i < std::min(result.broken.size(), kTold); ++i) {
    broken.push_back(told(swarm, result.broken[i], a.out, a.json));
  }
  const auto rare = seldom(all, least);
  if (a.json) {
    print_json(result, all, std::move(broken));
  } else {
    for (const lives::Account& r : rare) {
      fmt::print("too seldom: {} {}: {} times, at least {} are asked for\n", r.kind, r.name,
                 r.count, least);
    }
    print_end(result, swarm, took.count());
  }
  return result.broken.empty() && rare.empty() ? 0 : 1;
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
  verb->add_option("--events", a->events, "Ends a world after so many steps (2000000)")
      ->type_name("N");
  verb->add_option("--least", a->least,
                   "Fails when any edge, close form or fault happened less often (0)")
      ->type_name("N");
  verb->add_option("--jobs", a->jobs, "Worlds at a time (1)")->type_name("N");
  verb->add_option("--out", a->out, "Folder for the recordings of broken seeds (.)")
      ->type_name("DIR");
  verb->add_option("--record", a->record, "Writes the world of one seed for `rapport replay`")
      ->type_name("FILE");
  verb->add_flag("--json", a->json, "One object");
  std::string laws =
      "Exit status: 0 when nothing was broken, 1 when something was or happened too "
      "seldom.\nInvariants:";
  for (const sim::Law& law : sim::laws()) {
    laws += fmt::format("\n  {:18} {} ({})", law.name, law.sentence, law.clause);
  }
  verb->footer(laws);
  verb->callback([a, &status] { status = simulate(*a); });
}

}  // namespace rapport::app
