// The packet inside an ICMP error: what is read of it, and when it is too short or none at all
// (RFC 792, RFC 1122 3.2.2, RFC 4443).
#include "rapport/wire/icmp_error.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/ipv4.hh"
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

constexpr uint8_t tcp = 6, udp = 17;

// Source port 443, destination port 40000, sequence number 0x01020304, and more.
Octets tcp_start(size_t length) {
  Octets bytes{0x01, 0xbb, 0x9c, 0x40, 1, 2, 3, 4};
  bytes.resize(length);
  return bytes;
}

Octets v4(const Octets& upper, uint16_t payload_length, uint8_t protocol = tcp,
          uint16_t offset = 0) {
  Ipv4 ip;
  ip.source = IpAddress::v4(10, 0, 0, 1);
  ip.destination = IpAddress::v4(10, 0, 0, 2);
  ip.protocol = protocol;
  ip.dscp = 10;
  ip.fragment_offset = offset;
  Octets bytes(kIpv4Header);
  build_ipv4(bytes.data(), ip, payload_length);
  bytes.insert(bytes.end(), upper.begin(), upper.end());
  return bytes;
}

Octets v6(uint8_t next, const Octets& rest, uint16_t payload_length) {
  Ipv6 ip;
  ip.source.octets[0] = 0x20;
  ip.destination.octets[0] = 0x30;
  ip.next_header = next;
  ip.dscp = 10;
  Octets bytes(kIpv6Header);
  build_ipv6(bytes.data(), ip, payload_length);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

DropReason fault_v4(const Octets& bytes) {
  const auto q = parse_quote_v4(bytes);
  return q ? DropReason::None : q.error();
}

DropReason fault_v6(const Octets& bytes) {
  const auto q = parse_quote_v6(bytes);
  return q ? DropReason::None : q.error();
}

void expect_tcp(const Quote& q, uint32_t total) {
  EXPECT_EQ(q.protocol, tcp);
  EXPECT_EQ(q.dscp, 10);
  EXPECT_TRUE(q.has_ports);
  EXPECT_EQ(q.source_port, 443);
  EXPECT_EQ(q.destination_port, 40000);
  EXPECT_TRUE(q.has_sequence);
  EXPECT_EQ(q.sequence, Seq{0x01020304});
  EXPECT_EQ(q.total_length, total);
  EXPECT_EQ(q.fragment_offset, 0);
}

TEST(Quote, EightOctetsOfTcpAreEnough) {
  for (const size_t n : {size_t{8}, size_t{20}, size_t{500}}) {
    const Octets four = v4(tcp_start(n), 1480);
    expect_tcp(parse_quote_v4(four).value(), 1500);
    const Octets six = v6(tcp, tcp_start(n), 1440);
    expect_tcp(parse_quote_v6(six).value(), 1480);
    EXPECT_EQ(parse_quote_v6(six).value().upper.size(), n);
  }
}

TEST(Quote, LessIsTooShort) {
  const Octets four = v4(tcp_start(8), 1480);
  for (size_t n = 0; n < four.size(); ++n) {
    EXPECT_EQ(fault_v4({four.begin(), four.begin() + static_cast<ptrdiff_t>(n)}),
              DropReason::IcmpQuoteTooShort);
  }
  const Octets six = v6(60, Octets{tcp, 0, 1, 4, 0, 0, 0, 0}, 1440);
  for (size_t n = 0; n <= six.size(); ++n) {
    EXPECT_EQ(fault_v6({six.begin(), six.begin() + static_cast<ptrdiff_t>(n)}),
              DropReason::IcmpQuoteTooShort);
  }
}

TEST(Quote, APacketThatWasShorterItselfIsWhole) {
  const Quote q = parse_quote_v4(v4({1, 2, 3}, 3, 200)).value();
  EXPECT_FALSE(q.has_ports);
  EXPECT_EQ(q.protocol, 200);
  EXPECT_EQ(q.total_length, 23);
  EXPECT_EQ(fault_v6(v6(200, {1, 2, 3}, 3)), DropReason::None);
}

TEST(Quote, UdpHasPortsAndNoSequence) {
  const Quote q = parse_quote_v4(v4(tcp_start(8), 8, udp)).value();
  EXPECT_TRUE(q.has_ports);
  EXPECT_FALSE(q.has_sequence);
  EXPECT_EQ(q.destination_port, 40000);
}

TEST(Quote, ALaterFragmentHasNoPorts) {
  const Quote q = parse_quote_v4(v4(tcp_start(8), 8, tcp, 1480)).value();
  EXPECT_FALSE(q.has_ports);
  EXPECT_EQ(q.fragment_offset, 1480);
  const Quote six = parse_quote_v6(v6(44, {tcp, 0, 0x05, 0xc9, 0, 0, 0, 1, 9, 9}, 10)).value();
  EXPECT_FALSE(six.has_ports);
  EXPECT_EQ(six.protocol, tcp);
  EXPECT_EQ(six.fragment_offset, 0x05c8);
}

TEST(Quote, ExtensionHeadersAreWalked) {
  Octets rest{60,  0, 1, 4, 0, 0, 0, 0,              // hop-by-hop
              51,  0, 1, 4, 0, 0, 0, 0,              // destination options
              44,  1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // authentication: 12 octets
              tcp, 0, 0, 1, 0, 0, 0, 7};             // first fragment
  const Octets start = tcp_start(8);
  rest.insert(rest.end(), start.begin(), start.end());
  const Octets bytes = v6(0, rest, 1300);
  expect_tcp(parse_quote_v6(bytes).value(), 1340);
}

TEST(Quote, ExtensionHeadersWithoutEnd) {
  Octets rest;
  for (int i = 0; i < 20; ++i) rest.insert(rest.end(), {60, 0, 1, 4, 0, 0, 0, 0});
  EXPECT_EQ(fault_v6(v6(60, rest, 1300)), DropReason::IcmpQuoteTooShort);
}

TEST(Quote, WhatIsNoSuchPacketIsMalformed) {
  Octets bytes = v4(tcp_start(8), 100);
  EXPECT_EQ(fault_v6(v4(tcp_start(40), 100)), DropReason::IcmpQuoteMalformed);
  EXPECT_EQ(fault_v4(v6(tcp, tcp_start(8), 100)), DropReason::IcmpQuoteMalformed);
  bytes[0] = 0x44;  // a header of 16 octets
  EXPECT_EQ(fault_v4(bytes), DropReason::IcmpQuoteMalformed);
  bytes[0] = 0x46;  // options: eight octets of TCP are not there any more
  EXPECT_EQ(fault_v4(bytes), DropReason::IcmpQuoteTooShort);
  bytes = v4(tcp_start(8), 100);
  store16(&bytes[2], 19);
  EXPECT_EQ(fault_v4(bytes), DropReason::IcmpQuoteMalformed);
  Octets six = v6(tcp, tcp_start(8), 100);
  const IpAddress mapped = IpAddress::v4(1, 2, 3, 4);
  std::copy(mapped.octets.begin(), mapped.octets.end(), six.begin() + 8);
  EXPECT_EQ(fault_v6(six), DropReason::IcmpQuoteMalformed);
}

// Routers change the TTL and forget the checksum: nobody looks at it.
TEST(Quote, TheChecksumOfAQuoteDoesNotMatter) {
  Octets bytes = v4(tcp_start(8), 100);
  bytes[8] = 1;
  bytes[10] ^= 0xff;
  EXPECT_EQ(fault_v4(bytes), DropReason::None);
}

RC_GTEST_PROP(QuoteProperty, RandomOctetsNeitherCrashNorLeadOutside, ()) {
  auto bytes = *rc::gen::container<Octets>(
      *rc::gen::inRange<size_t>(0, 120),
      rc::gen::elementOf(Octets{0, 0, 0, 1, 4, 5, 6, 17, 43, 44, 51, 60, 0x45, 0x60, 0xff}));
  if (!bytes.empty()) bytes[0] = *rc::gen::elementOf(Octets{0x45, 0x46, 0x4f, 0x60, 0x65});
  for (const auto& q : {parse_quote_v4(bytes), parse_quote_v6(bytes)}) {
    if (!q) continue;
    RC_ASSERT(q->upper.data() + q->upper.size() <= bytes.data() + bytes.size());
    RC_ASSERT(!q->has_ports || q->upper.size() >= 8);
    RC_ASSERT(!q->has_sequence || q->has_ports);
  }
}

}  // namespace
}  // namespace rapport::wire
