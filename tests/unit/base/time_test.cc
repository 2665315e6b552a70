// Instants, durations, and the wrapping clocks of 1 ms and 1 us.
#include "rapport/base/time.hh"

#include <gtest/gtest.h>

namespace rapport {
namespace {

TEST(Time, is_arithmetic_of_nanoseconds) {
  EXPECT_EQ(1_s, 1000_ms);
  EXPECT_EQ(1_ms, 1000_us);
  EXPECT_EQ(1_us, 1000_ns);
  EXPECT_EQ(2 * 30_s, 60_s);
  EXPECT_EQ(60_s / 4, 15_s);
  EXPECT_EQ(10_ms - 30_ms, Duration{-20'000'000});
  EXPECT_EQ((Instant{} + 3_s) - (Instant{} + 1_s), 2_s);
  EXPECT_EQ((1'999'999_us).to_s(), 1);
  EXPECT_EQ((1'999'999_us).to_ms(), 1999);
  EXPECT_EQ((1'999'999_us).to_us(), 1'999'999);
  EXPECT_LT(Instant{} + 100'000'000_s, kNever);
}

TEST(Time, ticks_round_down_and_deadlines_up) {
  const Instant at = Instant{} + 5_ms + 1_ns;
  EXPECT_EQ(at.tick(), Tick{5});
  EXPECT_EQ(at.tick_ceil(), Tick{6});
  EXPECT_EQ((Instant{} + 5_ms).tick_ceil(), Tick{5});
  EXPECT_EQ(at.micros(), Micros{5000});
}

TEST(Time, wrapping_clocks_compare_across_the_wrap) {
  EXPECT_TRUE(before(Tick{0xfffffff0}, Tick{5}));
  EXPECT_FALSE(before(Tick{5}, Tick{0xfffffff0}));
  EXPECT_EQ(Tick{5} - Tick{0xfffffff0}, 21U);
  EXPECT_EQ(Tick{0xfffffff0} + 21, Tick{5});
  EXPECT_TRUE(before(Micros{0xfffffff0}, Micros{5}));
  EXPECT_EQ(Micros{5} - Micros{0xfffffff0}, 21U);
  EXPECT_EQ(Micros{0xfffffff0} + 21, Micros{5});
  const Instant late = Instant{} + 50 * 86'400_s;  // beyond 2^32 ms
  EXPECT_EQ((late + 7_ms).tick() - late.tick(), 7U);
}

}  // namespace
}  // namespace rapport
