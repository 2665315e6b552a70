// TCP segments: building, parsing, and what is refused (RFC 9293 3.1).
#include "rapport/wire/tcp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/options.hh"
#include "tests/unit/wire/generators.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <initializer_list>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::wire {
namespace {

using Octets = std::vector<uint8_t>;

constexpr IpAddress local = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress remote = IpAddress::v4(192, 168, 77, 2);

SegmentHead usual_head() {
  return {.source_port = 40000,
          .destination_port = 80,
          .seq = Seq{0x01020304},
          .ack = Seq{0xfffefdfc},
          .flags = kAck | kPsh,
          .window = 501,
          .urgent = 0,
          .options = nullptr};
}

Octets built(const SegmentHead& head, std::span<const uint8_t> text,
             const IpAddress& source = local, const IpAddress& destination = remote) {
  Octets bytes(60 + text.size());
  const auto header = build_tcp(bytes.data(), head, source, destination,
                                {.length = static_cast<uint32_t>(text.size()), .sum = sum(text)});
  std::ranges::copy(text, bytes.begin() + header);
  bytes.resize(header + text.size());
  return bytes;
}

std::expected<Segment, DropReason> parsed(std::span<const uint8_t> bytes,
                                          Checksum checksum = Checksum::Verify) {
  return parse_tcp(bytes, local, remote, checksum);
}

// Why it is refused, None when it is not.
DropReason fault(const Octets& bytes) {
  const auto seg = parsed(bytes);
  return seg.has_value() ? DropReason::None : seg.error();
}

// Recomputes the checksum after a test has bent a segment.
void mend(Octets& bytes) {
  store16(&bytes[16], 0);
  const uint16_t c = finish(
      sum(bytes) + pseudo_header(local, remote, kProtocolTcp, static_cast<uint32_t>(bytes.size())));
  std::memcpy(&bytes[16], &c, 2);
}

// `octets` of options, any, behind a fixed header.
Octets with_raw_options(std::span<const uint8_t> options, std::span<const uint8_t> text) {
  Octets bytes = built(usual_head(), {});
  bytes[12] = static_cast<uint8_t>((5 + options.size() / 4) << 4);
  bytes.insert(bytes.end(), options.begin(), options.end());
  bytes.insert(bytes.end(), text.begin(), text.end());
  mend(bytes);
  return bytes;
}

TEST(Tcp, EveryFieldStandsWhereRfc9293Says) {
  Options options;
  options.has_mss = true;
  options.mss = 1460;
  SegmentHead head = usual_head();
  head.flags = kSyn | kEce | kUrg;
  head.urgent = 0x1234;
  head.options = &options;
  const Octets bytes = built(head, {});
  const Octets expected{0x9c, 0x40, 0x00, 0x50, 0x01, 0x02, 0x03, 0x04, 0xff, 0xfe, 0xfd, 0xfc,
                        0x60, 0x62, 0x01, 0xf5, 0,    0,    0x12, 0x34, 2,    4,    0x05, 0xb4};
  Octets without_checksum = bytes;
  store16(&without_checksum[16], 0);
  EXPECT_EQ(without_checksum, expected);
}

// The checksum by the book, from 16-bit words, for a segment worked out by hand: ports 1 and 2,
// all else zero but the offset, addresses 10.0.0.1 and 192.168.77.2.
TEST(Tcp, ChecksumOfAHandWorkedSegment_MUST_2) {
  SegmentHead head;
  head.source_port = 1;
  head.destination_port = 2;
  const Octets bytes = built(head, {});
  // 0a00 + 0001 + c0a8 + 4d02 + 0006 + 0014 + 0001 + 0002 + 5000 = 167c8 -> 67c9 -> ~ 9836
  EXPECT_EQ(load16(&bytes[16]), 0x9836);
}

RC_GTEST_PROP(TcpProperty, BuildThenParseGivesTheSame_MUST_2_MUST_3, ()) {
  const auto options = arbitrary_options();
  const auto head = arbitrary_head(&options);
  const auto text = *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 1600),
                                                rc::gen::arbitrary<uint8_t>());
  const Octets bytes = built(head, text);
  const auto seg = parsed(bytes);
  RC_ASSERT(seg.has_value());
  RC_ASSERT(seg->source_port == head.source_port);
  RC_ASSERT(seg->destination_port == head.destination_port);
  RC_ASSERT(seg->seq == head.seq);
  RC_ASSERT(seg->ack == head.ack);
  RC_ASSERT(seg->flags == head.flags);
  RC_ASSERT(seg->window == head.window);
  RC_ASSERT(seg->urgent == head.urgent);
  RC_ASSERT(seg->option_octets == option_length(options));
  RC_ASSERT(same_options(seg->options, options));
  RC_ASSERT(std::ranges::equal(seg->text, text));
}

