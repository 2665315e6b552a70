// Reassembly: whole packets from fragments, what costs a fragment, what costs the datagram, caps
// and time (RFC 791, RFC 815, RFC 1122 3.3.2, RFC 8200 4.5, RFC 5722, RFC 3168 5.3).
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "reassembly_feed.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::ip {
namespace {

TEST(Reassembly, InAnyOrderItIsTheSame) {
  struct Part {
    uint16_t offset;
    size_t length;
  };

  std::vector<int> order{0, 1, 2, 3};
  const std::vector<Part> parts{{0, 16}, {16, 8}, {24, 64}, {88, 5}};
  do {
    Feed f;
    for (size_t i = 0; i < 4; ++i) {
      const Part p = parts[static_cast<size_t>(order[i])];
      const auto out = f.hear(p.offset, p.length, p.offset != 88);
      ASSERT_EQ(out.result, i == 3 ? Complete : Waiting);
      if (i == 3) {
        EXPECT_EQ(payload_v4(out), counted(0, 93));
      }
    }
    EXPECT_EQ(f.pieces.datagrams(), 0);
    EXPECT_EQ(f.pieces.octets(), 0);
    EXPECT_EQ(f.pieces.next_deadline(), kNever);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Reassembly, TheHeaderIsTheFirstFragments) {
  Reassembly pieces({});
  const Octets data = counted(0, 16);
  wire::Ipv4 late = v4(8, std::span(data).subspan(8), false, 77);
  late.ttl = 9;
  late.dscp = 1;
  late.header_length = 24;
  wire::Ipv4 first = v4(0, std::span(data).first(8), true, 77);
  first.ttl = 33;
  first.dscp = 46;
  (void)pieces.receive(late, start);
  const auto ip = wire::parse_ipv4(pieces.receive(first, start).packet).value();
  EXPECT_EQ(ip.source, them);
  EXPECT_EQ(ip.destination, us);
  EXPECT_EQ(ip.protocol, other);
  EXPECT_EQ(ip.id, 77);
  EXPECT_EQ(ip.ttl, 33);
  EXPECT_EQ(ip.dscp, 46);
  EXPECT_FALSE(ip.dont_fragment);
}

TEST(Reassembly, Ipv6TakesTheNextHeaderOfTheFirst_R8200_4_5) {
  Reassembly pieces({});
  const Octets data = counted(0, 30);
  wire::Ipv6 late = v6(16, std::span(data).subspan(16), false, 0xabcdef01);
  late.next_header = 99;  // only the first one's counts
  wire::Ipv6 first = v6(0, std::span(data).first(16), true, 0xabcdef01);
  first.flow_label = 0x54321;
  first.hop_limit = 7;
  first.header_length = 56;  // a Hop-by-Hop header, say, is not kept
  EXPECT_EQ(pieces.receive(late, start).result, Waiting);
  const auto out = pieces.receive(first, start);
  ASSERT_EQ(out.result, Complete);
  const auto ip = wire::parse_ipv6(out.packet);
  ASSERT_TRUE(ip.has_value());
  EXPECT_EQ(ip->source, them6);
  EXPECT_EQ(ip->next_header, other);
  EXPECT_EQ(ip->flow_label, 0x54321);
  EXPECT_EQ(ip->hop_limit, 7);
  EXPECT_FALSE(ip->is_fragment);
  EXPECT_TRUE(std::ranges::equal(ip->payload, data));
}

TEST(Reassembly, WhatBelongsTogether) {
  Reassembly pieces({});
  const Octets data = counted(0, 16);
  const auto head = std::span(data).first(8);
  const auto tail = std::span(data).subspan(8);
  EXPECT_EQ(pieces.receive(v4(0, head, true, 1), start).result, Waiting);
  wire::Ipv4 ip = v4(8, tail, false, 2);  // another id
  EXPECT_EQ(pieces.receive(ip, start).result, Waiting);
  ip = v4(8, tail, false, 1);
  ip.protocol = 201;
  EXPECT_EQ(pieces.receive(ip, start).result, Waiting);
  ip = v4(8, tail, false, 1);
  ip.source = IpAddress::v4(10, 0, 0, 3);
  EXPECT_EQ(pieces.receive(ip, start).result, Waiting);
  ip = v4(8, tail, false, 1);
  ip.destination = IpAddress::v4(10, 0, 0, 9);
  EXPECT_EQ(pieces.receive(ip, start).result, Waiting);
  EXPECT_EQ(pieces.receive(v6(8, tail, false, 1), start).result, Waiting);
  EXPECT_EQ(pieces.receive(v4(8, tail, false, 1), start).result, Complete);
  EXPECT_EQ(pieces.datagrams(), 5);
}

TEST(Reassembly, TheLongestDatagramAndOneOctetMore) {
  constexpr size_t most = 65535 - 20;
  Feed f;
  const auto fill = [&f] {
    for (size_t at = 0; at < 65512; at += 8 * 1023) {
      const size_t n = std::min<size_t>(8 * 1023, 65512 - at);
      EXPECT_EQ(f.hear(static_cast<uint16_t>(at), n, true).result, Waiting);
    }
  };
  fill();
  EXPECT_EQ(f.why(65512, most - 65512 + 1, false), DropReason::FragmentBeyond);
  const auto out = f.hear(65512, most - 65512, false);
  ASSERT_EQ(out.result, Complete);
  EXPECT_EQ(out.packet.size(), 65535);
  EXPECT_EQ(payload_v4(out), counted(0, most));
}

// 4.5: beyond 65,535 IPv6 answers, pointing at the Fragment Offset, unless it was multicast.
TEST(Reassembly, Ipv6AnswersWhatLeadsBeyond) {
  Reassembly pieces({});
  const Octets data(16);
  wire::Ipv6 ip = v6(65528, std::span(data).first(8), false);
  ip.header_length = 56;
  const auto fault = pieces.receive(ip, start).fault;
  EXPECT_EQ(fault.reason, DropReason::FragmentBeyond);
  EXPECT_TRUE(fault.answer);
  EXPECT_EQ(fault.code, wire::kProblemField);
  EXPECT_EQ(fault.pointer, 50);
  ip.destination.octets[0] = 0xff;
  EXPECT_FALSE(pieces.receive(ip, start).fault.answer);
  EXPECT_EQ(pieces.datagrams(), 0);
  // The longest payload, 65,535 octets, is still one.
  EXPECT_EQ(pieces.receive(v6(65528, std::span(data).first(7), false), start).result, Waiting);
  EXPECT_EQ(pieces.receive(v6(65528, std::span(data).first(8), false, 2), start).result, Dropped);
}

TEST(Reassembly, AFragmentWithoutMeaningIsDroppedAlone) {
  Feed f;
  EXPECT_EQ(f.hear(0, 8, true).result, Waiting);
  EXPECT_EQ(f.why(8, 0, true), DropReason::FragmentEmpty);
  EXPECT_EQ(f.why(8, 0, false), DropReason::FragmentEmpty);
  EXPECT_EQ(f.why(8, 12, true), DropReason::FragmentLength);
  EXPECT_EQ(f.hear(8, 12, false).result, Complete);
}

// RFC 1858, RFC 7112: a filter must be able to see the ports and flags.
TEST(Reassembly, AFirstFragmentWithoutItsHeaderIsDropped) {
  Reassembly pieces({});
  const Octets data = counted(0, 64);
  for (const auto& [protocol, least] : {std::pair<uint8_t, size_t>{6, 24}, {17, 8}, {1, 8}}) {
    for (const size_t n : {size_t{8}, size_t{16}, size_t{24}}) {
      wire::Ipv4 ip = v4(0, std::span(data).first(n), true, static_cast<uint16_t>(n));
      ip.protocol = protocol;
      EXPECT_EQ(pieces.receive(ip, start).fault.reason,
                n < least ? DropReason::FragmentTiny : DropReason::None);
    }
  }
}

TEST(Reassembly, AnExactCopyIsIgnored) {
  Feed f;
  EXPECT_EQ(f.hear(8, 16, true).result, Waiting);
  EXPECT_EQ(f.why(8, 16, true), DropReason::FragmentDuplicate);
  EXPECT_EQ(f.hear(24, 5, false).result, Waiting);
  EXPECT_EQ(f.why(24, 5, false), DropReason::FragmentDuplicate);
  EXPECT_EQ(f.why(8, 16, true), DropReason::FragmentDuplicate);
  EXPECT_EQ(payload_v4(f.hear(0, 8, true)), counted(0, 29));
}

// RFC 5722 4: the datagram goes, and what still comes of it.
TEST(Reassembly, AnOverlapCostsTheDatagram_R5722) {
  struct Case {
    uint16_t offset;
    size_t length;
    bool more;
  };

  for (const Case& c :
       {Case{16, 8, true}, Case{8, 16, true}, Case{24, 16, true}, Case{16, 24, true},
        Case{8, 32, true}, Case{32, 8, true}, Case{16, 20, false}}) {
    Feed f;
    EXPECT_EQ(f.hear(16, 16, true).result, Waiting);
    EXPECT_EQ(f.hear(32, 16, true).result, Waiting);
    const DropReason why = f.why(c.offset, c.length, c.more);
    EXPECT_EQ(why, c.more ? DropReason::FragmentOverlap : DropReason::FragmentInconsistent)
        << c.offset;
    EXPECT_EQ(f.pieces.octets(), 0);
    EXPECT_EQ(f.why(0, 16, true), DropReason::FragmentOfDropped);
    EXPECT_EQ(f.why(48, 3, false), DropReason::FragmentOfDropped);
    Reassembly::Expired gone;
    EXPECT_FALSE(f.pieces.expire(start + 60_s, gone));  // forgotten in silence
    EXPECT_EQ(f.pieces.datagrams(), 0);
    EXPECT_EQ(f.hear(0, 16, true).result, Waiting);
  }
}

TEST(Reassembly, ACopyWithOtherOctetsIsAnOverlap) {
  Feed f;
  EXPECT_EQ(f.hear(0, 16, true).result, Waiting);
  const Octets forged(16, 0x66);
  EXPECT_EQ(f.pieces.receive(v4(0, forged, true), start).fault.reason, DropReason::FragmentOverlap);
}

TEST(Reassembly, TwoEndsCannotBothBeTrue) {
  {
    Feed f;  // a second last one that ends elsewhere
    EXPECT_EQ(f.hear(32, 8, false).result, Waiting);
    EXPECT_EQ(f.why(40, 8, false), DropReason::FragmentInconsistent);
  }
  {
    Feed f;  // more behind the end
    EXPECT_EQ(f.hear(32, 8, false).result, Waiting);
    EXPECT_EQ(f.why(40, 8, true), DropReason::FragmentInconsistent);
  }
  {
    Feed f;  // an end before what is there
    EXPECT_EQ(f.hear(32, 8, true).result, Waiting);
    EXPECT_EQ(f.why(8, 8, false), DropReason::FragmentInconsistent);
  }
  {
    Feed f;  // more to come, says what reaches the very end
    EXPECT_EQ(f.hear(16, 8, false).result, Waiting);
    EXPECT_EQ(f.why(8, 16, true), DropReason::FragmentInconsistent);
  }
}

TEST(Reassembly, CongestionSurvives_R3168_5_3) {
  const auto merged = [](uint8_t a, uint8_t b) {
    Reassembly pieces({});
    const Octets data = counted(0, 16);
    wire::Ipv4 ip = v4(0, std::span(data).first(8), true);
    ip.ecn = a;
    (void)pieces.receive(ip, start);
    ip = v4(8, std::span(data).subspan(8), false);
    ip.ecn = b;
    const auto out = pieces.receive(ip, start);
    EXPECT_EQ(pieces.datagrams(), 0);
    if (out.result == Dropped) {
      EXPECT_EQ(out.fault.reason, DropReason::FragmentCongestion);
      return -1;
    }
    return int{wire::parse_ipv4(out.packet).value().ecn};
  };
  EXPECT_EQ(merged(0, 0), 0);
  EXPECT_EQ(merged(1, 1), 1);
  EXPECT_EQ(merged(2, 2), 2);
  EXPECT_EQ(merged(3, 3), 3);
  EXPECT_EQ(merged(1, 3), 3);
  EXPECT_EQ(merged(3, 2), 3);
  EXPECT_EQ(merged(1, 2), 2);
  EXPECT_EQ(merged(0, 2), 0);
  EXPECT_EQ(merged(0, 3), -1);
  EXPECT_EQ(merged(3, 0), -1);
}

TEST(Reassembly, AtTheCapTheOldestGoes) {
  Feed f({.datagrams = 3});
  for (uint16_t id = 1; id <= 3; ++id) EXPECT_EQ(f.hear(0, 8, true, id).evicted, 0);
  EXPECT_EQ(f.hear(0, 8, true, 4).evicted, 1);
  EXPECT_EQ(f.pieces.datagrams(), 3);
  EXPECT_EQ(f.pieces.octets(), 24);
  EXPECT_EQ(f.hear(8, 8, false, 2).result, Complete);
  EXPECT_EQ(f.hear(8, 8, false, 1).result, Waiting);  // begins anew
}

TEST(Reassembly, OneFragmentTooMany) {
  Feed f({.fragments = 4});
  for (uint16_t i = 0; i < 4; ++i) {
    EXPECT_EQ(f.hear(static_cast<uint16_t>(16 * i), 8, true).result, Waiting);
  }
  EXPECT_EQ(f.why(8, 8, true), DropReason::FragmentCap);
  EXPECT_EQ(f.why(24, 8, true), DropReason::FragmentOfDropped);
}

TEST(Reassembly, AtTheCapOfOctetsTheOldestGo) {
  Feed f({.octets = 65535});
  EXPECT_EQ(f.hear(0, 30000, true, 1).evicted, 0);
  EXPECT_EQ(f.hear(0, 30000, true, 2).evicted, 0);
  EXPECT_EQ(f.hear(0, 30000, true, 3).evicted, 1);
  EXPECT_EQ(f.pieces.octets(), 60000);
  EXPECT_EQ(f.hear(30000, 30000, true, 3).evicted, 1);  // never itself
  EXPECT_EQ(f.pieces.octets(), 60000);
  EXPECT_EQ(f.hear(60000, 100, false, 3).result, Complete);
  EXPECT_EQ(f.pieces.octets(), 0);
}

TEST(Reassembly, TimeIsCountedFromTheFirstThatCame_R8200_4_5) {
  Feed f;
  EXPECT_EQ(f.hear(8, 8, true, 1).result, Waiting);
  f.now = start + 30_s;
  EXPECT_EQ(f.hear(0, 8, true, 1).result, Waiting);
  EXPECT_EQ(f.hear(8, 8, true, 2).result, Waiting);
  EXPECT_EQ(f.pieces.next_deadline(), start + 60_s);
  Reassembly::Expired gone;
  EXPECT_FALSE(f.pieces.expire(start + 60_s - 1_ns, gone));
  ASSERT_TRUE(f.pieces.expire(start + 60_s, gone));
  EXPECT_EQ(gone.source, them);
  EXPECT_EQ(gone.destination, us);
  const auto ip = wire::parse_ipv4(gone.first).value();  // what the error quotes
  EXPECT_TRUE(ip.more_fragments);
  EXPECT_EQ(ip.fragment_offset, 0);
  EXPECT_EQ(ip.id, 1);
  EXPECT_TRUE(std::ranges::equal(ip.payload, counted(0, 8)));
  EXPECT_FALSE(f.pieces.expire(start + 60_s, gone));
  EXPECT_EQ(f.pieces.next_deadline(), start + 90_s);
}

// RFC 1122 3.3.2, RFC 8200 4.5: no Time Exceeded unless the first fragment is there to be quoted.
TEST(Reassembly, WithoutTheFirstNobodyIsTold) {
  Feed f;
  EXPECT_EQ(f.hear(8, 8, true).result, Waiting);
  Reassembly::Expired gone;
  ASSERT_TRUE(f.pieces.expire(start + 60_s, gone));
  EXPECT_TRUE(gone.first.empty());
}

TEST(Reassembly, TheFirstFragmentOfIpv6IsQuotedAsOne) {
  Reassembly pieces({});
  const Octets data = counted(0, 24);
  EXPECT_EQ(pieces.receive(v6(0, data, true, 5), start).result, Waiting);
  Reassembly::Expired gone;
  ASSERT_TRUE(pieces.expire(start + 60_s, gone));
  const auto ip = wire::parse_ipv6(gone.first);
  ASSERT_TRUE(ip.has_value());
  EXPECT_TRUE(ip->is_fragment);
  EXPECT_TRUE(ip->more_fragments);
  EXPECT_EQ(ip->id, 5);
  EXPECT_EQ(ip->next_header, other);
  EXPECT_TRUE(std::ranges::equal(ip->payload, data));
}

TEST(Reassembly, NothingIsReservedAfterConstruction) {
  Feed f({.datagrams = 4});
  const uint64_t before = Reservation::mappings();
  for (uint16_t id = 0; id < 100; ++id) (void)f.hear(8, 1024, true, id);
  EXPECT_EQ(Reservation::mappings(), before);
}

}  // namespace
}  // namespace rapport::ip
