// Bad input: each malformed, forged or misdirected packet is dropped under its own counter, draws
// no answer where the RFCs forbid one, and disturbs nobody.
#include "pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr IpAddress kUs = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kPeer = IpAddress::v4(10, 0, 0, 2);

struct Packet {
  std::vector<uint8_t> octets;

  void fix_ip_checksum() {
    octets[10] = octets[11] = 0;
    const uint16_t sum = wire::finish(wire::sum(std::span(octets).first(20)));
    std::memcpy(&octets[10], &sum, 2);
  }
};

Packet syn(const IpAddress& from = kPeer, const IpAddress& to = kUs) {
  wire::Options o;
  o.has_mss = true;
  o.mss = 1460;
  Packet p;
  p.octets.resize(20 + 24);
  wire::Ipv4 ip;
  ip.source = from;
  ip.destination = to;
  ip.protocol = wire::kProtocolTcp;
  wire::build_ipv4(p.octets.data(), ip, 24);
  const wire::SegmentHead head{4000, 80, Seq{1}, Seq{0}, wire::kSyn, 1000, 0, &o};
  wire::build_tcp(p.octets.data() + 20, head, from, to, {});
  return p;
}

class Ingress : public testing::Test {
 protected:
  Ingress() {
    (void)ends.a.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, ends.now);
  }

  uint32_t feed(const Packet& packet) {
    Frame f = frames.allocate(0);
    f.reshape(0, packet.octets.size());
    std::memcpy(f.data(), packet.octets.data(), packet.octets.size());
    ends.a.receive({&f, 1}, ends.now);
    uint32_t answers = 0;
    while (ends.a.next_frame()) ++answers;
    return answers;
  }

  void expect_dropped(const Packet& packet, DropReason reason) {
    const uint64_t before = ends.a.counters().dropped(reason);
    EXPECT_EQ(feed(packet), 0U) << name(reason);
    EXPECT_EQ(ends.a.counters().dropped(reason), before + 1) << name(reason);
    EXPECT_EQ(ends.a.population().half_open, 0U) << name(reason);
  }

  Pair ends{64};
  FramePool frames{8, 4096};
};

TEST_F(Ingress, AProperSynIsAnswered) {
  EXPECT_EQ(feed(syn()), 1U);
}

TEST_F(Ingress, HeadersThatLieAreDropped_U_2_R1122_1) {
  Packet p = syn();
  p.octets.resize(19);
  expect_dropped(p, DropReason::FrameTooShort);
  p = syn();
  p.octets[0] = 0x55;
  expect_dropped(p, DropReason::Ipv4Version);
  p = syn();
  p.octets[0] = 0x44;
  expect_dropped(p, DropReason::Ipv4HeaderLength);
  p = syn();
  p.octets[3] = 200;
  p.fix_ip_checksum();
  expect_dropped(p, DropReason::Ipv4TotalLength);
  p = syn();
  p.octets[8] ^= 1;
  expect_dropped(p, DropReason::Ipv4Checksum);
}

TEST_F(Ingress, SegmentsThatLieAreDropped_MUST_3_U_2) {
  Packet p = syn();
  p.octets[20 + 13] ^= 0x01;
  expect_dropped(p, DropReason::TcpChecksum);
  p = syn();
  p.octets[20 + 12] = 0x40;
  expect_dropped(p, DropReason::TcpDataOffset);
  p = syn();
  p.octets[20 + 12] = 0xf0;
  expect_dropped(p, DropReason::TcpDataOffset);
}

TEST_F(Ingress, SourcesThatCanBeNobodysAreDropped_MUST_63_R1122_7) {
  for (const IpAddress& from :
       {IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255), IpAddress::v4(0, 0, 0, 0),
        IpAddress::v4(0, 1, 2, 3), IpAddress::v4(127, 0, 0, 1), IpAddress::v4(10, 0, 0, 255),
        IpAddress::v4(240, 0, 0, 1)}) {
    expect_dropped(syn(from), DropReason::MartianSource);
  }
}

TEST_F(Ingress, BroadcastAndMulticastAreNeverAnswered_MUST_57_SA_LISTEN_12) {
  for (const IpAddress& to : {IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255),
                              IpAddress::v4(10, 0, 0, 255)}) {
    expect_dropped(syn(kPeer, to), DropReason::MulticastDestination);
  }
}

TEST_F(Ingress, WhatIsNotForUsIsDropped) {
  expect_dropped(syn(kPeer, IpAddress::v4(10, 0, 0, 7)), DropReason::Ipv4NotOurs);
}

TEST_F(Ingress, AFragmentWaitsForTheOthers) {
  Packet p = syn();
  p.octets[6] = 0x20;  // more fragments
  p.fix_ip_checksum();
  EXPECT_EQ(feed(p), 0U);
  EXPECT_EQ(ends.a.population().fragmented, 1U);
  EXPECT_EQ(ends.a.population().half_open, 0U);
}

TEST_F(Ingress, AnUnknownProtocolDrawsAnIcmpError) {
  Packet p = syn();
  p.octets[9] = 132;
  p.fix_ip_checksum();
  EXPECT_EQ(feed(p), 1U);
  EXPECT_EQ(ends.a.counters().dropped(DropReason::UnknownProtocol), 1U);
  EXPECT_EQ(ends.a.counters().icmp_errors_sent, 1U);
}

TEST_F(Ingress, AnEchoRequestIsAnsweredWithItsData) {
  Packet p = syn();
  p.octets.assign(20 + 8 + 5, 0);
  wire::Ipv4 ip;
  ip.source = kPeer;
  ip.destination = kUs;
  ip.protocol = 1;
  wire::build_ipv4(p.octets.data(), ip, 13);
  uint8_t* icmp = p.octets.data() + 20;
  icmp[0] = 8;
  std::ranges::copy(std::string_view("hello"), icmp + 8);
  const uint16_t sum = wire::finish(wire::sum({icmp, 13}));
  std::memcpy(icmp + 2, &sum, 2);
  EXPECT_EQ(feed(p), 1U);
  icmp[9] ^= 1;
  expect_dropped(p, DropReason::IcmpChecksum);
}

}  // namespace
}  // namespace rapport::test
