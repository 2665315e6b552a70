// IPv6 headers and their extensions: building, parsing, what is refused and what is to be answered
// (RFC 8200, RFC 4443 3.4, RFC 7112).
#include "rapport/wire/ipv6.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"

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

constexpr uint8_t tcp = 6, udp = 17, hop_by_hop = 0, routing = 43, fragment = 44, esp = 50,
                  icmpv6 = 58, destination_options = 60;

IpAddress address(uint8_t last) {
  IpAddress a;
  a.octets = {0x20, 0x01, 0x0d, 0xb8};
  a.octets[15] = last;
  return a;
}

Ipv6 usual(uint8_t next) {
  Ipv6 ip;
  ip.source = address(1);
  ip.destination = address(2);
  ip.next_header = next;
  return ip;
}

Octets built(const Ipv6& ip, const Octets& payload) {
  Octets bytes(kIpv6Header);
  build_ipv6(bytes.data(), ip, static_cast<uint16_t>(payload.size()));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// An options header of eight octets per unit: what is not `options` is filled with Pad1.
Octets options_header(uint8_t next, const Octets& options) {
  const size_t units = (options.size() + 2 + 7) / 8;
  Octets bytes{next, static_cast<uint8_t>(units - 1)};
  bytes = bytes + options;
  bytes.resize(8 * units);
  return bytes;
}

Octets routing_header(uint8_t next, uint8_t type, uint8_t segments_left) {
  return {next, 0, type, segments_left, 0, 0, 0, 0};
}

Octets fragment_header(uint8_t next, uint16_t offset, bool more, uint32_t id) {
  Ipv6 ip;
  ip.next_header = next;
  ip.fragment_offset = offset;
  ip.more_fragments = more;
  ip.id = id;
  Octets bytes(kFragmentHeader);
  build_fragment_header(bytes.data(), ip);
  return bytes;
}

Ipv6Fault fault(const Octets& bytes) {
  Ipv6 ip;
  return parse_ipv6(bytes, ip);
}

DropReason reason(const Octets& bytes) {
  return fault(bytes).reason;
}

constexpr std::array<uint8_t, 40> by_hand{
    0x6b, 0x81, 0x23, 0x45, 0x00, 0x03, 0x11, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x01, 0x20, 0x01, 0x0d, 0xb8,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x02};

TEST(Ipv6, AHandWorkedHeader) {
  Ipv6 ip = usual(udp);
  ip.dscp = 46;
  ip.ecn = 0;
  ip.flow_label = 0x12345;
  const Octets bytes = built(ip, {1, 2, 3});
  // Traffic class b8: DSCP 46, ECN 0.
  EXPECT_TRUE(std::ranges::equal(std::span(bytes).first(40), by_hand));
}

RC_GTEST_PROP(Ipv6Property, BuildThenParseGivesTheSame, ()) {
  Ipv6 ip;
  ip.source.octets = *rc::gen::arbitrary<std::array<uint8_t, 16>>();
  ip.destination.octets = *rc::gen::arbitrary<std::array<uint8_t, 16>>();
  RC_PRE(!ip.source.is_v4() && !ip.destination.is_v4());
  ip.next_header = *rc::gen::elementOf(Octets{tcp, udp, icmpv6, esp, 255});
  ip.hop_limit = *rc::gen::arbitrary<uint8_t>();
  ip.dscp = *rc::gen::inRange<uint8_t>(0, 64);
  ip.ecn = *rc::gen::inRange<uint8_t>(0, 4);
  ip.flow_label = *rc::gen::inRange<uint32_t>(0, 1 << 20);
  const auto payload =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 200), rc::gen::arbitrary<uint8_t>());
  Octets bytes = built(ip, payload);
  bytes.resize(bytes.size() + *rc::gen::inRange<size_t>(0, 30), 0xdd);  // link padding
  const auto back = parse_ipv6(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->source == ip.source);
  RC_ASSERT(back->destination == ip.destination);
  RC_ASSERT(back->next_header == ip.next_header);
  RC_ASSERT(back->hop_limit == ip.hop_limit);
  RC_ASSERT(back->dscp == ip.dscp);
  RC_ASSERT(back->ecn == ip.ecn);
  RC_ASSERT(back->flow_label == ip.flow_label);
  RC_ASSERT(!back->is_fragment);
  RC_ASSERT(back->header_length == kIpv6Header);
  RC_ASSERT(std::ranges::equal(back->payload, payload));
}

