// The `rapport` program: its verbs, each in a file of its own.
#include "rapport/app/beside.hh"
#include "rapport/app/verbs.hh"

#include <array>

int main(int argc, char** argv) {
  using namespace rapport::app;
  static constexpr std::array kVerbs{
      Verb{"demo", add_demo},       Verb{"ladder", add_ladder}, Verb{"serve", add_serve},
      Verb{"connect", add_connect}, Verb{"listen", add_listen}, Verb{"fetch", add_fetch},
      Verb{"status", add_status},   Verb{"play", add_play},     Verb{"sim", add_sim},
      Verb{"replay", add_replay},   Verb{"why", start_why},     Verb{"explore", start_explore},
  };
  return run(kVerbs, argc, argv);
}
