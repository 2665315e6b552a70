// Ethernet II headers and group addresses (RFC 894, RFC 2464 7, RFC 1112 6.4).
#include "rapport/wire/ethernet.hh"

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"

#include <algorithm>
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

TEST(Ethernet, AHeaderByHand) {
  Octets bytes(kEthernetHeader);
  build_ethernet(bytes.data(), {.destination = {{1, 2, 3, 4, 5, 6}},
                                .source = {{7, 8, 9, 10, 11, 12}},
                                .type = kEtherIpv6,
                                .payload = {}});
  EXPECT_EQ(bytes, (Octets{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x86, 0xdd}));
}

TEST(Ethernet, TooShort) {
  for (size_t n = 0; n < kEthernetHeader; ++n) {
    EXPECT_EQ(parse_ethernet(Octets(n)).error(), DropReason::EthernetTooShort);
  }
}

TEST(Ethernet, ALengthInPlaceOfTheType) {
  for (const unsigned type : {0U, 46U, 0x5ffU, 0x600U, 0x800U}) {
    Octets bytes(20);
    store16(&bytes[12], static_cast<uint16_t>(type));
    const auto frame = parse_ethernet(bytes);
    EXPECT_EQ(frame.has_value(), type >= 0x600) << type;
    if (!frame) {
      EXPECT_EQ(frame.error(), DropReason::EthernetNotTypeTwo);
    }
  }
}

TEST(Ethernet, GroupAddresses) {
  EXPECT_EQ(to_string(group_mac(parse_address("ff02::1:ff12:3456").value())), "33:33:ff:12:34:56");
  EXPECT_EQ(to_string(group_mac(IpAddress::v4(224, 0x81, 2, 3))), "01:00:5e:01:02:03");
}

RC_GTEST_PROP(EthernetProperty, BuildThenParseGivesTheSame, ()) {
  Ethernet frame;
  frame.destination.octets = *rc::gen::arbitrary<std::array<uint8_t, 6>>();
  frame.source.octets = *rc::gen::arbitrary<std::array<uint8_t, 6>>();
  frame.type = *rc::gen::inRange<uint16_t>(0x600, 0xffff);
  const auto payload = *rc::gen::arbitrary<Octets>();
  Octets bytes(kEthernetHeader);
  build_ethernet(bytes.data(), frame);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  const auto back = parse_ethernet(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->destination == frame.destination && back->source == frame.source);
  RC_ASSERT(back->type == frame.type);
  RC_ASSERT(std::ranges::equal(back->payload, payload));
}

}  // namespace
}  // namespace rapport::wire
