// The verb `explore`: every world of a scenario with at most so many faults, on real stacks.
#include "rapport/app/worlds/explore.hh"

#include "rapport/app/verbs.hh"
#include "rapport/app/worlds/verbs.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using sim::explore::Counterexample;
using sim::explore::Mishap;
using sim::explore::Scenario;
using sim::explore::Tally;

// Questions of `rapport why` that are answered without a switch.
constexpr std::array<std::string_view, 2> kNoSwitch{"close-wait-leak", "no-options"};

constexpr uint32_t kMostFaults = 5, kMostJobs = 16, kLongest = 1'000'000;

Scenario scenario_of(const std::string& name) {
  if (const auto s = sim::explore::scenario_named(name)) return *s;
  throw Misuse(fmt::format(
      "--scenario {}: open, transfer, close, open-close, reuse and fast-reuse can be explored",
      name));
}

std::optional<tcp::Rule> rule_of(const std::string& name) {
  using Switches = tcp::RuleSwitches<true>;
  if (name.empty()) return std::nullopt;
  if (const auto rule = Switches::find(name)) return rule;
  if (std::ranges::find(kNoSwitch, name) != kNoSwitch.end()) {
    throw Misuse(fmt::format(
        "--without {}: that question has no rule that could be switched off (rapport why {})", name,
        name));
  }
  std::string all;
  for (size_t i = 0; i < static_cast<size_t>(tcp::Rule::kCount); ++i) {
    all += (all.empty() ? "" : ", ") + std::string(Switches::name(static_cast<tcp::Rule>(i)));
  }
  throw Misuse(fmt::format("--without {}: there is no such rule; there are: {}", name, all));
}

std::string mishaps_of(const Tally& t) {
  std::string s;
  for (size_t i = 0; i < t.mishaps.size(); ++i) {
    s += fmt::format("{}{} {}", s.empty() ? "" : ", ", t.mishaps.at(i),
                     sim::explore::name(static_cast<Mishap>(i)));
  }
  return s;
}

std::string by_faults(const Tally& t, uint32_t most) {
  std::string s;
  for (uint32_t i = 0; i <= most; ++i) {
    s += fmt::format("{}{} with {}", i == 0 ? "" : ", ", t.worlds_by_faults.at(i), i);
  }
  return s;
}

// On lines of their own, below what is said of them.
std::string invariants() {
  constexpr size_t width = 100;
  std::string s;
  std::string line;
  for (const sim::Law& law : sim::laws()) {
    const std::string word = std::string(law.name) + (&law == &sim::laws().back() ? "" : ", ");
    if (14 + line.size() + word.size() > width) {
      s += fmt::format("{:14}{}\n", "", line.substr(0, line.size() - 1));
      line.clear();
    }
    line += word;
  }
  return s + fmt::format("{:14}{}\n", "", line);
}

std::string host_of(const sim::Breach& b) {
  if (b.host == kNoHost) return "the world";
  return b.host == sim::explore::kClient ? "the client" : "the server";
}

void print_counterexample(const Asked& asked, const Counterexample& c, const Told& told) {
  const sim::Law& law = sim::law(c.breach.which);
  fmt::print("counterexample: {} ({}): {}: {}\n", law.name, law.clause, host_of(c.breach),
             c.breach.words);
  fmt::print("{}; {} fault{}, {} instants, {}; no shorter one exists in this model\n\n{}\n",
             asked.without
                 ? fmt::format("without {}", tcp::RuleSwitches<true>::name(*asked.without))
                 : "with all rules on",
             c.path.faults(), c.path.faults() == 1 ? "" : "s", c.steps,
             sim::explore::name(c.setup.parting), told.ladder);
  fmt::print("replay: rapport replay {}\n\n", told.file);
}

void print_figures(const Asked& asked, const Tally& t) {
  const uint32_t most = t.shortest ? t.shortest->path.faults() : asked.faults;
  fmt::print("{}\n", asked.words());
  fmt::print("  worlds      {} ({} faults)\n", t.worlds, by_faults(t, most));
  fmt::print("  states      {} that differ, of both stacks, programs and wire\n", t.states);
  fmt::print("  merged      {} worlds came to a state that was seen before\n", t.merged);
  fmt::print("  depth       {} instants at which something happens\n", t.depth);
  fmt::print("  dead ends   {}\n", t.dead_ends);
  if (t.too_long > 0) {
    fmt::print("  cut short   {} worlds, by --until {} or the bound of steps\n", t.too_long,
               asked.until_s);
  }
  fmt::print("  edges       {} of {} of the transition table\n", t.edges.count(),
             tcp::transitions().size());
  fmt::print("  faults      {}\n", mishaps_of(t));
  std::string verdict = "all hold in every world";
  if (asked.without) verdict = "no counterexample within this bound";
  if (t.shortest) verdict = "one does not hold, see above";
  fmt::print("  invariants  {}:\n{}", verdict, invariants());
}

