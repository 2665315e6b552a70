// The Internet checksum against a naive model of RFC 1071 and its worked example.
#include "rapport/wire/checksum.hh"

#include "rapport/base/address.hh"
#include "rapport/wire/bytes.hh"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::wire {
namespace {

using Octets = std::vector<uint8_t>;

// RFC 1071 4.1, octet by octet in network order: the folded sum, not complemented.
uint16_t model_sum(std::span<const uint8_t> bytes) {
  uint64_t s = 0;
  for (size_t i = 0; i < bytes.size(); ++i) s += i % 2 == 0 ? uint64_t{bytes[i]} << 8 : bytes[i];
  while (s >> 16 != 0) s = (s & 0xffff) + (s >> 16);
  return static_cast<uint16_t>(s);
}

// The same from a partial sum: complement undone, network order.
uint16_t folded(PartialSum s) {
  return std::byteswap(static_cast<uint16_t>(~finish(s)));
}

// With and without wide registers.
bool both_ways_give(uint16_t model, std::span<const uint8_t> bytes) {
  return folded(sum(bytes)) == model && folded(plain_sum(bytes)) == model;
}

// Octets with a fair share of 00 and ff, where carries are lost first.
Octets arbitrary_octets(size_t length) {
  return *rc::gen::container<Octets>(
      length, rc::gen::weightedOneOf<uint8_t>({{4, rc::gen::arbitrary<uint8_t>()},
                                               {3, rc::gen::just<uint8_t>(0xff)},
                                               {1, rc::gen::just<uint8_t>(0)}}));
}

Octets patterned(size_t n, uint32_t seed) {
  Octets bytes(n);
  for (auto& b : bytes) {
    seed = seed * 1664525 + 1013904223;
    b = static_cast<uint8_t>(seed >> 24);
  }
  return bytes;
}

TEST(Checksum, WorkedExampleOfRfc1071) {
  const std::array<uint8_t, 8> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(folded(sum(bytes)), 0xddf2);
  EXPECT_EQ(finish(sum(bytes)), std::byteswap(uint16_t{0x220d}));
}

TEST(Checksum, NothingSumsToZero) {
  EXPECT_EQ(sum({}).v, 0U);
  EXPECT_EQ(finish(sum({})), 0xffff);
}

TEST(Checksum, EveryLengthToThreeHundredAtEveryAlignment) {
  const Octets bytes = patterned(300 + 64, 1);
  for (size_t offset = 0; offset < 64; ++offset) {
    for (size_t n = 0; n <= 300; ++n) {
      const auto part = std::span(bytes).subspan(offset, n);
      EXPECT_TRUE(both_ways_give(model_sum(part), part)) << "offset " << offset << ", length " << n;
    }
  }
}

TEST(Checksum, LongRunsOfAllOnesLoseNoCarry) {
  for (const size_t n : {size_t{1460}, size_t{65535}, size_t{65536}, size_t{1} << 20}) {
    const Octets ones(n, 0xff);
    EXPECT_TRUE(both_ways_give(model_sum(ones), ones)) << n;
    const Octets noise = patterned(n, static_cast<uint32_t>(n));
    EXPECT_TRUE(both_ways_give(model_sum(noise), noise)) << n;
  }
}

TEST(Checksum, PartialSumsAddWithEndAroundCarry) {
  const PartialSum all{~uint64_t{0}};
  EXPECT_EQ((all + PartialSum{1}).v, 1U);
  EXPECT_EQ((all + all).v, ~uint64_t{0});
  EXPECT_EQ(folded(all + PartialSum{2}), std::byteswap(uint16_t{2}));
}

RC_GTEST_PROP(ChecksumProperty, EqualsTheModel, ()) {
  const auto bytes = arbitrary_octets(*rc::gen::inRange<size_t>(0, 3000));
  RC_ASSERT(both_ways_give(model_sum(bytes), bytes));
}

RC_GTEST_PROP(ChecksumProperty, PiecesAddUpWithSwappedBehindAnOddPiece, ()) {
  const auto bytes = arbitrary_octets(*rc::gen::inRange<size_t>(0, 600));
  const auto cut = *rc::gen::inRange<size_t>(0, bytes.size() + 1);
  const auto head = sum(std::span(bytes).first(cut));
  const auto tail = sum(std::span(bytes).subspan(cut));
  RC_ASSERT(folded(head + (cut % 2 == 0 ? tail : swapped(tail))) == model_sum(bytes));
}

RC_GTEST_PROP(ChecksumProperty, ThreePiecesAddUp, ()) {
  const auto bytes = arbitrary_octets(*rc::gen::inRange<size_t>(2, 600));
  const auto first = *rc::gen::inRange<size_t>(0, bytes.size());
  const auto second = *rc::gen::inRange<size_t>(first, bytes.size() + 1);
  const auto piece = [&](size_t from, size_t to) {
    const auto s = sum(std::span(bytes).subspan(from, to - from));
    return from % 2 == 0 ? s : swapped(s);
  };
  RC_ASSERT(folded(piece(0, first) + piece(first, second) + piece(second, bytes.size()))
            == model_sum(bytes));
}

RC_GTEST_PROP(ChecksumProperty, CopyAndSumIsMemcpyAndSum, ()) {
  const auto bytes = arbitrary_octets(*rc::gen::inRange<size_t>(0, 3000));
  const auto shift = *rc::gen::inRange<size_t>(0, 33);
  constexpr uint8_t guard = 0xa5;
  Octets to(bytes.size() + shift + 32, guard);
  const auto s = copy_and_sum(to.data() + shift, bytes);
  RC_ASSERT(folded(s) == model_sum(bytes));
  const auto copied = std::span(to).subspan(shift, bytes.size());
  RC_ASSERT(std::ranges::equal(copied, bytes));
  const auto is_guard = [](uint8_t b) { return b == guard; };
  RC_ASSERT(std::ranges::all_of(std::span(to).first(shift), is_guard));
  RC_ASSERT(std::ranges::all_of(std::span(to).subspan(shift + bytes.size()), is_guard));
}

bool same(const Octets& a, std::span<const uint8_t> b) {
  return std::ranges::equal(a, b);
}

TEST(Checksum, CopyAndSumOfEveryLengthToThreeHundred) {
  const Octets from = patterned(300, 7);
  for (size_t n = 0; n <= 300; ++n) {
    Octets to(n);  // the sanitizer sees a write behind it
    const auto part = std::span(from).first(n);
    EXPECT_TRUE(folded(copy_and_sum(to.data(), part)) == model_sum(part) && same(to, part)) << n;
    std::ranges::fill(to, 0);
    EXPECT_TRUE(folded(plain_copy_and_sum(to.data(), part)) == model_sum(part) && same(to, part))
        << n;
  }
}

RC_GTEST_PROP(ChecksumProperty, AStoredChecksumMakesTheWholeRight, ()) {
  auto bytes = arbitrary_octets(2 * *rc::gen::inRange<size_t>(1, 400));
  bytes[0] = bytes[1] = 0;
  const uint16_t checksum = finish(sum(bytes));
  std::memcpy(bytes.data(), &checksum, 2);
  RC_ASSERT(is_right(sum(bytes)));
}

// RFC 9293 3.1: source, destination, zero, protocol, length, laid out and summed by the model.
RC_GTEST_PROP(ChecksumProperty, PseudoHeaderOfIpv4EqualsTheModel, ()) {
  const auto source = IpAddress::v4(*rc::gen::arbitrary<uint32_t>());
  const auto destination = IpAddress::v4(*rc::gen::arbitrary<uint32_t>());
  const auto protocol = *rc::gen::arbitrary<uint8_t>();
  const auto length = *rc::gen::arbitrary<uint16_t>();
  std::array<uint8_t, 12> header{};
  store32(header.data(), source.v4_host());
  store32(&header[4], destination.v4_host());
  header[9] = protocol;
  store16(&header[10], length);
  // Zero and ffff are the same number in ones complement; only a sum of nothing at all is zero.
  const auto model = model_sum(header);
  RC_ASSERT(folded(pseudo_header(source, destination, protocol, length))
            == (model == 0 ? 0xffff : model));
}

// RFC 8200 8.1.
RC_GTEST_PROP(ChecksumProperty, PseudoHeaderOfIpv6EqualsTheModel, ()) {
  std::array<uint8_t, 40> header{};
  const auto octets = arbitrary_octets(32);
  std::ranges::copy(octets, header.begin());
  IpAddress source;
  IpAddress destination;
  std::copy_n(octets.begin(), 16, source.octets.begin());
  std::copy_n(octets.begin() + 16, 16, destination.octets.begin());
  const auto length = *rc::gen::arbitrary<uint32_t>();
  const auto protocol = *rc::gen::arbitrary<uint8_t>();
  store32(&header[32], length);
  header[39] = protocol;
  RC_ASSERT(folded(pseudo_header(source, destination, protocol, length)) == model_sum(header));
}

}  // namespace
}  // namespace rapport::wire
