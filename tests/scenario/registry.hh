// Scenario tests and the rules that they show. SCENARIO_TEST registers one story, SCENARIO_ROWS one
// story for each of several starting points; the rule ids stand in brackets at the end of the name:
//   SCENARIO_TEST("FIN-WAIT-1: a FIN that also acknowledges ours leads to TIME-WAIT [SA-FW1-18]")
//   {…}
// `test_scenario --list-rules` prints "id<TAB>test<TAB>file" for tools. Every story runs once in
// each Dressing (which options the peer speaks, where the sequence numbers lie). No story is told
// here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::scenario {

// What a story leaves open is dressed differently in each run of it.
enum class Dressing : uint8_t {
  Plain,     // the peer offers an MSS and nothing else; random sequence numbers
  Full,      // the peer offers window scaling, SACK and timestamps too
  NearWrap,  // as Full, and both initial sequence numbers lie just before 2^32
  Ipv6,      // as Full, over IPv6: see here() in words.hh
};

std::string_view name(Dressing d);

// The dressing and the seed of the story that runs now.
Dressing dressing();
uint64_t story_seed();

// Thrown after a failure was reported: the rest of the story would make no sense.
struct StoryEnds {};

struct Entry {
  std::string name;  // with its ids
  std::vector<std::string> rules;
  std::string file;
};

// Registers `story` with GoogleTest. At most four ids; a name without ids ends the program.
bool add(const char* file, int line, const std::string& name, std::function<void()> story);
const std::vector<Entry>& entries();

// The seed of this run: RAPPORT_SEED, or random.
uint64_t run_seed();

}  // namespace rapport::scenario

#define SCENARIO_JOIN2(a, b) a##b
#define SCENARIO_JOIN(a, b) SCENARIO_JOIN2(a, b)

#define SCENARIO_TEST(title) SCENARIO_TEST_AT(title, __LINE__)
#define SCENARIO_TEST_AT(title, line)                                               \
  static void SCENARIO_JOIN(story_, line)();                                        \
  [[maybe_unused]] static const bool SCENARIO_JOIN(told_, line) =                   \
      ::rapport::scenario::add(__FILE__, line, title, SCENARIO_JOIN(story_, line)); \
  static void SCENARIO_JOIN(story_, line)()

// SCENARIO_ROWS("a RST outside the window is met with silence", rows) { auto t = row.begins(); … }
// `rows` is a range of scenario::Row (starts.hh); each row becomes a test of its own, with its id.
#define SCENARIO_ROWS(title, rows) SCENARIO_ROWS_AT(title, rows, __LINE__)
#define SCENARIO_ROWS_AT(title, rows, line)                                                    \
  static void SCENARIO_JOIN(story_, line)(const ::rapport::scenario::Row& row);                \
  [[maybe_unused]] static const bool SCENARIO_JOIN(told_, line) =                              \
      ::rapport::scenario::add_rows(__FILE__, line, title, rows, SCENARIO_JOIN(story_, line)); \
  static void SCENARIO_JOIN(story_, line)(const ::rapport::scenario::Row& row)