void print_json(const Asked& asked, const Tally& t, const std::optional<Told>& told) {
  nlohmann::ordered_json j;
  j["asked"] = asked.words();
  j["worlds"] = t.worlds;
  j["worlds_by_faults"] =
      std::vector(t.worlds_by_faults.begin(), t.worlds_by_faults.begin() + asked.faults + 1);
  j["states"] = t.states;
  j["merged"] = t.merged;
  j["depth"] = t.depth;
  j["dead_ends"] = t.dead_ends;
  j["cut_short"] = t.too_long;
  j["edges"] = t.edges.count();
  j["edges_of"] = tcp::transitions().size();
  for (size_t i = 0; i < t.mishaps.size(); ++i) {
    j["faults"][std::string(sim::explore::name(static_cast<Mishap>(i)))] = t.mishaps.at(i);
  }
  for (const sim::Law& law : sim::laws()) j["invariants"].push_back(law.name);
  if (t.shortest) {
    const Counterexample& c = *t.shortest;
    j["counterexample"] = {{"invariant", sim::name(c.breach.which)},
                           {"clause", sim::law(c.breach.which).clause},
                           {"words", c.breach.words},
                           {"where", host_of(c.breach)},
                           {"faults", c.path.faults()},
                           {"steps", c.steps},
                           {"parting", sim::explore::name(c.setup.parting)},
                           {"at_ns", c.breach.at.ns},
                           {"replay", told->file}};
  } else {
    j["counterexample"] = nullptr;
  }
  fmt::print("{}\n", j.dump(2));
}

int carry_out(const Asked& asked) {
  const Tally t = explore_all(asked);
  std::optional<Told> told;
  if (t.shortest) told = tell(asked, *t.shortest);
  if (asked.json) {
    print_json(asked, t, told);
  } else {
    if (t.shortest) print_counterexample(asked, *t.shortest, *told);
    print_figures(asked, t);
  }
  const bool found = t.shortest.has_value();
  const bool broken = t.too_long > 0 || (found && !asked.without);
  return broken ? 1 : 0;
}

}  // namespace

void add_explore(CLI::App& program, int& status) {
  struct Words {
    std::string scenario, faults = "2", without, jobs = "1", until = "3600", record;
    bool json = false;
  };

  CLI::App* sub = program.add_subcommand(
      "explore", "Every world of a scenario with at most so many faults, on real stacks");
  const auto words = std::make_shared<Words>();
  sub->add_option("--scenario", words->scenario,
                  "open, transfer, close, open-close, reuse or\nfast-reuse")
      ->required()
      ->option_text("NAME");
  sub->add_option("--faults", words->faults, "The most faults in one world (default 2)")
      ->option_text("K");
  sub->add_option("--without", words->without,
                  "Switches this rule off: the name of a question of `rapport why`")
      ->option_text("RULE");
  sub->add_option("--jobs", words->jobs, "Processes that share the work (default 1)")
      ->option_text("N");
  sub->add_option("--until", words->until,
                  "No world lives longer, in virtual seconds (default 3600)")
      ->option_text("SECONDS");
  sub->add_option("--record", words->record, "Where the world of a counterexample is written")
      ->option_text("FILE");
  sub->add_flag("--json", words->json, "Figures and finding as JSON");
  sub->callback([words, &status] {
    Asked asked;
    asked.scenario = scenario_of(words->scenario);
    asked.faults = static_cast<uint32_t>(whole_number("--faults", words->faults, 0, kMostFaults));
    asked.without = rule_of(words->without);
    asked.jobs = static_cast<uint32_t>(whole_number("--jobs", words->jobs, 1, kMostJobs));
    asked.until_s = static_cast<uint32_t>(whole_number("--until", words->until, 1, kLongest));
    asked.json = words->json;
    asked.record = words->record;
    status = carry_out(asked);
  });
}

}  // namespace rapport::app