RC_GTEST_PROP(TcpProperty, OverIpv6TheChecksumHoldsToo_MUST_2, ()) {
  const auto source = arbitrary_address();
  const auto destination = arbitrary_address();
  const auto head = arbitrary_head(nullptr);
  const auto text =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 100), rc::gen::arbitrary<uint8_t>());
  const Octets bytes = built(head, text, source, destination);
  RC_ASSERT(parse_tcp(bytes, source, destination, Checksum::Verify).has_value());
}

// The first bit whose flipping goes unnoticed; the number of bits when there is none.
size_t first_unnoticed_flip(Octets bytes) {
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    if (parsed(bytes).has_value()) return bit;
    bytes[bit / 8] ^= mask;
  }
  return 8 * bytes.size();
}

TEST(Tcp, AnySingleFlippedBitIsCaught_MUST_3) {
  Options options;
  options.has_timestamps = true;
  options.tsval = 7;
  SegmentHead head = usual_head();
  head.options = &options;
  for (const size_t length : {size_t{0}, size_t{1}, size_t{2}, size_t{37}, size_t{200}}) {
    const Octets bytes = built(head, Octets(length, 0x5a));
    ASSERT_EQ(fault(bytes), DropReason::None);
    EXPECT_EQ(first_unnoticed_flip(bytes), 8 * bytes.size()) << "length " << length;
  }
}

TEST(Tcp, AWrongAddressIsCaughtByThePseudoHeader_MUST_3) {
  const Octets bytes = built(usual_head(), Octets{1, 2, 3});
  const auto seg = parse_tcp(bytes, local, IpAddress::v4(192, 168, 77, 3), Checksum::Verify);
  ASSERT_FALSE(seg.has_value());
  EXPECT_EQ(seg.error(), DropReason::TcpChecksum);
}

TEST(Tcp, AlreadyVerifiedTakesTheChecksumAsRight) {
  Octets bytes = built(usual_head(), Octets{1, 2, 3});
  bytes[16] ^= 0xff;
  EXPECT_EQ(parsed(bytes).error(), DropReason::TcpChecksum);
  EXPECT_TRUE(parsed(bytes, Checksum::AlreadyVerified).has_value());
}

TEST(Tcp, TooShortForAHeader_U_2) {
  const Octets whole = built(usual_head(), {});
  for (size_t n = 0; n < kTcpHeader; ++n) {
    const Octets bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n));
    const auto seg = parsed(bytes, Checksum::AlreadyVerified);
    ASSERT_FALSE(seg.has_value());
    EXPECT_EQ(seg.error(), DropReason::TcpTooShort);
  }
}

// Zero when it is refused.
size_t text_length(const Octets& bytes) {
  const auto seg = parsed(bytes);
  return seg.has_value() ? seg->text.size() : 0;
}

TEST(Tcp, DataOffsetMustLieBetweenFiveAndTheSegmentsLength_U_2) {
  for (unsigned offset = 0; offset < 16; ++offset) {
    Octets bytes = built(usual_head(), Octets(8, 1));  // 28 octets: NOPs where options would lie
    bytes[12] = static_cast<uint8_t>(offset << 4);
    mend(bytes);
    const bool legal = offset >= 5 && offset <= 7;
    EXPECT_EQ(fault(bytes), legal ? DropReason::None : DropReason::TcpDataOffset) << offset;
    EXPECT_EQ(text_length(bytes), legal ? 28 - 4 * offset : 0);
  }
}

TEST(Tcp, ReservedBitsAreSentZeroAndIgnoredOnReceipt_U_1) {
  Octets bytes = built(usual_head(), Octets{9});
  EXPECT_EQ(bytes[12] & 0x0f, 0);
  for (unsigned reserved = 1; reserved < 16; ++reserved) {
    bytes[12] = static_cast<uint8_t>(0x50U | reserved);
    mend(bytes);
    const Segment seg = parsed(bytes).value();
    EXPECT_TRUE(seg.flags == (kAck | kPsh) && seg.text.size() == 1) << reserved;
  }
}

