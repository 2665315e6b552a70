// The verb `rules`: which rules can be switched off in this build.
#include "rapport/tcp/rules.hh"

#include "rapport/app/worlds/verbs.hh"

#include <cstddef>

#include <CLI/App.hpp>
#include <fmt/format.h>

namespace rapport::app {

void add_rules(CLI::App& program, int& status) {
  CLI::App* sub =
      program.add_subcommand("rules", "What can be switched off, by the name of the harm");
  sub->callback([&status] {
    for (size_t i = 0; i < static_cast<size_t>(tcp::Rule::kCount); ++i) {
      fmt::print("{}\n", tcp::RuleSwitches<true>::name(static_cast<tcp::Rule>(i)));
    }
    status = 0;
  });
}

}  // namespace rapport::app
