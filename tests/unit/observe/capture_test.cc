// Captures by hand: what states are inferred, what is folded, and how much is kept at most.
#include "rapport/observe/capture.hh"

#include "pen.hh"
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/capture_ladder.hh"
#include "rapport/observe/conversation.hh"
#include "rapport/observe/dissect.hh"
#include "rapport/observe/infer.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/sheet.hh"
#include "rapport/observe/strip.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

namespace rapport::observe {

namespace {

// --- states that no scenario of the demo shows ---------------------------------------------------

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

// --- folding and bounds --------------------------------------------------------------------------

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

TEST(Capture, AShortOneIsToldInMicroseconds) {
  Pen pen = Pen().opens().later(123_us).left(kAck | kPsh, 1, 1, 5);
  Capture& capture = pen.done();
  ASSERT_TRUE(wants_microseconds(capture));
  const CaptureStyle style{.width = 80, .ascii = true, .microseconds = true};
  const std::string drawn = capture_ladder(only(capture), capture.began(), style);
  EXPECT_NE(drawn.find("\n0.000000     SYN-SENT |- SYN seq=0"), std::string::npos) << drawn;
  EXPECT_NE(drawn.find("\n0.003123  ESTABLISHED |- PSH,ACK seq=1"), std::string::npos) << drawn;
  EXPECT_NE(drawn.find("LISTEN?\n"), std::string::npos) << drawn;
}

TEST(Capture, WholeMillisecondsAndLongOnesNeedNoMicroseconds) {
  Pen whole = Pen().opens().left(kAck | kPsh, 1, 1, 5);
  EXPECT_FALSE(wants_microseconds(whole.done()));
  Pen at_the_edge = Pen().opens().later(997_ms).later(123_us).left(kAck | kPsh, 1, 1, 5);
  EXPECT_FALSE(wants_microseconds(at_the_edge.done()));
  Pen below_it = Pen().opens().later(996_ms).later(123_us).left(kAck | kPsh, 1, 1, 5);
  EXPECT_TRUE(wants_microseconds(below_it.done()));
}

TEST(Capture, AListTellsLessThanAMillisecondInMicroseconds) {
  Capture capture{Wanted{}};
  for (const Duration at : {0_us, 123_us}) {
    const auto octets = packet(kLeft, kRight, head(kSyn, 1000, 0));
    capture.packet(octets, octets.size(), Instant{} + at);
  }
  capture.finish();
  EXPECT_NE(capture_list(capture, {}).find("0 octets, 123 us"), std::string::npos);
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
