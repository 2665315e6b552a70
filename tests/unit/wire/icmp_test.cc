// ICMP echo and errors (RFC 792, RFC 1122 3.2.2, RFC 1191). What an error quotes: icmp_error_test.
#include "rapport/wire/icmp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/ipv4.hh"

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

Octets echo(uint16_t id, uint16_t sequence, const Octets& data) {
  Octets bytes(8);
  bytes[0] = kIcmpEcho;
  store16(&bytes[4], id);
  store16(&bytes[6], sequence);
  bytes.insert(bytes.end(), data.begin(), data.end());
  const uint16_t c = finish(sum(bytes));
  std::memcpy(&bytes[2], &c, 2);
  return bytes;
}

TEST(Icmp, AnEchoIsRead) {
  const Octets bytes = echo(0x1234, 7, {9, 8});
  const auto icmp = parse_icmp(bytes);
  ASSERT_TRUE(icmp.has_value());
  EXPECT_EQ(icmp->type, kIcmpEcho);
  EXPECT_EQ(icmp->code, 0);
  EXPECT_EQ(icmp->id, 0x1234);
  EXPECT_EQ(icmp->sequence, 7);
  EXPECT_TRUE(std::ranges::equal(icmp->data, Octets{9, 8}));
}

TEST(Icmp, ShorterThanItsHeader) {
  for (size_t n = 0; n < 8; ++n) {
    EXPECT_EQ(parse_icmp(Octets(n)).error(), DropReason::IcmpTooShort);
  }
}

TEST(Icmp, AnySingleFlippedBitIsCaught) {
  Octets bytes = echo(1, 2, Octets(33, 0x77));
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    ASSERT_EQ(parse_icmp(bytes).error(), DropReason::IcmpChecksum) << "bit " << bit;
    bytes[bit / 8] ^= mask;
  }
}

RC_GTEST_PROP(IcmpProperty, TheReplyReturnsWhatCame, ()) {
  const auto id = *rc::gen::arbitrary<uint16_t>();
  const auto sequence = *rc::gen::arbitrary<uint16_t>();
  const auto data = *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 1473),
                                                rc::gen::arbitrary<uint8_t>());
  Octets bytes = echo(id, sequence, data);
  make_echo_reply(bytes);
  const auto reply = parse_icmp(bytes);
  RC_ASSERT(reply.has_value());
  RC_ASSERT(reply->type == kIcmpEchoReply);
  RC_ASSERT(reply->code == 0);
  RC_ASSERT(reply->id == id);
  RC_ASSERT(reply->sequence == sequence);
  RC_ASSERT(std::ranges::equal(reply->data, data));
}

// A UDP packet from 10.0.0.1 port 5000 to 10.0.0.2 port 53, as far as an error must quote it.
Octets quoted() {
  Ipv4 ip;
  ip.source = IpAddress::v4(10, 0, 0, 1);
  ip.destination = IpAddress::v4(10, 0, 0, 2);
  ip.protocol = 17;
  Octets bytes(kIpv4Header + 8);
  build_ipv4(bytes.data(), ip, 100);
  store16(&bytes[20], 5000);
  store16(&bytes[22], 53);
  return bytes;
}

Octets message(const IcmpHead& head, const Octets& data) {
  Octets bytes(kIcmpHeader + data.size());
  EXPECT_EQ(build_icmp(bytes.data(), head, data), bytes.size());
  return bytes;
}

IcmpError error(const IcmpHead& head) {
  return parse_icmp_error(parse_icmp(message(head, quoted())).value()).value();
}

TEST(Icmp, AnErrorCarriesItsQuote) {
  const IcmpError e = error({.type = kIcmpUnreachable, .code = kIcmpPortUnreachable});
  EXPECT_EQ(e.kind, IcmpKind::PortUnreachable);
  EXPECT_EQ(e.type, 3);
  EXPECT_EQ(e.code, 3);
  EXPECT_EQ(e.quote.source, IpAddress::v4(10, 0, 0, 1));
  EXPECT_EQ(e.quote.destination, IpAddress::v4(10, 0, 0, 2));
  EXPECT_EQ(e.quote.destination_port, 53);
}

TEST(Icmp, EveryCodeHasItsKind_R1122_3_2_2_1) {
  using enum IcmpKind;
  const std::vector<IcmpKind> kinds{
      NetUnreachable,    HostUnreachable, ProtocolUnreachable, PortUnreachable, PacketTooBig,
      SourceRouteFailed, NetUnreachable,  HostUnreachable,     HostUnreachable, AdminProhibited,
      AdminProhibited,   NetUnreachable,  HostUnreachable,     AdminProhibited, AdminProhibited,
      AdminProhibited,   Unknown};
  for (uint8_t code = 0; code < kinds.size(); ++code) {
    EXPECT_EQ(error({.type = 3, .code = code}).kind, kinds[code]) << int{code};
  }
  EXPECT_EQ(error({.type = 11, .code = 0}).kind, TimeExceededTransit);
  EXPECT_EQ(error({.type = 11, .code = 1}).kind, TimeExceededReassembly);
  EXPECT_EQ(error({.type = 11, .code = 2}).kind, Unknown);
  EXPECT_EQ(error({.type = 4}).kind, SourceQuench);
}

TEST(Icmp, WhatOnlySomeErrorsSay) {
  EXPECT_EQ(error({.type = 3, .code = 4, .rest = 0x12340578}).mtu, 1400);  // RFC 1191 4
  EXPECT_EQ(error({.type = 3, .code = 4}).mtu, 0);                         // a router from before
  EXPECT_EQ(error({.type = 3, .code = 1, .rest = 1400}).mtu, 0);
  EXPECT_EQ(error({.type = 12, .rest = 0x14ffffff}).pointer, 0x14);
  EXPECT_EQ(error({.type = 5, .rest = 0x0a000063}).gateway, IpAddress::v4(10, 0, 0, 99));
}

TEST(Icmp, WhatIsNoErrorQuotesNothing) {
  for (unsigned type = 0; type < 256; ++type) {
    const bool expected = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    EXPECT_EQ(is_icmp_error(static_cast<uint8_t>(type)), expected) << type;
    const Octets bytes = message({.type = static_cast<uint8_t>(type)}, quoted());
    const auto e = parse_icmp_error(parse_icmp(bytes).value());
    EXPECT_EQ(e.has_value(), expected);
    if (!e) {
      EXPECT_EQ(e.error(), DropReason::IcmpIgnored);
    }
  }
}

TEST(Icmp, AnErrorStaysWithin576Octets) {
  EXPECT_EQ(quotable_v4(Octets(28)).size(), 28);
  EXPECT_EQ(quotable_v4(Octets(1500)).size(), 548);
}

RC_GTEST_PROP(IcmpProperty, BuildThenParseGivesTheSame, ()) {
  const IcmpHead head{.type = *rc::gen::arbitrary<uint8_t>(),
                      .code = *rc::gen::arbitrary<uint8_t>(),
                      .rest = *rc::gen::arbitrary<uint32_t>()};
  const auto data =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 600), rc::gen::arbitrary<uint8_t>());
  const Octets bytes = message(head, data);
  const auto icmp = parse_icmp(bytes);
  RC_ASSERT(icmp.has_value());
  RC_ASSERT(icmp->type == head.type && icmp->code == head.code && icmp->rest == head.rest);
  RC_ASSERT(std::ranges::equal(icmp->data, data));
}

}  // namespace
}  // namespace rapport::wire