TEST(Ipv6, TooShortForAHeader) {
  const Octets whole = built(usual(tcp), {});
  for (size_t n = 0; n < kIpv6Header; ++n) {
    EXPECT_EQ(reason({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n)}),
              DropReason::Ipv6TooShort);
  }
}

TEST(Ipv6, AnyOtherVersionIsRefused) {
  for (unsigned version = 0; version < 16; ++version) {
    Octets bytes = built(usual(tcp), {1});
    bytes[0] = static_cast<uint8_t>(version << 4);
    EXPECT_EQ(reason(bytes), version == 6 ? DropReason::None : DropReason::Ipv6Version);
  }
}

TEST(Ipv6, APayloadLongerThanTheFrameIsRefusedAndPaddingIsIgnored) {
  for (uint16_t length = 0; length < 20; ++length) {
    Octets bytes = built(usual(tcp), Octets(10, 1));
    store16(&bytes[4], length);
    Ipv6 ip;
    EXPECT_EQ(parse_ipv6(bytes, ip).reason,
              length <= 10 ? DropReason::None : DropReason::Ipv6PayloadLength);
    EXPECT_EQ(ip.payload.size(), length <= 10 ? length : 0);
  }
}

TEST(Ipv6, MappedAddressesDoNotComeFromTheWire) {
  Ipv6 ip = usual(tcp);
  ip.source = IpAddress::v4(10, 0, 0, 1);
  EXPECT_EQ(reason(built(ip, {})), DropReason::Ipv6Mapped);
  ip = usual(tcp);
  ip.destination = IpAddress::v4(10, 0, 0, 1);
  EXPECT_EQ(reason(built(ip, {})), DropReason::Ipv6Mapped);
}

TEST(Ipv6, AJumbogramIsRefused) {
  Octets bytes = built(usual(hop_by_hop), options_header(tcp, {0xc2, 4, 0, 1, 0, 0}));
  store16(&bytes[4], 0);
  EXPECT_EQ(reason(bytes), DropReason::Ipv6Jumbogram);
}

TEST(Ipv6, TheChainIsWalkedToTheUpperLayer) {
  const Octets payload = options_header(routing, {1, 2, 9, 9})
                         + routing_header(destination_options, 0, 0)
                         + options_header(udp, {0x1e, 0}) + Octets(8, 7);
  Octets bytes = built(usual(hop_by_hop), payload);
  Ipv6 ip;
  ASSERT_EQ(parse_ipv6(bytes, ip).reason, DropReason::None);
  EXPECT_EQ(ip.next_header, udp);
  EXPECT_EQ(ip.header_length, 40 + 24);
  EXPECT_EQ(ip.next_header_at, 40 + 16);
  EXPECT_EQ(bytes[ip.next_header_at], udp);
  EXPECT_TRUE(std::ranges::equal(ip.payload, Octets(8, 7)));
}

TEST(Ipv6, AHeaderThatReachesBeyondThePacket) {
  for (const uint8_t kind : {hop_by_hop, routing, destination_options, fragment}) {
    for (size_t n = 1; n < 8; ++n) {
      EXPECT_EQ(reason(built(usual(kind), Octets(n, 0))), DropReason::Ipv6HeaderTruncated);
    }
  }
  for (const uint8_t kind : {hop_by_hop, routing, destination_options}) {
    EXPECT_EQ(reason(built(usual(kind), {tcp, 1, 0, 0, 0, 0, 0, 0})),
              DropReason::Ipv6HeaderTruncated);
  }
  EXPECT_EQ(reason(built(usual(destination_options), {})), DropReason::Ipv6HeaderTruncated);
}

// 4.1, 4.3: only right behind the fixed header; elsewhere an unrecognized next header.
TEST(Ipv6, HopByHopOnlyFirst) {
  const Octets late = options_header(hop_by_hop, {}) + options_header(tcp, {});
  const Ipv6Fault f = fault(built(usual(destination_options), late));
  EXPECT_EQ(f.reason, DropReason::Ipv6HeaderOrder);
  EXPECT_TRUE(f.answer);
  EXPECT_EQ(f.code, kProblemNextHeader);
  EXPECT_EQ(f.pointer, 40);
}

TEST(Ipv6, SoManyHeadersAndNoMore) {
  const Octets pad{1, 4, 0, 0, 0, 0};
  Octets payload;
  for (int n = 1; n <= kMaxExtensionHeaders; ++n) {
    payload = options_header(n == 1 ? tcp : destination_options, pad) + payload;
  }
  EXPECT_EQ(reason(built(usual(destination_options), payload)), DropReason::None);
  payload = options_header(destination_options, pad) + payload;
  EXPECT_EQ(reason(built(usual(destination_options), payload)), DropReason::Ipv6HeaderCap);
}

