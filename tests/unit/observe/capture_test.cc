// Captures by hand: what a packet says, what is remarkable about a segment, what is folded, and how
// much is kept at most.
#include "rapport/observe/capture.hh"

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/capture_ladder.hh"
#include "rapport/observe/conversation.hh"
#include "rapport/observe/dissect.hh"
#include "rapport/observe/infer.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/marks.hh"
#include "rapport/observe/sheet.hh"
#include "rapport/observe/strip.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::observe {

namespace {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;

const Endpoint kLeft{IpAddress::v4(10, 0, 0, 1), 40000};
const Endpoint kRight{IpAddress::v4(10, 0, 0, 2), 80};

// The octets of a segment in an IPv4 packet.
std::vector<uint8_t> packet(const Endpoint& from, const Endpoint& to, wire::SegmentHead head,
                            std::string_view text = {}) {
  head.source_port = from.port;
  head.destination_port = to.port;
  const size_t header = wire::kTcpHeader + wire::option_length(head);
  std::vector<uint8_t> out(wire::kIpv4Header + header + text.size());
  wire::Ipv4 ip;
  ip.source = from.address;
  ip.destination = to.address;
  ip.protocol = wire::kProtocolTcp;
  wire::build_ipv4(out.data(), ip, static_cast<uint16_t>(header + text.size()));
  (void)wire::build_tcp(&out[wire::kIpv4Header], head, from.address, to.address, {});
  std::ranges::copy(text, out.begin() + static_cast<std::ptrdiff_t>(wire::kIpv4Header + header));
  return out;
}

wire::SegmentHead head(wire::Flags flags, uint32_t seq, uint32_t ack, uint16_t window = 1000) {
  wire::SegmentHead h;
  h.flags = flags;
  h.seq = Seq{seq};
  h.ack = Seq{ack};
  h.window = window;
  return h;
}

// Writes a capture: the left end's SYN has number 1000, the right one's 5000; numbers are relative.
class Pen {
 public:
  explicit Pen(Wanted wanted = {}) : capture_(wanted) {}

  Pen& left(wire::Flags flags, uint32_t seq, uint32_t ack, size_t text = 0,
            uint16_t window = 1000) {
    return write(kLeft, kRight, head(flags, 1000 + seq, 5000 + ack, window), text);
  }

  Pen& right(wire::Flags flags, uint32_t seq, uint32_t ack, size_t text = 0,
             uint16_t window = 1000) {
    return write(kRight, kLeft, head(flags, 5000 + seq, 1000 + ack, window), text);
  }

  Pen& stamped(uint32_t seq, size_t text, uint32_t tsval) {
    wire::SegmentHead h = head(kAck, 1000 + seq, 5001);
    h.timestamps = true;
    h.tsval = tsval;
    return write(kLeft, kRight, h, text);
  }

  Pen& write(const Endpoint& from, const Endpoint& to, const wire::SegmentHead& h, size_t text) {
    const auto octets = packet(from, to, h, std::string(text, 'x'));
    at_ += 1_ms;
    capture_.packet(octets, octets.size(), Instant{} + at_);
    return *this;
  }

  Pen& opens() { return left(kSyn, 0, 0).right(kSyn | kAck, 0, 1).left(kAck, 1, 1); }

  Pen& later(Duration d) {
    at_ += d;
    return *this;
  }

  Capture& done() {
    capture_.finish();
    return capture_;
  }

