// TCP options: what is written, what is read, and that no octets can break the reading
// (RFC 9293 3.1, RFC 7323, RFC 2018).
#include "rapport/wire/options.hh"

#include "rapport/base/seq.hh"
#include "tests/unit/wire/generators.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::wire {
namespace {

using Octets = std::vector<uint8_t>;

Octets written(const Options& options) {
  std::array<uint8_t, 40> to{};
  to.fill(0xee);
  const uint32_t n = write_options(to.data(), options);
  EXPECT_EQ(n, option_length(options));
  EXPECT_TRUE(std::all_of(to.begin() + n, to.end(), [](uint8_t b) { return b == 0xee; }));
  return {to.begin(), to.begin() + n};
}

Options read(std::span<const uint8_t> bytes) {
  const Octets exact(bytes.begin(), bytes.end());  // the sanitizer sees a read behind it
  Options out;
  out.tsval = 99;
  out.malformed = true;
  read_options(exact, out);
  return out;
}

Options usual_syn() {
  Options o;
  o.has_mss = o.has_window_scale = o.sack_permitted = o.has_timestamps = true;
  o.mss = 1460;
  o.window_scale = 7;
  o.tsval = 0x01020304;
  o.tsecr = 0;
  return o;
}

Options timestamps() {
  Options o;
  o.has_timestamps = true;
  o.tsval = 0x0a0b0c0d;
  o.tsecr = 0x11121314;
  return o;
}

TEST(Options, ASynHasMssSackPermittedTimestampsAndWindowScaleInTwentyOctets) {
  EXPECT_EQ(written(usual_syn()),
            (Octets{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7}));
}

TEST(Options, DataHaveNopNopTimestampsInTwelveOctets) {
  EXPECT_EQ(written(timestamps()),
            (Octets{1, 1, 8, 10, 0x0a, 0x0b, 0x0c, 0x0d, 0x11, 0x12, 0x13, 0x14}));
}

TEST(Options, SackPermittedAloneIsPaddedByNops) {
  Options o;
  o.sack_permitted = true;
  EXPECT_EQ(written(o), (Octets{1, 1, 4, 2}));
}

TEST(Options, SackBlocksFollowTwoNops) {
  Options o;
  o.sack_count = 1;
  o.sack[0] = {.left = Seq{0x01020304}, .right = Seq{0x05060708}};
  EXPECT_EQ(written(o), (Octets{1, 1, 5, 10, 1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(Options, NoneTakesNoOctets) {
  EXPECT_TRUE(written(Options{}).empty());
}

// How many of four blocks are written beside `o`, when they are the first of the four.
int blocks_beside(Options o) {
  o.sack_count = 4;
  for (uint32_t i = 0; i < 4; ++i) {
    o.sack[i] = {.left = Seq{10 * i}, .right = Seq{10 * i + 5}};
  }
  const Octets bytes = written(o);
  EXPECT_LE(bytes.size(), 40U);
  const Options back = read(bytes);
  EXPECT_TRUE(std::equal(back.sack.begin(), back.sack.begin() + back.sack_count, o.sack.begin()));
  return back.sack_count;
}

// RFC 2018 3: four blocks alone, three beside timestamps; the first ones, as they are the newest.
TEST(Options, SackBlocksAreLimitedByTheRoom) {
  EXPECT_EQ(blocks_beside({}), 4);
  EXPECT_EQ(blocks_beside(timestamps()), 3);
  EXPECT_EQ(blocks_beside(usual_syn()), 2);
}

RC_GTEST_PROP(OptionsProperty, WhatIsWrittenIsReadBack_MUST_4, ()) {
  const auto options = arbitrary_options();
  RC_ASSERT(same_options(read(written(options)), options));
}

// Walks what is written by kinds and lengths alone: all consistent, nothing behind them.
RC_GTEST_PROP(OptionsProperty, EveryWrittenOptionHasItsLength_MUST_68, ()) {
  const Octets bytes = written(arbitrary_options());
  RC_ASSERT(bytes.size() % 4 == 0);
  size_t at = 0;
  while (at < bytes.size()) {
    if (bytes[at] == 1) {
      ++at;
      continue;
    }
    RC_ASSERT(at + 1 < bytes.size());
    const uint8_t kind = bytes[at];
    const uint8_t length = bytes[at + 1];
    RC_ASSERT((kind == 2 && length == 4) || (kind == 3 && length == 3) || (kind == 4 && length == 2)
              || (kind == 5 && length > 2 && length % 8 == 2) || (kind == 8 && length == 10));
    at += length;
  }
  RC_ASSERT(at == bytes.size());
}

// Odd sizes are filled up by NOPs before an option, so no end, and nothing behind one, is ever
// sent.
RC_GTEST_PROP(OptionsProperty, NoEndIsSentAndSoNothingBehindIt_MUST_69, ()) {
  const Octets bytes = written(arbitrary_options());
  size_t at = 0;
  while (at < bytes.size() && bytes[at] != 0) at += bytes[at] == 1 ? 1 : bytes[at + 1];
  RC_ASSERT(at == bytes.size());
}

TEST(Options, NopMssAndEndAreUnderstood_MUST_4) {
  const Options o = read(Octets{1, 1, 2, 4, 0x02, 0x18, 0, 8});
  EXPECT_TRUE(o.has_mss);
  EXPECT_EQ(o.mss, 536);
  EXPECT_FALSE(o.malformed);
  EXPECT_FALSE(o.has_timestamps);
}

TEST(Options, NothingBehindTheEndIsRead_MUST_4) {
  const Options o = read(Octets{0, 2, 4, 0x05, 0xb4, 8, 0, 3});
  EXPECT_TRUE(same_options(o, Options{}));
}

TEST(Options, AnOldValueIsForgotten) {
  EXPECT_EQ(read({}).tsval, 0U);
  EXPECT_FALSE(read({}).malformed);
}

// An option of that kind and length, and MSS 1460 behind it.
Octets before_mss(unsigned kind, uint8_t length) {
  Octets bytes{static_cast<uint8_t>(kind), length, 8, 8, 8, 8};
  bytes.resize(length);
  const Octets mss{2, 4, 0x05, 0xb4};
  bytes.insert(bytes.end(), mss.begin(), mss.end());
  return bytes;
}

TEST(Options, UnknownKindsAreSkippedByTheirLength_MUST_6) {
  Options mss;
  mss.has_mss = true;
  mss.mss = 1460;
  for (unsigned kind = 6; kind < 256; ++kind) {
    if (kind == 8) continue;
    for (uint8_t length = 2; length <= 6; ++length) {
      EXPECT_TRUE(same_options(read(before_mss(kind, length)), mss))
          << "kind " << kind << ", length " << int{length};
    }
  }
}

// Options packed without NOPs behind an option of odd length.
TEST(Options, AreReadAtAnyAlignment_MUST_64) {
  Options expected = usual_syn();
  expected.window_scale = 9;
  expected.tsecr = 0x05060708;
  for (size_t nops = 0; nops < 4; ++nops) {
    Octets bytes(nops, 1);
    const Octets packed{3, 3, 9, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 0x05, 0xb4, 4, 2};
    bytes.insert(bytes.end(), packed.begin(), packed.end());
    EXPECT_TRUE(same_options(read(bytes), expected)) << nops << " NOPs before";
  }
}

// Choice 21: what stood before is kept, what follows is not read.
TEST(Options, AnIllegalLengthEndsTheReading_MUST_7) {
  const Octets before{3, 3, 5};
  const Octets behind{2, 4, 0x05, 0xb4};
  const std::vector<Octets> illegal{
      {253, 0},
      {253, 1},
      {253, 200},  // none, too small, beyond the header
      {2, 3, 1},
      {2, 5, 1, 1, 1},
      {2, 0},  // MSS
      {3, 2},
      {3, 4, 1, 1},  // window scale
      {4, 3, 1},
      {4, 4, 1, 1},  // SACK-permitted
      {5, 2},
      {5, 3, 1},
      {5, 9, 1, 1, 1, 1, 1, 1, 1},  // SACK: whole blocks, one or more
      {8, 9, 1, 1, 1, 1, 1, 1, 1},
      {8, 2},
  };
  for (const Octets& bad : illegal) {
    Octets bytes = before;
    bytes.insert(bytes.end(), bad.begin(), bad.end());
    bytes.insert(bytes.end(), behind.begin(), behind.end());
    const Options o = read(bytes);
    Options expected;
    expected.has_window_scale = true;
    expected.window_scale = 5;
    expected.malformed = true;
    EXPECT_TRUE(same_options(o, expected)) << "kind " << int{bad[0]} << ", length " << int{bad[1]};
  }
}

TEST(Options, AKindWithoutRoomForItsLengthIsMalformed_MUST_68) {
  for (const uint8_t kind : Octets{2, 3, 4, 5, 8, 99}) EXPECT_TRUE(read(Octets{1, kind}).malformed);
}

TEST(Options, EveryTruncationOfALegalHeaderIsSurvived_MUST_7) {
  Options full = usual_syn();
  full.sack_count = 2;
  const Octets bytes = written(full);
  for (size_t n = 0; n <= bytes.size(); ++n) {
    const Options o = read(std::span(bytes).first(n));
    EXPECT_TRUE(o.has_mss == (n >= 4) && o.has_timestamps == (n >= 16)) << n;
    EXPECT_EQ(o.sack_count, n == bytes.size() ? 2 : 0) << n;
  }
}

// RFC 7323 2.3.
TEST(Options, AShiftAboveFourteenIsUsedAsFourteen) {
  for (unsigned shift = 0; shift < 256; ++shift) {
    EXPECT_EQ(read(Octets{3, 3, static_cast<uint8_t>(shift)}).window_scale, std::min(shift, 14U));
  }
}

RC_GTEST_PROP(OptionsProperty, RandomOctetsNeitherCrashNorLeadOutside_MUST_7, ()) {
  // Kinds and lengths that mean something come often, so that the walk gets far.
  const auto octet = rc::gen::weightedOneOf<uint8_t>(
      {{2, rc::gen::inRange<uint8_t>(0, 12)}, {1, rc::gen::arbitrary<uint8_t>()}});
  const auto bytes = *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 64), octet);
  const Options o = read(bytes);
  RC_ASSERT(o.sack_count <= kMaxSackBlocks);
  RC_ASSERT(o.window_scale <= kMaxShift);
  Options kept = o;  // what was understood can be said again
  kept.malformed = false;
  const Options again = read(written(kept));
  RC_ASSERT(again.mss == o.mss && again.tsval == o.tsval && again.tsecr == o.tsecr);
}

// The illegal octet in the midst of legal options: those before it are kept.
RC_GTEST_PROP(OptionsProperty, WhatStandsBeforeTheFaultIsKept_MUST_7, ()) {
  Options o;
  o.has_mss = true;
  o.mss = *rc::gen::arbitrary<uint16_t>();
  Octets bytes = written(o);
  bytes.push_back(*rc::gen::inRange<uint8_t>(2, 255));
  bytes.push_back(*rc::gen::inRange<uint8_t>(0, 2));
  const auto noise = *rc::gen::arbitrary<Octets>();
  bytes.insert(bytes.end(), noise.begin(), noise.end());
  o.malformed = true;
  RC_ASSERT(same_options(read(bytes), o));
}

}  // namespace
}  // namespace rapport::wire
