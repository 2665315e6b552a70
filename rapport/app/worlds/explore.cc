// The verb `explore`: every world of a scenario with at most so many faults, on real stacks.
#include "rapport/app/worlds/explore.hh"

#include "rapport/app/recording_file.hh"
#include "rapport/app/verbs.hh"
#include "rapport/app/worlds/verbs.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/App.hpp>
#include <fmt/format.h>

namespace rapport::app {

namespace {

using sim::explore::Scenario;

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

int carry_out(const Asked& asked) {
  if (!asked.record.empty()) check_writable("--record", asked.record);
  return report(asked, explore_all(asked));
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
      ->option_text("FILE")
      ->check(must_be_named);
  sub->add_flag("--json", words->json, "Figures and finding as JSON");
  sub->footer(
      "Exit status: 0 when all invariants hold, or with RULE off, whether a counterexample was "
      "found "
      "(the\nline begins with `counterexample:`) or not; 1 when one broke with all rules on, a "
      "world "
      "did not end,\nor a file could not be written; 2 for what cannot be explored.");
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
