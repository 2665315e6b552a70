// ICMPv6: echo, errors, the checksum over the pseudo-header (RFC 4443).
#include "rapport/wire/icmpv6.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
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

const IpAddress us = parse_address("2001:db8::1").value();
const IpAddress them = parse_address("2001:db8::2").value();

Octets message(const IcmpHead& head, const Octets& data) {
  Octets bytes(kIcmpHeader + data.size());
  EXPECT_EQ(build_icmpv6(bytes.data(), head, data, us, them), bytes.size());
  return bytes;
}

Octets quoted() {
  Ipv6 ip;
  ip.source = us;
  ip.destination = them;
  ip.next_header = 6;
  Octets bytes(kIpv6Header + 8);
  build_ipv6(bytes.data(), ip, 1400);
  store16(&bytes[40], 5000);
  store16(&bytes[42], 80);
  store32(&bytes[44], 77);
  return bytes;
}

IcmpError error(const IcmpHead& head) {
  const Octets bytes = message(head, quoted());
  return parse_icmpv6_error(parse_icmpv6(bytes, us, them).value()).value();
}

// The sum worked out by the definition: pseudo-header and message as a row of 16-bit words.
TEST(Icmpv6, TheChecksumCoversThePseudoHeader) {
  const Octets bytes = message({.type = kIcmpv6Echo, .rest = 0x00010002}, {7, 8, 9});
  Octets row(us.octets.begin(), us.octets.end());
  row.insert(row.end(), them.octets.begin(), them.octets.end());
  row.insert(row.end(), {0, 0, 0, 11, 0, 0, 0, 58});
  row.insert(row.end(), bytes.begin(), bytes.end());
  row.push_back(0);
  uint32_t total = 0;
  for (size_t i = 0; i < row.size(); i += 2) total += load16(&row[i]);
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  EXPECT_EQ(total, 0xffff);
}

TEST(Icmpv6, ShorterThanItsHeader) {
  for (size_t n = 0; n < 8; ++n) {
    EXPECT_EQ(parse_icmpv6(Octets(n), us, them).error(), DropReason::Icmpv6TooShort);
  }
}

TEST(Icmpv6, AnotherAddressOrBitIsCaught) {
  Octets bytes = message({.type = kIcmpv6Echo}, {1, 2, 3});
  EXPECT_TRUE(parse_icmpv6(bytes, us, them).has_value());
  EXPECT_EQ(parse_icmpv6(bytes, us, us).error(), DropReason::Icmpv6Checksum);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    ASSERT_EQ(parse_icmpv6(bytes, us, them).error(), DropReason::Icmpv6Checksum) << "bit " << bit;
    bytes[bit / 8] ^= mask;
  }
}

TEST(Icmpv6, TheReplyReturnsWhatCame) {
  Octets bytes = message({.type = kIcmpv6Echo, .rest = 0x12340007}, {9, 8});
  make_echo_reply_v6(bytes, them, us);
  const auto reply = parse_icmpv6(bytes, them, us);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->type, kIcmpv6EchoReply);
  EXPECT_EQ(reply->id, 0x1234);
  EXPECT_EQ(reply->sequence, 7);
  EXPECT_TRUE(std::ranges::equal(reply->data, Octets{9, 8}));
}

TEST(Icmpv6, EveryCodeHasItsKind) {
  using enum IcmpKind;
  const std::vector<IcmpKind> kinds{NetUnreachable,  AdminProhibited,   HostUnreachable,
                                    HostUnreachable, PortUnreachable,   AdminProhibited,
                                    AdminProhibited, SourceRouteFailed, Unknown};
  for (uint8_t code = 0; code < kinds.size(); ++code) {
    EXPECT_EQ(error({.type = 1, .code = code}).kind, kinds[code]) << int{code};
  }
  EXPECT_EQ(error({.type = 3, .code = 0}).kind, TimeExceededTransit);
  EXPECT_EQ(error({.type = 3, .code = 1}).kind, TimeExceededReassembly);
  EXPECT_EQ(error({.type = 3, .code = 2}).kind, Unknown);
  EXPECT_EQ(error({.type = 100}).kind, Unknown);
}

TEST(Icmpv6, WhatOnlySomeErrorsSay) {
  const IcmpError big = error({.type = 2, .code = 9, .rest = 1280});  // 3.2: the code is ignored
  EXPECT_EQ(big.kind, IcmpKind::PacketTooBig);
  EXPECT_EQ(big.mtu, 1280);
  EXPECT_EQ(big.quote.source, us);
  EXPECT_EQ(big.quote.destination_port, 80);
  EXPECT_EQ(big.quote.total_length, 1440);
  const IcmpError problem = error({.type = 4, .code = 2, .rest = 42});
  EXPECT_EQ(problem.kind, IcmpKind::ParameterProblem);
  EXPECT_EQ(problem.code, 2);
  EXPECT_EQ(problem.pointer, 42);
  EXPECT_EQ(problem.mtu, 0);
}

TEST(Icmpv6, InformationIsNoError) {
  const Octets bytes = message({.type = kIcmpv6Echo}, quoted());
  EXPECT_EQ(parse_icmpv6_error(parse_icmpv6(bytes, us, them).value()).error(),
            DropReason::IcmpIgnored);
  EXPECT_FALSE(may_cause_icmpv6_error(kIcmpv6Unreachable));
  EXPECT_FALSE(may_cause_icmpv6_error(kIcmpv6Redirect));
  EXPECT_TRUE(may_cause_icmpv6_error(kIcmpv6Echo));
}

TEST(Icmpv6, AnErrorStaysWithinTheMinimumMtu) {
  EXPECT_EQ(quotable_v6(Octets(48)).size(), 48);
  EXPECT_EQ(quotable_v6(Octets(1500)).size(), 1232);
}

RC_GTEST_PROP(Icmpv6Property, BuildThenParseGivesTheSame, ()) {
  const IcmpHead head{.type = *rc::gen::arbitrary<uint8_t>(),
                      .code = *rc::gen::arbitrary<uint8_t>(),
                      .rest = *rc::gen::arbitrary<uint32_t>()};
  const auto data =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 600), rc::gen::arbitrary<uint8_t>());
  const Octets bytes = message(head, data);
  const auto icmp = parse_icmpv6(bytes, us, them);
  RC_ASSERT(icmp.has_value());
  RC_ASSERT(icmp->type == head.type && icmp->code == head.code && icmp->rest == head.rest);
  RC_ASSERT(std::ranges::equal(icmp->data, data));
}

}  // namespace
}  // namespace rapport::wire