 private:
  Capture capture_;
  Duration at_{};
};

const Conversation& only(Capture& c) {
  EXPECT_EQ(c.conversations().size(), 1U);
  return c.conversations().front();
}

// The marks of the last row.
std::vector<std::string> marks_of(Pen& pen) {
  const auto& rows = only(pen.done()).head();
  return words(rows.back().marks);
}

bool last_is_resent(Pen& pen) {
  return only(pen.done()).head().back().marks.has(Mark::Resent);
}

using Words = std::vector<std::string>;

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

// --- states that no scenario of the demo shows ---

TEST(Infer, BegunInMidConnection) {
  Pen pen = Pen().left(kAck | kPsh, 1, 1, 10).right(kAck, 1, 11);
  const Conversation& c = only(pen.done());
  EXPECT_FALSE(c.seen_from_the_start());
  EXPECT_EQ(words(c.head()[0].beliefs.sender), "ESTABLISHED?");
  EXPECT_EQ(words(c.head()[0].beliefs.receiver), "unknown");
  EXPECT_EQ(c.head()[1].seq, 1U);
  EXPECT_EQ(c.head()[1].ack, 11U);
  pen.left(kFin | kAck, 11, 1).right(kFin | kAck, 1, 12).left(kAck, 12, 2);
  const Conversation& closed = only(pen.done());
  EXPECT_EQ(words(closed.head()[2].beliefs.sender), "FIN-WAIT-1?");
  EXPECT_EQ(words(closed.head()[3].beliefs.sender), "LAST-ACK");
  EXPECT_EQ(words(closed.head()[4].beliefs.sender), "TIME-WAIT");
  EXPECT_EQ(closed.ending(), "closed, left first");
}

TEST(Infer, AResetMayBeForged) {
  Pen pen = Pen().opens().right(kAck, 1, 1).left(kRst, 500, 0);
  EXPECT_EQ(words(only(pen.done()).belief(1)), "ESTABLISHED?");
  EXPECT_EQ(words(only(pen.done()).belief(0)), "CLOSED?");
  pen.right(kAck, 1, 1).left(kAck, 1, 1, 5);
  EXPECT_EQ(words(only(pen.done()).belief(0)), "ESTABLISHED");
  EXPECT_EQ(words(only(pen.done()).head().back().beliefs.receiver), "ESTABLISHED");
}

TEST(Infer, OneDirectionOnly) {
  Pen pen = Pen().left(kSyn, 0, 0).left(kAck, 1, 1).left(kAck, 1, 1, 10).left(kFin | kAck, 11, 9);
  const Conversation& c = only(pen.done());
  EXPECT_EQ(words(c.head()[1].beliefs.sender), "ESTABLISHED");
  EXPECT_EQ(words(c.belief(1)), "unknown");
  EXPECT_EQ(c.ending(), "half closed by left");
}

TEST(Infer, NumbersGoRoundTheEnd) {
  Capture capture({});
  uint32_t seq = 0xfffffff0;
  const auto say = [&](const Endpoint& from, const Endpoint& to, wire::SegmentHead h, size_t text) {
    const auto octets = packet(from, to, h, std::string(text, 'x'));
    capture.packet(octets, octets.size(), {});
  };
  say(kLeft, kRight, head(kSyn, seq, 0), 0);
  say(kRight, kLeft, head(kSyn | kAck, 7, seq + 1), 0);
  say(kLeft, kRight, head(kAck, seq + 1, 8), 100);
  say(kRight, kLeft, head(kAck, 8, seq + 101), 0);
  say(kLeft, kRight, head(kFin | kAck, seq + 101, 8), 0);
  say(kRight, kLeft, head(kAck, 8, seq + 102), 0);
  const Conversation& c = only(capture);
  EXPECT_EQ(c.head()[3].ack, 101U);
  EXPECT_EQ(c.octets(0), 100U);
  EXPECT_EQ(words(c.belief(0)), "FIN-WAIT-2");
  for (const Row& r : c.head()) EXPECT_EQ(r.marks.bits, 0U);
}

// --- folding and bounds ---

Pen transfer(Pen pen, uint32_t segments) {
  pen.opens();
  for (uint32_t i = 0; i < segments; ++i)
    pen.left(kAck, 1 + 1000 * i, 1, 1000).right(kAck, 1, 1 + 1000 * (i + 1));
  return pen;
}

TEST(Conversation, RunsOfTextAndAcksAreFolded) {
  Pen pen = transfer(Pen(), 500).left(kFin | kAck, 500001, 1);
  Capture& capture = pen.done();
  const Conversation& c = only(capture);
  ASSERT_LT(c.head().size(), 20U);
  uint64_t told = 0, octets = 0;
  for (const Row& r : c.head()) {
    told += r.fold ? r.fold->segments : 1;
    octets += r.fold ? r.fold->octets[0] : r.marks.fresh;
  }
  EXPECT_EQ(told, 1004U);
  EXPECT_EQ(octets, 500'000U);
  const std::string drawn = capture_ladder(c, capture.began(), {.width = 100});
  EXPECT_NE(drawn.find("segments, 49"), std::string::npos) << drawn;
}

TEST(Conversation, WithoutFoldingTheMiddleIsLeftOutAndCounted) {
  Wanted wanted;
  wanted.keeping = {.rows = 40, .fold = false};
  Pen pen = transfer(Pen(wanted), 500);
  Capture& capture = pen.done();
  const Conversation& c = only(capture);
  EXPECT_EQ(c.head().size() + c.tail().size(), 40U);
  EXPECT_EQ(c.cut(), 1003U - 40U);
  EXPECT_NE(capture_ladder(c, capture.began(), {}).find("963 segments left out"),
            std::string::npos);
}

TEST(Capture, ASynAfterTheEndBeginsAnotherConversation) {
  Pen pen = Pen().opens().left(kRst, 1, 0);
  pen.left(kSyn, 90000, 0).right(kSyn | kAck, 70000, 90001);
  Capture& capture = pen.done();
  ASSERT_EQ(capture.conversations().size(), 2U);
  EXPECT_EQ(capture.conversations()[0].ending(), "reset by left");
  EXPECT_EQ(capture.conversations()[1].ending(), "open");
}

TEST(Capture, OnlySoManyConversationsAreToldApart) {
  Wanted wanted;
  wanted.conversations = 1000;
  wanted.ladders = 10;
  Capture capture(wanted);
  for (uint32_t i = 0; i < 5000; ++i) {
    const Endpoint from{IpAddress::v4(0x0a010000 + i / 100), static_cast<uint16_t>(1000 + i % 100)};
    for (int n = 0; n < 2; ++n) {
      const auto octets = packet(from, kRight, head(kSyn, i, 0));
      capture.packet(octets, octets.size(), {});
    }
  }
  capture.finish();
  EXPECT_EQ(capture.conversations().size(), 1000U);
  EXPECT_EQ(capture.beyond(), 8000U);
  size_t rows = 0;
  for (const Conversation& c : capture.conversations()) rows += c.head().size();
  EXPECT_EQ(rows, 20U);
  const std::string list = capture_list(capture, {.listed = 5});
  EXPECT_NE(list.find("and 995 more"), std::string::npos) << list;
  EXPECT_NE(list.find("8,000 segments of connections after the first 1,000"), std::string::npos);
  EXPECT_NE(list.find("ladders of the first 10;"), std::string::npos);
}

TEST(Capture, WhatIsWantedIsChosenByNumberOrPort) {
  Wanted wanted;
  wanted.port = 443;
  Capture capture(wanted);
  for (const uint16_t port : {uint16_t{80}, uint16_t{443}, uint16_t{8443}}) {
    const auto octets = packet(kLeft, {kRight.address, port}, head(kSyn, 1, 0));
    capture.packet(octets, octets.size(), {});
  }
  EXPECT_FALSE(capture.is_wanted(0));
  EXPECT_TRUE(capture.is_wanted(1));
  EXPECT_FALSE(capture.has_rows(2));
  EXPECT_EQ(capture_list(capture, {}).find("  2  10.0.0.1:40000"), 0U);
}

// Whatever the octets are, they are told or counted.
TEST(Capture, TimesOfCenturiesLeaveRoomBetweenTheRails) {
  const Signs& plain = signs(true);
  for (size_t time = 6; time < 40; ++time) {
    const Sheet sheet({.width = kLeastWidth, .time = time, .state = 13}, plain, false);
    EXPECT_GE(sheet.middle(), 30U) << time;
    EXPECT_LE(sheet.middle(), kLeastWidth) << time;
  }
}

TEST(Capture, AnyOctetsAreSurvived) {
  uint64_t draw = 88172645463325252ULL;
  const auto next = [&] {
    draw ^= draw << 13;
    draw ^= draw >> 7;
    draw ^= draw << 17;
    return draw;
  };
  Capture capture({});
  for (int i = 0; i < 20000; ++i) {
    auto octets = packet(kLeft, kRight, head(kAck, static_cast<uint32_t>(next()), 1), "text");
    for (uint64_t n = next() % 8; n > 0; --n)
      octets[next() % octets.size()] = static_cast<uint8_t>(next());
    octets.resize(next() % (octets.size() + 1));
    capture.packet(octets, octets.size() + next() % 3, Instant{static_cast<int64_t>(next() % 999)});
  }
  capture.finish();
  EXPECT_EQ(capture.packets(), 20000U);
  uint64_t told = capture.beyond();
  for (const Conversation& c : capture.conversations()) told += c.segments();
  for (size_t n = 0; n < static_cast<size_t>(NotASegment::kCount); ++n)
    told += capture.without(static_cast<NotASegment>(n));
  EXPECT_EQ(told, 20000U);
  for (const Conversation& c : capture.conversations())
    EXPECT_FALSE(capture_ladder(c, capture.began(), {.width = 72, .ascii = true}).empty());
}

}  // namespace

}  // namespace rapport::observe
