// Sequence space against plain 64-bit arithmetic: positions that never wrap, of which Seq shows the
// low 32 bits (RFC 9293 3.4).
#include "rapport/base/seq.hh"

#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport {
namespace {

constexpr uint64_t kHalf = uint64_t{1} << 31;

// A position in an endless stream, often close to where 32 bits wrap.
uint64_t position() {
  const auto turns = *rc::gen::inRange<uint64_t>(1, 1000);
  const auto near = *rc::gen::inRange<int64_t>(-100, 100);
  const auto anywhere = *rc::gen::arbitrary<uint32_t>();
  const auto close = *rc::gen::arbitrary<bool>();
  return (turns << 32) + (close ? static_cast<uint64_t>(near) : anywhere);
}

// A distance below half of the space, often small.
uint64_t distance() {
  const auto bits = *rc::gen::inRange(0, 32);
  return *rc::gen::inRange<uint64_t>(0, bits == 31 ? kHalf : uint64_t{1} << bits);
}

Seq seq(uint64_t at) {
  return Seq{static_cast<uint32_t>(at)};
}

RC_GTEST_PROP(Seq, compares_as_positions_do, ()) {
  const uint64_t a = position();
  const uint64_t n = distance();
  for (const uint64_t b : {a + n, a - n}) {
    RC_ASSERT(before(seq(a), seq(b)) == (a < b));
    RC_ASSERT(at_or_before(seq(a), seq(b)) == (a <= b));
    RC_ASSERT(after(seq(a), seq(b)) == (a > b));
    RC_ASSERT(at_or_after(seq(a), seq(b)) == (a >= b));
    RC_ASSERT(later(seq(a), seq(b)) == seq(std::max(a, b)));
    RC_ASSERT(earlier(seq(a), seq(b)) == seq(std::min(a, b)));
  }
}

RC_GTEST_PROP(Seq, adds_and_subtracts_as_positions_do, ()) {
  const uint64_t a = position();
  const uint64_t n = *rc::gen::arbitrary<uint32_t>();
  RC_ASSERT(seq(a) + ByteCount{n} == seq(a + n));
  RC_ASSERT(seq(a) - ByteCount{n} == seq(a - n));
  RC_ASSERT(seq(a + n) - seq(a) == ByteCount{n});
  Seq moved = seq(a);
  moved += ByteCount{n};
  RC_ASSERT(moved == seq(a + n));
}

RC_GTEST_PROP(Seq, is_in_a_window_as_positions_are, ()) {
  const uint64_t left = position();
  const uint64_t length = distance();
  const uint64_t n = distance();
  for (const uint64_t at : {left + n, left - n}) {
    const bool inside = left <= at && at < left + length;
    RC_ASSERT(in_window(seq(at), seq(left), ByteCount{length}) == inside);
    const SeqRange range{seq(left), seq(left + length)};
    RC_ASSERT(range.contains(seq(at)) == inside);
    RC_ASSERT(range.length() == ByteCount{length});
    RC_ASSERT(range.empty() == (length == 0));
  }
}

TEST(Seq, half_the_space_away_is_before_in_both_directions) {
  EXPECT_TRUE(before(Seq{0}, Seq{0x80000000}));
  EXPECT_TRUE(before(Seq{0x80000000}, Seq{0}));
  EXPECT_FALSE(before(Seq{0}, Seq{0}));
}

TEST(ByteCount, is_arithmetic_of_lengths) {
  EXPECT_EQ(2_KiB, 2048_B);
  EXPECT_EQ(3_B + 4_B, 7_B);
  EXPECT_EQ(9_B - 4_B, 5_B);
  EXPECT_EQ(3_B * 5, 15_B);
  EXPECT_EQ(17_B / 5, 3_B);
  EXPECT_EQ(saturating_sub(9_B, 4_B), 5_B);
  EXPECT_EQ(saturating_sub(4_B, 9_B), 0_B);
  EXPECT_LT(4_B, 9_B);
  ByteCount n = 10_B;
  n += 5_B;
  n -= 1_B;
  EXPECT_EQ(n, 14_B);
}

}  // namespace
}  // namespace rapport
