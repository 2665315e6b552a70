// ICMP echo (RFC 792, RFC 1122 3.2.2.6).
#include "rapport/wire/icmp.hh"

#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

}  // namespace
}  // namespace rapport::wire
