// Captures by hand: what a packet says, and what is remarkable about a segment.
#include "pen.hh"
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/dissect.hh"
#include "rapport/wire/ipv4.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::observe {

namespace {

TEST(Dissect, ReadsASegment) {
  const auto octets = packet(kLeft, kRight, head(kAck | kPsh, 7, 9, 512), "hello");
  const auto seen = dissect(octets, octets.size(), Instant{} + 3_s);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->from, kLeft);
  EXPECT_EQ(seen->to, kRight);
  EXPECT_EQ(seen->segment.seq, 7U);
  EXPECT_EQ(seen->segment.ack, 9U);
  EXPECT_EQ(seen->segment.window, 512);
  EXPECT_EQ(seen->segment.text_length, 5U);
  EXPECT_EQ(seen->segment.snap_length, 5U);
}

TEST(Dissect, TellsTheTextThatWasCutOff) {
  const auto octets = packet(kLeft, kRight, head(kAck, 7, 9), std::string(1000, 'x'));
  const auto seen = dissect(std::span(octets).first(60), octets.size(), {});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->segment.text_length, 1000U);
  EXPECT_EQ(seen->segment.snap_length, 20U);
}

TEST(Dissect, SaysWhatIsNoSegment) {
  auto octets = packet(kLeft, kRight, head(kAck, 7, 9), "hello");
  const auto why = [&](size_t kept) {
    const auto seen = dissect(std::span(octets).first(kept), octets.size(), {});
    return seen ? NotASegment::kCount : seen.error();
  };
  for (size_t n = 0; n < 40; ++n) EXPECT_EQ(why(n), NotASegment::TooShort) << n;
  EXPECT_EQ(why(40), NotASegment::kCount);
  octets[9] = 17;
  EXPECT_EQ(why(45), NotASegment::OtherProtocol);
  octets[9] = 6;
  octets[7] = 1;
  EXPECT_EQ(why(45), NotASegment::LaterFragment);
  octets[7] = 0;
  octets[32] = 0x40;
  EXPECT_EQ(why(45), NotASegment::Malformed);
  octets[32] = 0xf0;
  EXPECT_EQ(why(45), NotASegment::Malformed);
  octets[0] = 0x25;
  EXPECT_EQ(why(45), NotASegment::OtherFamily);
}

std::vector<uint8_t> in_ipv6(std::span<const uint8_t> tcp, std::vector<uint8_t> extensions,
                             uint8_t next) {
  std::vector<uint8_t> out(40);
  out[0] = 0x60;
  const size_t payload = extensions.size() + tcp.size();
  out[4] = static_cast<uint8_t>(payload >> 8);
  out[5] = static_cast<uint8_t>(payload);
  out[6] = next;
  out[8 + 15] = 1;
  out[24 + 15] = 2;
  out.insert(out.end(), extensions.begin(), extensions.end());
  out.insert(out.end(), tcp.begin(), tcp.end());
  return out;
}

TEST(Dissect, FollowsTheHeadersOfIpv6) {
  const auto v4 = packet(kLeft, kRight, head(kSyn, 7, 0), "abc");
  const auto tcp = std::span(v4).subspan(wire::kIpv4Header);
  const std::vector<uint8_t> hop{60, 0, 1, 4, 0, 0, 0, 0}, destination{6, 0, 1, 4, 0, 0, 0, 0};
  std::vector<uint8_t> both = hop;
  both.insert(both.end(), destination.begin(), destination.end());
  for (const auto& octets : {in_ipv6(tcp, {}, 6), in_ipv6(tcp, both, 0)}) {
    const auto seen = dissect(octets, octets.size(), {});
    ASSERT_TRUE(seen);
    EXPECT_EQ(to_string(seen->from), "[::1]:40000");
    EXPECT_EQ(seen->segment.text_length, 3U);
    for (size_t n = 1; n < octets.size() - 3; ++n)
      EXPECT_FALSE(dissect(std::span(octets).first(n), octets.size(), {})) << n;
  }
  const auto later = in_ipv6(tcp, {6, 0, 0, 8, 0, 0, 0, 1}, 44);
  EXPECT_EQ(dissect(later, later.size(), {}).error(), NotASegment::LaterFragment);
  const auto first = in_ipv6(tcp, {6, 0, 0, 1, 0, 0, 0, 1}, 44);
  EXPECT_TRUE(dissect(first, first.size(), {}));
}

TEST(Marks, WhatIsSentAgain) {
  EXPECT_TRUE(last_is_resent(Pen().opens().left(kAck, 1, 1, 10).left(kAck, 1, 1, 10)));
  EXPECT_TRUE(last_is_resent(Pen().left(kSyn, 0, 0).left(kSyn, 0, 0)));
  EXPECT_FALSE(last_is_resent(Pen().opens().left(kAck, 1, 1, 10).left(kAck, 11, 1, 10)));
  EXPECT_EQ(marks_of(Pen().opens().left(kAck, 1, 1, 10).left(kAck, 1, 1, 20)),
            Words{"some of it is sent again"});
}

