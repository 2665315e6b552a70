// IPv4 headers: building, parsing, and what is refused (RFC 791, RFC 1122 3.2.1).
#include "rapport/wire/ipv4.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"

#include <algorithm>
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

Ipv4 usual() {
  Ipv4 ip;
  ip.source = IpAddress::v4(10, 0, 0, 1);
  ip.destination = IpAddress::v4(10, 0, 0, 2);
  ip.protocol = 6;
  return ip;
}

Octets built(const Ipv4& ip, const Octets& payload) {
  Octets bytes(kIpv4Header);
  build_ipv4(bytes.data(), ip, static_cast<uint16_t>(payload.size()));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

void mend(Octets& bytes) {
  store16(&bytes[10], 0);
  const size_t header = std::min(bytes.size(), size_t{4} * (bytes[0] & 0x0f));
  const uint16_t c = finish(sum(std::span(bytes).first(header)));
  std::memcpy(&bytes[10], &c, 2);
}

// Why it is refused, None when it is not.
DropReason fault(const Octets& bytes) {
  const auto ip = parse_ipv4(bytes);
  return ip.has_value() ? DropReason::None : ip.error();
}

// The header that textbooks work out by hand: its checksum is b861.
TEST(Ipv4, AHandWorkedHeader) {
  Ipv4 ip;
  ip.source = IpAddress::v4(192, 168, 0, 1);
  ip.destination = IpAddress::v4(192, 168, 0, 199);
  ip.protocol = 17;
  Octets bytes(kIpv4Header);
  build_ipv4(bytes.data(), ip, 95);
  EXPECT_EQ(bytes, (Octets{0x45, 0,    0,    0x73, 0, 0,    0x40, 0,    0x40, 0x11,
                           0xb8, 0x61, 0xc0, 0xa8, 0, 0x01, 0xc0, 0xa8, 0,    0xc7}));
}

RC_GTEST_PROP(Ipv4Property, BuildThenParseGivesTheSame, ()) {
  Ipv4 ip;
  ip.source = IpAddress::v4(*rc::gen::arbitrary<uint32_t>());
  ip.destination = IpAddress::v4(*rc::gen::arbitrary<uint32_t>());
  ip.protocol = *rc::gen::arbitrary<uint8_t>();
  ip.ttl = *rc::gen::arbitrary<uint8_t>();
  ip.dscp = *rc::gen::inRange<uint8_t>(0, 64);
  ip.ecn = *rc::gen::inRange<uint8_t>(0, 4);
  ip.dont_fragment = *rc::gen::arbitrary<bool>();
  ip.more_fragments = *rc::gen::arbitrary<bool>();
  ip.fragment_offset = static_cast<uint16_t>(8 * *rc::gen::inRange<unsigned>(0, 8192));
  ip.id = *rc::gen::arbitrary<uint16_t>();
  const auto payload =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 200), rc::gen::arbitrary<uint8_t>());
  Octets bytes = built(ip, payload);
  bytes.resize(bytes.size() + *rc::gen::inRange<size_t>(0, 30), 0xdd);  // link padding
  const auto back = parse_ipv4(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->source == ip.source);
  RC_ASSERT(back->destination == ip.destination);
  RC_ASSERT(back->protocol == ip.protocol);
  RC_ASSERT(back->ttl == ip.ttl);
  RC_ASSERT(back->dscp == ip.dscp);
  RC_ASSERT(back->ecn == ip.ecn);
  RC_ASSERT(back->dont_fragment == ip.dont_fragment);
  RC_ASSERT(back->more_fragments == ip.more_fragments);
  RC_ASSERT(back->fragment_offset == ip.fragment_offset);
  RC_ASSERT(back->id == ip.id);
  RC_ASSERT(back->header_length == kIpv4Header);
  RC_ASSERT(std::ranges::equal(back->payload, payload));
}

TEST(Ipv4, TheLongestPacket) {
  const Octets bytes = built(usual(), Octets(0xffff - kIpv4Header, 1));
  const auto ip = parse_ipv4(bytes);
  ASSERT_TRUE(ip.has_value());
  EXPECT_EQ(ip->payload.size(), 0xffff - kIpv4Header);
}

TEST(Ipv4, TooShortForAHeader) {
  const Octets whole = built(usual(), {});
  for (size_t n = 0; n < kIpv4Header; ++n) {
    const Octets bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n));
    EXPECT_EQ(parse_ipv4(bytes).error(), DropReason::FrameTooShort);
  }
}