TEST(Tcp, PortZeroIsRefused) {
  for (const size_t at : {size_t{0}, size_t{2}}) {
    Octets bytes = built(usual_head(), {});
    store16(&bytes[at], 0);
    mend(bytes);
    EXPECT_EQ(parsed(bytes).error(), DropReason::TcpPortZero);
  }
}

// With those flags, options that we do not know and a text of that length.
Octets with_unknown_options(Flags flags, size_t length) {
  const Octets options{1, 1, 253, 6, 0xde, 0xad, 0xbe, 0xef, 1, 1, 1, 1};
  Octets bytes = with_raw_options(options, Octets(length, 3));
  bytes[13] = flags.v;
  mend(bytes);
  return bytes;
}

TEST(Tcp, OptionsAreTakenOnAnySegment_MUST_5) {
  for (const Flags flags : {kAck, kAck | kFin, kRst, kRst | kAck, kSyn, kAck | kPsh}) {
    for (const size_t length : {size_t{0}, size_t{5}}) {
      const Octets bytes = with_unknown_options(flags, length);
      const Segment seg = parsed(bytes).value();
      EXPECT_TRUE(!seg.options.malformed && seg.text.size() == length) << int{flags.v};
    }
  }
}

TEST(Tcp, AMalformedOptionKeepsTheSegment_MUST_7) {
  const Octets bytes = with_raw_options(Octets{2, 4, 0x05, 0xb4, 8, 0, 1, 1}, Octets{42});
  const auto seg = parsed(bytes);
  ASSERT_TRUE(seg.has_value());
  EXPECT_TRUE(seg->options.malformed);
  EXPECT_TRUE(seg->options.has_mss);
  EXPECT_EQ(seg->options.mss, 1460);
  EXPECT_EQ(seg->text[0], 42);
}

TEST(Tcp, TheShortWayForTimestampsEqualsTheLongOne) {
  const Octets timestamps{1, 1, 8, 10, 0, 0, 0, 9, 0xff, 0, 0, 1};
  const Octets elsewhere{8, 10, 0, 0, 0, 9, 0xff, 0, 0, 1, 1, 1};
  const auto fast = parsed(with_raw_options(timestamps, {}));
  const auto slow = parsed(with_raw_options(elsewhere, {}));
  ASSERT_TRUE(fast.has_value() && slow.has_value());
  EXPECT_TRUE(fast->options.has_timestamps);
  EXPECT_EQ(fast->options.tsval, 9U);
  EXPECT_EQ(fast->options.tsecr, 0xff000001U);
  EXPECT_TRUE(same_options(fast->options, slow->options));
}

TEST(Tcp, SynAndFinCountInTheLength) {
  SegmentHead head = usual_head();
  head.flags = kSyn;
  EXPECT_EQ(parsed(built(head, {}))->length(), 1_B);
  head.flags = kFin | kAck;
  EXPECT_EQ(parsed(built(head, Octets(5)))->length(), 6_B);
  head.flags = kAck;
  EXPECT_EQ(parsed(built(head, Octets(5)))->length(), 5_B);
}

TEST(Tcp, ASuperSegmentOf64KiBIsBuiltAndParsed) {
  const Octets text(65535 - ipv4_and_tcp_header, 0xff);
  const auto seg = parsed(built(usual_head(), text));
  ASSERT_TRUE(seg.has_value());
  EXPECT_EQ(seg->text.size(), text.size());
}

RC_GTEST_PROP(TcpProperty, RandomOctetsNeitherCrashNorLeadOutside_MUST_7, ()) {
  const Octets bytes =
      *rc::gen::container<Octets>(*rc::gen::inRange<size_t>(0, 80), rc::gen::arbitrary<uint8_t>());
  const auto seg = parsed(bytes, Checksum::AlreadyVerified);
  if (!seg.has_value()) return;
  RC_ASSERT(kTcpHeader + seg->option_octets + seg->text.size() == bytes.size());
  RC_ASSERT(seg->text.data() + seg->text.size() == bytes.data() + bytes.size());
}

}  // namespace
}  // namespace rapport::wire
