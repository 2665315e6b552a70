// ARP messages (RFC 826) and the shapes of RFC 5227.
#include "rapport/wire/arp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::wire {
namespace {

using Octets = std::vector<uint8_t>;

const MacAddress ours{{2, 0, 0, 0, 0, 1}};

Octets built(const Arp& arp) {
  Octets bytes(kArpLength);
  build_arp(bytes.data(), arp);
  return bytes;
}

Arp request() {
  return {.operation = ArpOperation::Request,
          .sender_mac = ours,
          .target_mac = {},
          .sender = IpAddress::v4(10, 0, 0, 1),
          .target = IpAddress::v4(10, 0, 0, 2)};
}

DropReason fault(const Octets& bytes) {
  const auto arp = parse_arp(bytes);
  return arp ? DropReason::None : arp.error();
}

TEST(Arp, ARequestByHand) {
  EXPECT_EQ(built(request()), (Octets{0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 1,
                                      10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2}));
}

TEST(Arp, TooShortAndPadded) {
  Octets bytes = built(request());
  bytes.resize(46, 0xee);
  EXPECT_EQ(fault(bytes), DropReason::None);
  for (size_t n = 0; n < kArpLength; ++n) {
    EXPECT_EQ(fault({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n)}),
              DropReason::ArpTooShort);
  }
}

// One octet of a good request changed.
DropReason with(size_t at, uint8_t value) {
  Octets bytes = built(request());
  bytes[at] = value;
  return fault(bytes);
}

TEST(Arp, OnlyIpv4OverEthernet) {
  EXPECT_EQ(with(1, 6), DropReason::ArpHardware);
  EXPECT_EQ(with(4, 8), DropReason::ArpHardware);
  EXPECT_EQ(with(2, 0x86), DropReason::ArpProtocol);
  EXPECT_EQ(with(5, 16), DropReason::ArpProtocol);
  EXPECT_EQ(with(7, 0), DropReason::ArpOperation);
  EXPECT_EQ(with(7, 3), DropReason::ArpOperation);
  EXPECT_EQ(with(6, 1), DropReason::ArpOperation);
}

TEST(Arp, ASenderIsOneStation) {
  EXPECT_EQ(with(8, 3), DropReason::ArpSender);     // hardware: a group
  EXPECT_EQ(with(14, 224), DropReason::ArpSender);  // multicast
  EXPECT_EQ(with(14, 255), DropReason::ArpSender);
}

TEST(Arp, ProbesAndAnnouncements_RFC5227) {
  const IpAddress address = IpAddress::v4(10, 0, 0, 7);
  const Arp probe = parse_arp(built(arp_probe(ours, address))).value();
  EXPECT_TRUE(probe.is_probe());
  EXPECT_FALSE(probe.is_announcement());
  EXPECT_TRUE(probe.sender.is_v4());
  EXPECT_TRUE(probe.sender.is_unspecified());
  EXPECT_EQ(probe.target, address);
  const Arp announcement = parse_arp(built(arp_announcement(ours, address))).value();
  EXPECT_TRUE(announcement.is_announcement());
  EXPECT_FALSE(announcement.is_probe());
  EXPECT_EQ(announcement.sender, address);
  EXPECT_FALSE(request().is_probe());
  EXPECT_FALSE(request().is_announcement());
}

RC_GTEST_PROP(ArpProperty, BuildThenParseGivesTheSame, ()) {
  Arp arp;
  arp.operation = *rc::gen::element(ArpOperation::Request, ArpOperation::Reply);
  arp.sender_mac.octets = *rc::gen::arbitrary<std::array<uint8_t, 6>>();
  arp.sender_mac.octets[0] &= 0xfe;
  arp.target_mac.octets = *rc::gen::arbitrary<std::array<uint8_t, 6>>();
  arp.sender = IpAddress::v4(*rc::gen::inRange<uint32_t>(0, 0xe0000000));
  arp.target = IpAddress::v4(*rc::gen::arbitrary<uint32_t>());
  const auto back = parse_arp(built(arp));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->operation == arp.operation);
  RC_ASSERT(back->sender_mac == arp.sender_mac && back->target_mac == arp.target_mac);
  RC_ASSERT(back->sender == arp.sender && back->target == arp.target);
}

}  // namespace
}  // namespace rapport::wire