TEST(Marks, GapsAndWhatFillsThem) {
  Pen gap = Pen().opens().left(kAck, 1, 1, 10).left(kAck, 21, 1, 10);
  EXPECT_EQ(marks_of(gap), Words{"a gap: 10 octets before it not seen yet"});
  gap.left(kAck, 11, 1, 10);
  EXPECT_EQ(marks_of(gap), Words{"fills a gap: late or sent again"});
  EXPECT_EQ(only(gap.done()).octets(0), 30U);
  EXPECT_EQ(only(gap.done()).unseen(), 0U);
}

TEST(Marks, TimestampsTellWhatWasOvertaken) {
  Pen overtaken = Pen().opens().stamped(1, 10, 100).stamped(21, 10, 102).stamped(11, 10, 101);
  EXPECT_EQ(marks_of(overtaken), Words{"out of order: fills a gap"});
  Pen resent = Pen().opens().stamped(1, 10, 100).stamped(21, 10, 102).stamped(11, 10, 300);
  EXPECT_EQ(marks_of(resent), Words{"fills a gap: late or sent again"});
}

TEST(Marks, WhatTheCaptureLacks) {
  Pen gap = Pen().opens().left(kAck, 1, 1, 10).left(kAck, 21, 1, 10).right(kAck, 1, 31);
  EXPECT_EQ(marks_of(gap), Words{"acknowledges 10 octets that the capture does not hold"});
  Pen tail = Pen().opens().left(kAck, 1, 1, 10).right(kAck, 1, 111);
  EXPECT_EQ(marks_of(tail), Words{"acknowledges 100 octets that the capture does not hold"});
  EXPECT_EQ(only(tail.done()).unseen(), 100U);
}

TEST(Marks, DuplicateAcksAndWindowUpdates) {
  Pen pen = Pen().opens().left(kAck, 1, 1, 10).right(kAck, 1, 11).left(kAck, 21, 1, 10);
  EXPECT_EQ(marks_of(pen.right(kAck, 1, 11)), Words{"duplicate ACK, 1st"});
  EXPECT_EQ(marks_of(pen.right(kAck, 1, 11)), Words{"duplicate ACK, 2nd"});
  EXPECT_EQ(marks_of(pen.right(kAck, 1, 11, 0, 2000)), Words{"window update"});
  EXPECT_TRUE(marks_of(pen.right(kAck, 1, 31, 0, 2000)).empty() == false);  // the gap was filled
  EXPECT_TRUE(marks_of(pen.right(kAck, 1, 31, 0, 2000)).empty());  // nothing is outstanding
}

TEST(Marks, WindowsThatCloseAndProbes) {
  Pen pen = Pen().opens().left(kAck, 1, 1, 10).right(kAck, 1, 11, 0, 0);
  EXPECT_EQ(marks_of(pen), Words{"the window is closed"});
  EXPECT_EQ(marks_of(pen.left(kAck, 10, 1)), Words{"probe of a closed window"});
  EXPECT_EQ(marks_of(pen.right(kAck, 1, 11, 0, 0)), Words{"answers the probe"});
  EXPECT_EQ(marks_of(pen.left(kAck, 11, 1, 1)), Words{"probe of a closed window"});
  EXPECT_EQ(marks_of(pen.right(kAck, 1, 11, 0, 0)), Words{"answers the probe"});
  EXPECT_EQ(marks_of(pen.left(kAck, 11, 1, 1)), Words{"probe of a closed window"});
  EXPECT_EQ(marks_of(pen.right(kAck, 1, 11, 0, 9)),
            (Words{"the window opens again", "answers the probe"}));
}

TEST(Marks, KeepAlives) {
  Pen pen = Pen().opens().left(kAck, 0, 1);
  EXPECT_EQ(marks_of(pen), Words{"keep-alive: is anybody there?"});
  EXPECT_EQ(marks_of(pen.right(kAck, 1, 1)), Words{"answers the probe"});
}

TEST(Marks, ResetsAndChallenges) {
  EXPECT_EQ(marks_of(Pen().left(kSyn, 0, 0).right(kRst | kAck, 0, 1)), Words{"refused"});
  EXPECT_EQ(marks_of(Pen().opens().left(kRst, 1, 0)), Words{"resets the connection"});
  Pen odd = Pen().opens().right(kAck, 1, 1).left(kRst, 500, 0).right(kAck, 1, 1);
  EXPECT_EQ(marks_of(odd), Words{"challenge: what came before is not believed"});
}

}  // namespace

}  // namespace rapport::observe
