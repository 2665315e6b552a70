// SipHash-2-4 against the vectors of its authors' reference code (vectors.h): key 00 01 … 0f,
// message 00 01 … of growing length.
#include "rapport/base/siphash.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>

namespace rapport {
namespace {

constexpr SipKey kKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

uint64_t of_length(size_t length) {
  std::array<uint8_t, 64> message{};
  for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<uint8_t>(i);
  return siphash24(kKey, std::span(message).first(length));
}

TEST(SipHash, agrees_with_the_paper) {
  EXPECT_EQ(of_length(15), 0xa129ca6149be45e5ULL);
}

TEST(SipHash, agrees_with_the_reference_vectors) {
  EXPECT_EQ(of_length(0), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(of_length(1), 0x74f839c593dc67fdULL);
  EXPECT_EQ(of_length(2), 0x0d6c8009d9a94f5aULL);
  EXPECT_EQ(of_length(3), 0x85676696d7fb7e2dULL);
  EXPECT_EQ(of_length(4), 0xcf2794e0277187b7ULL);
  EXPECT_EQ(of_length(5), 0x18765564cd99a68dULL);
  EXPECT_EQ(of_length(6), 0xcbc9466e58fee3ceULL);
  EXPECT_EQ(of_length(7), 0xab0200f58b01d137ULL);
  EXPECT_EQ(of_length(8), 0x93f5f5799a932462ULL);
}

TEST(SipHash, of_words_is_that_of_their_octets) {
  const uint64_t a = 0x0706050403020100ULL;
  const uint64_t b = 0x0f0e0d0c0b0a0908ULL;
  const uint64_t c = 0x1716151413121110ULL;
  EXPECT_EQ(siphash24_words(kKey, a, b), of_length(16));
  EXPECT_EQ(siphash24_words(kKey, a, b, c), of_length(24));
  EXPECT_EQ(siphash24_12(kKey, a, static_cast<uint32_t>(b)), of_length(12));
}

TEST(SipHash, of_lanes_is_that_of_each) {
  SipLanes lanes{};
  for (size_t i = 0; i < kSipLanes; ++i) {
    lanes.a[i] = 0x0706050403020100ULL * (i + 1);
    lanes.b[i] = 0x0b0a0908U + i;
  }
  siphash24_12(kKey, lanes);
  for (size_t i = 0; i < kSipLanes; ++i) {
    EXPECT_EQ(lanes.hash[i], siphash24_12(kKey, lanes.a[i], static_cast<uint32_t>(lanes.b[i])));
  }
}

}  // namespace
}  // namespace rapport
