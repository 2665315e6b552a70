// Random lives: 2,000 seeds of opens, transfers and closes of every kind under every fault, each
// watched from the first SYN until nothing is left. RAPPORT_SEEDS="7" or "1..2000" chooses;
// RAPPORT_STORY=1 prints the end of the trace of a seed that fails. No virtual second costs a real
// one.
#include "rapport/sim/lives/life.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/story.hh"
#include "rapport/sim/lives/tally.hh"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>

#include <gtest/gtest.h>

namespace rapport::lives {
namespace {

struct Seeds {
  uint64_t first = 1, last = 2000;
};

Seeds chosen_seeds() {
  Seeds seeds;
  const char* const given = std::getenv("RAPPORT_SEEDS");
  if (given == nullptr) return seeds;
  const std::string_view text = given;
  const size_t dots = text.find("..");
  const std::string_view first = text.substr(0, dots);
  const std::string_view last = dots == std::string_view::npos ? first : text.substr(dots + 2);
  const auto a = std::from_chars(first.data(), first.data() + first.size(), seeds.first);
  const auto b = std::from_chars(last.data(), last.data() + last.size(), seeds.last);
  EXPECT_TRUE(a.ec == std::errc{} && b.ec == std::errc{} && seeds.first <= seeds.last)
      << "RAPPORT_SEEDS is a number or two of them, as in 1..2000, not " << text;
  return seeds;
}

// What is told of a seed that fails: it is lived again, and remembered.
std::string story_of(uint64_t seed) {
  Tally tally;
  Life life(draw_plan(seed), true);
  life.live(tally);
  std::string s = life.breach() ? life.breach()->to_string() + "\n" : "it did not fail again\n";
  s += life.report();
  if (std::getenv("RAPPORT_STORY") != nullptr) s += last_words(life.world(), 400);
  return s;
}

TEST(RandomLives, KeepEveryPromise) {
  const Seeds seeds = chosen_seeds();
  std::cout << "seeds " << seeds.first << ".." << seeds.last << " (choose with RAPPORT_SEEDS)\n";
  Tally tally;
  uint64_t failures = 0;
  for (uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
    Life life(draw_plan(seed));
    life.live(tally);
    if (life.breach() && ++failures <= 10) {
      ADD_FAILURE() << story_of(seed) << "again: RAPPORT_SEEDS=" << seed << " RAPPORT_STORY=1 "
                    << ::testing::internal::GetArgvs()[0];
    }
  }
  EXPECT_EQ(failures, 0U) << "seeds failed; the first ten are told above";
  EXPECT_EQ(tally.ended_by_events, 0U);
  const uint64_t lives = seeds.last - seeds.first + 1;
  std::cout << lives << " worlds: " << tally.opened << " ends opened, " << tally.complete << " of "
            << tally.gentle << " gentle talks complete, " << tally.octets << " octets, "
            << tally.records << " trace records, " << tally.believed
            << " changes of state believed, fingerprint " << std::hex << tally.fingerprint
            << std::dec << "\n";
  if (std::getenv("RAPPORT_STORY") != nullptr) {
    for (const Account& a : account(tally)) {
      std::cout << "  " << a.kind << " " << a.name << " " << a.count << " " << a.impossible << "\n";
    }
  }
  if (lives >= 100) {
    EXPECT_GT(tally.opened, lives * 2);
    // Where the world is mild a gentle talk that is not complete is a breach.
    EXPECT_GT(tally.sure, lives / 20);
    EXPECT_GE(tally.complete, tally.sure);
  }
}

// Everything that is drawn comes from the seed: the same world twice is the same to the last field.
TEST(RandomLives, AreTheSameTwice) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Tally first;
    Tally second;
    Life a(draw_plan(seed));
    Life b(draw_plan(seed));
    EXPECT_EQ(a.live(first), b.live(second));
    EXPECT_EQ(first.records, second.records);
    EXPECT_EQ(first.fingerprint, second.fingerprint) << "seed " << seed;
  }
}

}  // namespace
}  // namespace rapport::lives
