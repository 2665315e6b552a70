// `rapport-worlds`: the verbs that need rules which can be switched off. `rapport` starts it.
#include "rapport/app/verbs.hh"
#include "rapport/app/worlds/verbs.hh"

#include <array>

int main(int argc, char** argv) {
  using namespace rapport::app;
  static constexpr std::array kVerbs{Verb{"rules", add_rules}, Verb{"why", add_why},
                                     Verb{"explore", add_explore}, Verb{"replay", add_replay}};
  return run(kVerbs, argc, argv);
}
