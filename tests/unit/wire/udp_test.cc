// UDP datagrams in both families (RFC 768, RFC 1122 4.1.3.4, RFC 8200 8.1).
#include "rapport/wire/udp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::wire {
namespace {

using Octets = std::vector<uint8_t>;

const IpAddress v4_a = IpAddress::v4(10, 0, 0, 1), v4_b = IpAddress::v4(10, 0, 0, 2);
const IpAddress v6_a = parse_address("2001:db8::1").value();
const IpAddress v6_b = parse_address("2001:db8::2").value();

Octets built(const IpAddress& from, const IpAddress& to, const Octets& data) {
  Octets bytes(kUdpHeader);
  build_udp(bytes.data(), {.source_port = 5000, .destination_port = 53}, from, to,
            {.length = static_cast<uint32_t>(data.size()), .sum = sum(data)});
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

DropReason fault(const Octets& bytes, const IpAddress& from = v4_a, const IpAddress& to = v4_b) {
  const auto udp = parse_udp(bytes, from, to);
  return udp ? DropReason::None : udp.error();
}

// 10.0.0.1:5000 -> 10.0.0.2:53 "hi": 1400 + 0003 + 0011 + 000a + 1388 + 0035 + 000a + 6869 = 904e
// with the carries; its complement is 6fb1.
TEST(Udp, ADatagramByHand) {
  EXPECT_EQ(built(v4_a, v4_b, {'h', 'i'}),
            (Octets{0x13, 0x88, 0x00, 0x35, 0x00, 0x0a, 0x6f, 0xb1, 'h', 'i'}));
}

TEST(Udp, TooShort) {
  for (size_t n = 0; n < kUdpHeader; ++n) EXPECT_EQ(fault(Octets(n)), DropReason::UdpTooShort);
}

TEST(Udp, LengthMustLieBetweenHeaderAndPacket) {
  for (uint16_t length = 0; length < 20; ++length) {
    Octets bytes = built(v4_a, v4_b, Octets(4, 1));
    store16(&bytes[4], length);
    store16(&bytes[6], 0);
    EXPECT_EQ(fault(bytes), length >= 8 && length <= 12 ? DropReason::None : DropReason::UdpLength);
  }
}

TEST(Udp, WhatLiesBehindTheLengthIsIgnored) {
  Octets bytes = built(v4_a, v4_b, {1, 2, 3});
  bytes.resize(30, 0xee);
  EXPECT_EQ(parse_udp(bytes, v4_a, v4_b).value().data.size(), 3);
}

TEST(Udp, AnySingleFlippedBitIsCaught) {
  Octets bytes = built(v6_a, v6_b, Octets(17, 0x33));
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    ASSERT_NE(fault(bytes, v6_a, v6_b), DropReason::None) << "bit " << bit;
    bytes[bit / 8] ^= mask;
  }
  EXPECT_EQ(fault(bytes, v6_a, v6_b), DropReason::None);
  EXPECT_EQ(fault(bytes, v6_a, v6_a), DropReason::UdpChecksum);
}

TEST(Udp, ZeroMeansNoChecksumInIpv4Only) {
  Octets bytes = built(v4_a, v4_b, {1, 2, 3});
  store16(&bytes[6], 0);
  EXPECT_EQ(fault(bytes), DropReason::None);
  EXPECT_EQ(fault(bytes, v6_a, v6_b), DropReason::UdpChecksumMissing);
}

// Data that brings the sum to zero: it goes as ffff, which verifies as well.
TEST(Udp, ASumOfZeroIsSentAsOnes) {
  const Octets odd = built(v6_a, v6_b, {0, 0});
  const Octets data{odd[6], odd[7]};  // the complement of all else
  const Octets bytes = built(v6_a, v6_b, data);
  EXPECT_EQ(load16(&bytes[6]), 0xffff);
  EXPECT_EQ(fault(bytes, v6_a, v6_b), DropReason::None);
}

TEST(Udp, PortZeroIsNobodysButMayAsk) {
  Octets bytes = built(v4_a, v4_b, {1});
  store16(&bytes[6], 0);
  store16(bytes.data(), 0);
  EXPECT_EQ(fault(bytes), DropReason::None);
  store16(&bytes[2], 0);
  EXPECT_EQ(fault(bytes), DropReason::UdpPortZero);
}

RC_GTEST_PROP(UdpProperty, BuildThenParseGivesTheSame, ()) {
  const bool six = *rc::gen::arbitrary<bool>();
  const IpAddress from = six ? v6_a : v4_a;
  const IpAddress to = six ? v6_b : v4_b;
  const auto data =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 300), rc::gen::arbitrary<uint8_t>());
  const Octets bytes = built(from, to, data);
  const auto udp = parse_udp(bytes, from, to);
  RC_ASSERT(udp.has_value());
  RC_ASSERT(udp->source_port == 5000 && udp->destination_port == 53);
  RC_ASSERT(std::ranges::equal(udp->data, data));
}

TEST(UdpDeathTest, ADatagramThatCannotBeSaidIsOurOwnBug) {
  Octets bytes(kUdpHeader);
  EXPECT_DEATH(build_udp(bytes.data(), {}, v4_a, v4_b, {.length = 65528, .sum = {}}),
               "data.length");
}

}  // namespace
}  // namespace rapport::wire
