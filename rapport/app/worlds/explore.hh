// The parts of the verb `explore`: what was asked, the processes that share the work, and what is
// printed of the result. Private to app/worlds/.
#pragma once

#include "rapport/sim/explore/explorer.hh"
#include "rapport/sim/explore/path.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/tcp/rules.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rapport::app {

struct Asked {
  sim::explore::Scenario scenario = sim::explore::Scenario::OpenClose;
  uint32_t faults = 2;
  std::optional<tcp::Rule> without;
  uint32_t jobs = 1;
  uint32_t until_s = 3600;
  bool json = false;
  std::string record;  // empty: a name of its own

  // Where a counterexample is written.
  [[nodiscard]] std::string file() const;

  // "explore --scenario open --faults 1"
  [[nodiscard]] std::string words() const;
};

// A process that came to a bad end, and the world that it was running then.
struct Died {
  sim::explore::Parting parting{};
  sim::explore::Path path;
  std::string how;
};

struct Explored {
  sim::explore::Tally tally;
  std::vector<Died> died;  // what they had found before is not in the tally
};

// Every world, by at most `jobs` processes at once, one for each way of parting; the result does
// not depend on their number. With a rule off the faults are raised one by one, until a
// counterexample is found.
[[nodiscard]] Explored explore_all(const Asked& asked);

struct Told {
  std::string ladder;
  std::vector<uint8_t> recording;
};

// Runs the counterexample once more and draws it.
[[nodiscard]] Told tell(const Asked& asked, const sim::explore::Counterexample& found);

// What is printed; the exit status. The finding first, then its file is written.
[[nodiscard]] int report(const Asked& asked, const Explored& explored);

}  // namespace rapport::app
