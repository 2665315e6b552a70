// Random: fixed first values, so that both compilers agree, and ranges.
#include "rapport/base/random.hh"

#include <array>
#include <cstdint>

#include <gtest/gtest.h>

namespace rapport {
namespace {

// xoshiro256** with the state 1, 2, 3, 4: the values that its authors' code gives.
TEST(Random, is_xoshiro256_starstar) {
  Random random(std::array<uint64_t, 4>{1, 2, 3, 4});
  for (const uint64_t expected :
       {uint64_t{11520}, uint64_t{0}, uint64_t{1509978240}, uint64_t{1215971899390074240},
        uint64_t{1216172134540287360}, uint64_t{607988272756665600},
        uint64_t{16172922978634559625U}, uint64_t{8476171486693032832}}) {
    EXPECT_EQ(random.next(), expected);
  }
}

// splitmix64 fills the state from one word.
TEST(Random, a_seed_fixes_every_draw) {
  Random a(42);
  Random b(42);
  Random other(43);
  EXPECT_EQ(Random(0).next(), 11091344671253066420U);
  for (int i = 0; i < 100; ++i) {
    const uint64_t drawn = a.next();
    EXPECT_EQ(drawn, b.next());
    EXPECT_NE(drawn, other.next());
  }
}

TEST(Random, is_known_at_compile_time) {
  constexpr uint64_t kFirst = Random(0).next();
  EXPECT_EQ(kFirst, Random(0).next());
}

TEST(Random, a_state_of_zeros_is_mended) {
  Random random(std::array<uint64_t, 4>{});
  uint64_t any = 0;
  for (int i = 0; i < 10; ++i) any |= random.next();
  EXPECT_NE(any, 0U);
}

TEST(Random, below_reaches_every_value_of_its_range_and_no_other) {
  Random random(1);
  std::array<uint32_t, 7> met{};
  for (int i = 0; i < 70'000; ++i) {
    const uint32_t value = random.below(7);
    ASSERT_LT(value, 7U);
    ++met[value];
  }
  for (const uint32_t count : met) EXPECT_NEAR(count, 10'000, 600);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, chances_are_parts_per_million) {
  Random random(2);
  int met = 0;
  for (int i = 0; i < 100'000; ++i) {
    met += random.chance_ppm(20'000) ? 1 : 0;
    ASSERT_FALSE(random.chance_ppm(0));
    ASSERT_TRUE(random.chance_ppm(1'000'000));
  }
  EXPECT_NEAR(met, 2000, 270);
}

}  // namespace
}  // namespace rapport
