// Neighbour discovery messages: what 7.1 of RFC 4861 lets through, and building them.
#include "rapport/wire/ndp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::wire {
namespace {

using Octets = std::vector<uint8_t>;

const IpAddress us = parse_address("fe80::1").value();
const IpAddress them = parse_address("fe80::12:3456").value();
const MacAddress mac{{2, 0, 0, 0, 0, 7}};

// The body of a message about `them` with the octets of its options.
Octets body(const Octets& options) {
  Octets bytes(them.octets.begin(), them.octets.end());
  bytes.insert(bytes.end(), options.begin(), options.end());
  return bytes;
}

const Octets source_mac{1, 1, 2, 0, 0, 0, 0, 7};
const Octets target_mac{2, 1, 2, 0, 0, 0, 0, 7};

std::expected<Solicitation, DropReason> solicitation(const Octets& data, uint8_t code = 0,
                                                     const IpAddress& source = us) {
  return parse_solicitation({.type = kNeighbourSolicitation, .code = code, .data = data}, source,
                            solicited_node(them));
}

DropReason fault(const Octets& data, uint8_t code = 0, const IpAddress& source = us) {
  const auto s = solicitation(data, code, source);
  return s ? DropReason::None : s.error();
}

TEST(Ndp, GroupsOfAnAddress_RFC4291) {
  EXPECT_EQ(to_string(solicited_node(them)), "ff02::1:ff12:3456");
  EXPECT_EQ(to_string(all_nodes()), "ff02::1");
}

TEST(Ndp, ASolicitationIsBuiltAndRead) {
  Octets bytes(kNdpMaxLength);
  const size_t length = build_solicitation(bytes.data(), {.target = them, .source_mac = mac}, us,
                                           solicited_node(them));
  EXPECT_EQ(length, 32);
  const auto icmp = parse_icmpv6(bytes, us, solicited_node(them)).value();
  EXPECT_EQ(icmp.type, kNeighbourSolicitation);
  const auto s = parse_solicitation(icmp, us, solicited_node(them)).value();
  EXPECT_EQ(s.target, them);
  EXPECT_EQ(s.source_mac, mac);
}

TEST(Ndp, WithoutALinkAddressItIsShorter) {
  Octets bytes(kNdpMaxLength);
  bytes.resize(build_solicitation(bytes.data(), {.target = them, .source_mac = {}}, {},
                                  solicited_node(them)));
  EXPECT_EQ(bytes.size(), 24);
  const auto icmp = parse_icmpv6(bytes, {}, solicited_node(them)).value();
  EXPECT_EQ(parse_solicitation(icmp, {}, solicited_node(them)).value().source_mac, std::nullopt);
}

RC_GTEST_PROP(NdpProperty, AnAdvertisementIsBuiltAndRead, ()) {
  Advertisement a;
  a.target = them;
  a.is_router = *rc::gen::arbitrary<bool>();
  a.solicited = *rc::gen::arbitrary<bool>();
  a.overrides = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) a.target_mac = mac;
  Octets bytes(kNdpMaxLength);
  bytes.resize(build_advertisement(bytes.data(), a, them, us));
  const auto icmp = parse_icmpv6(bytes, them, us);
  RC_ASSERT(icmp.has_value());
  RC_ASSERT(icmp->type == kNeighbourAdvertisement);
  const auto back = parse_advertisement(*icmp, us);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->target == a.target && back->target_mac == a.target_mac);
  RC_ASSERT(back->is_router == a.is_router && back->solicited == a.solicited);
  RC_ASSERT(back->overrides == a.overrides);
}

TEST(Ndp, ShorterThanItsTarget) {
  for (size_t n = 0; n < 16; ++n) EXPECT_EQ(fault(Octets(n)), DropReason::NdpTooShort);
}

TEST(Ndp, OtherCodesAndTargets) {
  EXPECT_EQ(fault(body({}), 1), DropReason::NdpCode);
  Octets group = body({});
  group[0] = 0xff;
  EXPECT_EQ(fault(group), DropReason::NdpTarget);
  const IpAddress v4 = IpAddress::v4(10, 0, 0, 1);
  EXPECT_EQ(fault({v4.octets.begin(), v4.octets.end()}), DropReason::NdpTarget);
}

TEST(Ndp, OptionsOfAnyOtherKindAreSkipped) {
  Octets options{5, 1, 0, 0, 0, 0, 0x05, 0xdc, 14, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  options.insert(options.end(), source_mac.begin(), source_mac.end());
  EXPECT_EQ(solicitation(body(options)).value().source_mac, mac);
  EXPECT_EQ(solicitation(body(target_mac)).value().source_mac, std::nullopt);
}

TEST(Ndp, OptionsMustBeWhole) {
  EXPECT_EQ(fault(body({9, 0, 0, 0, 0, 0, 0, 0})), DropReason::NdpOptionLength);
  EXPECT_EQ(fault(body({9, 2, 0, 0, 0, 0, 0, 0})), DropReason::NdpOptionLength);
  EXPECT_EQ(fault(body({9})), DropReason::NdpOptionLength);
  EXPECT_EQ(fault(body({1, 2, 2, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0})),
            DropReason::NdpOptionLength);  // no Ethernet address
  Octets many;
  for (int i = 0; i < kMaxNdpOptions; ++i) {
    many.insert(many.end(), source_mac.begin(), source_mac.end());
  }
  EXPECT_EQ(fault(body(many)), DropReason::None);
  many.insert(many.end(), source_mac.begin(), source_mac.end());
  EXPECT_EQ(fault(body(many)), DropReason::NdpOptionCap);
}

TEST(Ndp, DuplicateAddressDetectionNamesNobody_R4861_7_1_1) {
  const IpAddress nobody{};
  EXPECT_EQ(fault(body({}), 0, nobody), DropReason::None);
  EXPECT_EQ(fault(body(source_mac), 0, nobody), DropReason::NdpSource);
  const Octets data = body({});
  const auto s = parse_solicitation({.type = kNeighbourSolicitation, .data = data}, nobody, us);
  EXPECT_EQ(s.error(), DropReason::NdpDestination);
}

TEST(Ndp, ASolicitedAdvertisementIsForOne_R4861_7_1_2) {
  const Octets data = body(target_mac);
  const Icmpv6 solicited{.type = kNeighbourAdvertisement, .rest = 0x40000000, .data = data};
  EXPECT_EQ(parse_advertisement(solicited, us).value().target_mac, mac);
  EXPECT_EQ(parse_advertisement(solicited, all_nodes()).error(), DropReason::NdpDestination);
  const Icmpv6 unsolicited{.type = kNeighbourAdvertisement, .data = data};
  EXPECT_TRUE(parse_advertisement(unsolicited, all_nodes()).has_value());
}

}  // namespace
}  // namespace rapport::wire
