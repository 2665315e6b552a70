// The parts of the verb `explore`: what was asked, the processes that share the work, and what is
// printed of the result. Private to app/worlds/.
#pragma once

#include "rapport/sim/explore/explorer.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/tcp/rules.hh"

#include <cstdint>
#include <optional>
#include <string>

namespace rapport::app {

struct Asked {
  sim::explore::Scenario scenario = sim::explore::Scenario::OpenClose;
  uint32_t faults = 2;
  std::optional<tcp::Rule> without;
  uint32_t jobs = 1;
  uint32_t until_s = 3600;
  bool json = false;
  std::string record;  // empty: a name of its own

  // "explore --scenario open --faults 1"
  [[nodiscard]] std::string words() const;
};

// Every world, by at most `jobs` processes at once; the result does not depend on their number.
// With a rule off the faults are raised one by one, until a counterexample is found.
[[nodiscard]] sim::explore::Tally explore_all(const Asked& asked);

struct Told {
  std::string ladder;
  std::string file;  // written
};

// Runs the counterexample once more, draws it and writes the file that replays it. Failure when the
// file cannot be written.
[[nodiscard]] Told tell(const Asked& asked, const sim::explore::Counterexample& found);

}  // namespace rapport::app