TEST(Ipv4, AnyOtherVersionIsRefused) {
  for (unsigned version = 0; version < 16; ++version) {
    Octets bytes = built(usual(), {1});
    bytes[0] = static_cast<uint8_t>(version << 4 | 5);
    mend(bytes);
    EXPECT_EQ(fault(bytes), version == 4 ? DropReason::None : DropReason::Ipv4Version) << version;
  }
}

TEST(Ipv4, HeaderLengthMustLieBetweenFiveAndThePacket) {
  for (unsigned ihl = 0; ihl < 16; ++ihl) {
    Octets bytes = built(usual(), Octets(8, 1));
    bytes[0] = static_cast<uint8_t>(0x40 | ihl);
    mend(bytes);
    const bool legal = ihl >= 5 && ihl <= 7;
    EXPECT_EQ(fault(bytes), legal ? DropReason::None : DropReason::Ipv4HeaderLength) << ihl;
  }
}

// A header with so many words of options that mean nothing, and 42 as its payload.
Octets with_options(unsigned words) {
  Octets bytes = built(usual(), {});
  bytes.insert(bytes.end(), size_t{4} * words, 0xff);
  bytes.push_back(42);
  bytes[0] = static_cast<uint8_t>(0x45 + words);
  store16(&bytes[2], static_cast<uint16_t>(bytes.size()));
  mend(bytes);
  return bytes;
}

// Options are skipped, whatever stands in them (MUST-50 of RFC 9293).
TEST(Ipv4, OptionsAreSkipped_MUST_50) {
  for (unsigned words = 1; words <= 10; ++words) {
    const Octets bytes = with_options(words);
    const Ipv4 ip = parse_ipv4(bytes).value();
    EXPECT_EQ(ip.header_length, 20 + 4 * words);
    EXPECT_TRUE(std::ranges::equal(ip.payload, Octets{42}));
  }
}

// Zero when it is refused.
size_t payload_length(const Octets& bytes) {
  const auto ip = parse_ipv4(bytes);
  return ip.has_value() ? ip->payload.size() : 0;
}

TEST(Ipv4, TotalLengthMustLieBetweenHeaderAndFrame) {
  for (unsigned total = 0; total < 40; ++total) {
    Octets bytes = built(usual(), Octets(10, 1));
    store16(&bytes[2], static_cast<uint16_t>(total));
    mend(bytes);
    const bool legal = total >= 20 && total <= 30;
    EXPECT_EQ(fault(bytes), legal ? DropReason::None : DropReason::Ipv4TotalLength) << total;
    EXPECT_EQ(payload_length(bytes), legal ? total - 20 : 0);
  }
}

TEST(Ipv4, AnySingleFlippedBitOfTheHeaderIsCaught_R1122_1) {
  Octets bytes = built(usual(), {1, 2, 3, 4});
  for (size_t bit = 0; bit < 8 * kIpv4Header; ++bit) {
    const auto mask = static_cast<uint8_t>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    ASSERT_FALSE(parse_ipv4(bytes).has_value()) << "bit " << bit;
    bytes[bit / 8] ^= mask;
  }
  bytes[8] ^= 1;  // TTL: nothing but the checksum can tell
  EXPECT_EQ(parse_ipv4(bytes).error(), DropReason::Ipv4Checksum);
}

RC_GTEST_PROP(Ipv4Property, RandomOctetsNeitherCrashNorLeadOutside, ()) {
  auto bytes =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 80), rc::gen::arbitrary<uint8_t>());
  if (bytes.size() >= kIpv4Header) {  // far enough to be interesting
    bytes[0] = static_cast<uint8_t>(0x40 | (bytes[0] & 0x0f));
    bytes[2] = 0;
    mend(bytes);
  }
  const auto ip = parse_ipv4(bytes);
  if (!ip.has_value()) return;
  RC_ASSERT(ip->payload.data() == bytes.data() + ip->header_length);
  RC_ASSERT(ip->header_length + ip->payload.size() <= bytes.size());
}

TEST(Ipv4DeathTest, APayloadThatCannotBeSaidIsOurOwnBug) {
  Octets bytes(kIpv4Header);
  EXPECT_DEATH(build_ipv4(bytes.data(), usual(), 65516), "payload_length");
}

}  // namespace
}  // namespace rapport::wire