TEST(Ipv6, SoManyOptionsAndNoMore) {
  const Octets fits(kMaxExtensionOptions - 2, 0);  // Pad1 each: 32 octets of header in all
  EXPECT_EQ(reason(built(usual(destination_options), options_header(tcp, fits))), DropReason::None);
  const Octets many(40 - 2, 0);
  EXPECT_EQ(reason(built(usual(destination_options), options_header(tcp, many))),
            DropReason::Ipv6OptionCap);
}

TEST(Ipv6, AnOptionThatReachesBeyondItsHeader) {
  EXPECT_EQ(reason(built(usual(hop_by_hop), {tcp, 0, 1, 5, 0, 0, 0, 0})),
            DropReason::Ipv6OptionLength);
  EXPECT_EQ(reason(built(usual(hop_by_hop), {tcp, 0, 1, 3, 0, 0, 0, 1})),
            DropReason::Ipv6OptionLength);  // no room for its length
  EXPECT_EQ(reason(built(usual(hop_by_hop), {tcp, 0, 1, 4, 0, 0, 0, 0})), DropReason::None);
}

// 4.2: the two high bits of an unrecognized option say what becomes of the packet.
TEST(Ipv6, AnUnrecognizedOptionSaysWhatToDo) {
  for (const uint8_t where : {hop_by_hop, destination_options}) {
    for (const bool multicast : {false, true}) {
      Ipv6 ip = usual(where);
      if (multicast) ip.destination.octets = {0xff, 0x02};
      const auto of = [&](uint8_t kind) {
        return fault(built(ip, options_header(tcp, {1, 0, kind, 0})));
      };
      EXPECT_EQ(of(0x1e).reason, DropReason::None);
      EXPECT_EQ(of(0x5e).reason, DropReason::Ipv6OptionUnrecognized);
      EXPECT_FALSE(of(0x5e).answer);
      const Ipv6Fault always = of(0x9e);
      EXPECT_EQ(always.reason, DropReason::Ipv6OptionUnrecognized);
      EXPECT_TRUE(always.answer);
      EXPECT_EQ(always.code, kProblemOption);
      EXPECT_EQ(always.pointer, 44);
      EXPECT_EQ(of(0xde).reason, DropReason::Ipv6OptionUnrecognized);
      EXPECT_EQ(of(0xde).answer, !multicast);
    }
  }
}

// 4.4, RFC 5095: of whatever type, with segments left it is answered; without it is passed over.
TEST(Ipv6, RoutingHeaders) {
  for (const uint8_t type : Octets{0, 2, 3, 4, 253}) {
    EXPECT_EQ(reason(built(usual(routing), routing_header(tcp, type, 0))), DropReason::None);
    const Ipv6Fault f = fault(built(usual(routing), routing_header(tcp, type, 1)));
    EXPECT_EQ(f.reason, DropReason::Ipv6Routing);
    EXPECT_TRUE(f.answer);
    EXPECT_EQ(f.code, kProblemField);
    EXPECT_EQ(f.pointer, 42);
  }
}

TEST(Ipv6, AFaultLeavesWhatAnAnswerNeeds) {
  Ipv6 ip;
  const Octets bytes = built(usual(routing), routing_header(tcp, 0, 1));
  ASSERT_TRUE(parse_ipv6(bytes, ip).answer);
  EXPECT_EQ(ip.source, address(1));
  EXPECT_EQ(ip.destination, address(2));
}

TEST(Ipv6, NoNextHeaderHasNothingForUs) {
  EXPECT_EQ(reason(built(usual(kNoNextHeader), {1, 2})), DropReason::Ipv6NoNextHeader);
  EXPECT_EQ(reason(built(usual(destination_options), options_header(kNoNextHeader, {}))),
            DropReason::Ipv6NoNextHeader);
}

TEST(Ipv6, AFragmentIsTold) {
  const Octets bytes =
      built(usual(fragment), fragment_header(udp, 1480, true, 0xdeadbeef) + Octets(16, 5));
  Ipv6 ip;
  ASSERT_EQ(parse_ipv6(bytes, ip).reason, DropReason::None);
  EXPECT_TRUE(ip.is_fragment);
  EXPECT_TRUE(ip.more_fragments);
  EXPECT_EQ(ip.fragment_offset, 1480);
  EXPECT_EQ(ip.id, 0xdeadbeef);
  EXPECT_EQ(ip.next_header, udp);
  EXPECT_EQ(ip.header_length, 48);
  EXPECT_EQ(ip.payload.size(), 16);
}

