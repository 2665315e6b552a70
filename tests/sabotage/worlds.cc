// Lives the worlds of `rapport sim` over the copy of the core, seed by seed, until an invariant is
// broken: `sabotage_worlds FIRST LAST EVENTS [tell]`. One line says what became of it; with `tell`
// the last lines of the broken world's trace come before:
//   found SEED INVARIANT WORDS   an invariant was broken, or a world had more than EVENTS events
//   nothing EVENTS               none, and the most events that any world had
// What ends the process before that (a broken promise, a loop inside the core) is for the caller.
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/life.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/story.hh"
#include "rapport/sim/lives/tally.hh"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

int main(int count, char** words) {
  using namespace rapport;
  const bool tells = count == 5;
  if (count != 4 && !tells) return 2;
  const uint64_t first = std::strtoull(words[1], nullptr, 10);
  const uint64_t last = std::strtoull(words[2], nullptr, 10);
  lives::Bounds bounds;
  bounds.models = true;
  bounds.events = std::strtoull(words[3], nullptr, 10);
  uint64_t most = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    std::cerr << "seed " << seed << '\n';
    lives::Life life(lives::draw_plan(seed), tells);
    lives::Tally tally;
    const lives::Finish finish = life.live(tally, bounds);
    most = std::max(most, life.events());
    if (life.breach()) {
      if (tells) std::cout << life.report() << lives::last_words(life.world(), 400);
      std::cout << "found " << seed << ' ' << sim::name(life.breach()->which) << ' '
                << life.breach()->to_string() << '\n';
      return 0;
    }
    if (finish == lives::Finish::Events) {
      std::cout << "found " << seed << " endless-world more than " << bounds.events << " events\n";
      return 0;
    }
  }
  std::cout << "nothing " << most << '\n';
}
