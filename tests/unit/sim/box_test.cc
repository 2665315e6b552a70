// A box that strips options leaves everything else of a segment as it was.
#include "rapport/sim/box.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/sim/craft.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::sim {
namespace {

constexpr Endpoint kFrom{IpAddress::v4(10, 0, 0, 1), 4000};
constexpr Endpoint kTo{IpAddress::v4(10, 0, 0, 2), 80};

std::vector<uint8_t> syn() {
  wire::Options o;
  o.has_mss = o.has_window_scale = o.has_timestamps = o.sack_permitted = true;
  o.mss = 1460;
  o.window_scale = 7;
  o.tsval = 99;
  wire::SegmentHead head;
  head.seq = Seq{5};
  head.flags = wire::kSyn;
  head.window = 1000;
  head.options = &o;
  return craft_segment(kFrom, kTo, head, {});
}

wire::Segment parsed(std::span<const uint8_t> packet) {
  const auto ip = wire::parse_ipv4(packet);
  EXPECT_TRUE(ip);
  const auto seg =
      wire::parse_tcp(ip->payload, ip->source, ip->destination, wire::Checksum::Verify);
  EXPECT_TRUE(seg);
  return *seg;
}

TEST(Box, StripsTheKindsThatItIsToldAndNoOther) {
  std::vector<uint8_t> packet = syn();
  EXPECT_TRUE(strip_options(packet, uint64_t{1} << 3));
  const wire::Segment seg = parsed(packet);
  EXPECT_FALSE(seg.options.has_window_scale);
  EXPECT_FALSE(seg.options.malformed);
  EXPECT_TRUE(seg.options.has_mss && seg.options.has_timestamps && seg.options.sack_permitted);
  EXPECT_EQ(seg.options.mss, 1460);
  EXPECT_EQ(seg.options.tsval, 99U);
  EXPECT_EQ(seg.seq, Seq{5});
  EXPECT_EQ(seg.window, 1000);
}

TEST(Box, LeavesAloneWhatItDoesNotUnderstand) {
  std::vector<uint8_t> packet = syn();
  const std::vector<uint8_t> before = packet;
  EXPECT_FALSE(strip_options(packet, uint64_t{1} << 5));
  EXPECT_EQ(packet, before);
  packet[20 + 20 + 1] = 0;  // an illegal length: whoever receives it stops there as well
  const std::vector<uint8_t> broken = packet;
  EXPECT_FALSE(strip_options(packet, ~uint64_t{0}));
  EXPECT_EQ(packet, broken);
}

}  // namespace
}  // namespace rapport::sim