// What lies behind the header of a later fragment is data, whatever its next header says.
TEST(Ipv6, TheDataOfALaterFragmentIsNotWalked) {
  const Octets bytes =
      built(usual(fragment), fragment_header(routing, 8, false, 1) + Octets{0xff, 0xff, 0xff});
  Ipv6 ip;
  ASSERT_EQ(parse_ipv6(bytes, ip).reason, DropReason::None);
  EXPECT_TRUE(ip.is_fragment);
  EXPECT_EQ(ip.next_header, routing);
  EXPECT_EQ(ip.payload.size(), 3);
}

TEST(Ipv6, AnAtomicFragmentIsAWholePacket_RFC6946) {
  const Octets bytes = built(usual(fragment), fragment_header(destination_options, 0, false, 1)
                                                  + options_header(udp, {}) + Octets(9, 5));
  Ipv6 ip;
  ASSERT_EQ(parse_ipv6(bytes, ip).reason, DropReason::None);
  EXPECT_FALSE(ip.is_fragment);
  EXPECT_EQ(ip.next_header, udp);
  EXPECT_EQ(ip.header_length, 56);
  EXPECT_EQ(ip.payload.size(), 9);
}

TEST(Ipv6, TwoFragmentHeadersAreRefused) {
  EXPECT_EQ(reason(built(usual(fragment), fragment_header(fragment, 0, false, 1)
                                              + fragment_header(udp, 0, true, 1) + Octets(8, 5))),
            DropReason::Ipv6HeaderOrder);
}

TEST(Ipv6, AFragmentBeforeTheLastIsAMultipleOfEight) {
  for (size_t n = 0; n < 40; ++n) {
    const Octets more = built(usual(fragment), fragment_header(udp, 8, true, 1) + Octets(n, 5));
    const Ipv6Fault f = fault(more);
    EXPECT_EQ(f.reason, n % 8 == 0 ? DropReason::None : DropReason::FragmentLength);
    EXPECT_EQ(f.answer, n % 8 != 0);
    if (f.answer) {
      EXPECT_EQ(f.code, kProblemField);
      EXPECT_EQ(f.pointer, 4);
    }
    const Octets last = built(usual(fragment), fragment_header(udp, 8, false, 1) + Octets(n, 5));
    EXPECT_EQ(reason(last), DropReason::None);
  }
}

TEST(Ipv6, TheFirstFragmentHasAllHeaders_RFC7112) {
  const auto first = [](uint8_t next, const Octets& data) {
    return fault(built(usual(fragment), fragment_header(next, 0, true, 1) + data));
  };
  EXPECT_EQ(first(tcp, Octets(24, 5)).reason, DropReason::None);
  EXPECT_EQ(first(udp, Octets(8, 5)).reason, DropReason::None);
  EXPECT_EQ(first(destination_options, options_header(icmpv6, {}) + Octets(8, 5)).reason,
            DropReason::None);
  for (const Ipv6Fault& f :
       {first(tcp, Octets(16, 5)), first(udp, {}),
        first(destination_options, options_header(tcp, {}) + Octets(8, 5)),
        first(destination_options, {tcp, 9, 0, 0, 0, 0, 0, 0}), first(routing, {})}) {
    EXPECT_EQ(f.reason, DropReason::Ipv6FirstFragment);
    EXPECT_TRUE(f.answer);
    EXPECT_EQ(f.code, kProblemFirstFragment);
    EXPECT_EQ(f.pointer, 0);
  }
}

RC_GTEST_PROP(Ipv6Property, RandomChainsNeitherCrashNorLeadOutside, ()) {
  auto payload = *rc::gen::container<Octets>(
      *rc::gen::inRange<size_t>(0, 120),
      rc::gen::elementOf(Octets{0, 0, 0, 1, 2, 6, 43, 44, 60, 59, 0xc2}));
  const auto next = *rc::gen::elementOf(Octets{hop_by_hop, routing, fragment, destination_options});
  const Octets bytes = built(usual(next), payload);
  Ipv6 ip;
  if (parse_ipv6(bytes, ip).reason != DropReason::None) return;
  RC_ASSERT(ip.payload.data() == bytes.data() + ip.header_length);
  RC_ASSERT(ip.header_length + ip.payload.size() == bytes.size());
  RC_ASSERT(ip.next_header_at < ip.header_length);
  RC_ASSERT(bytes[ip.next_header_at] == ip.next_header);
}

}  // namespace
}  // namespace rapport::wire
