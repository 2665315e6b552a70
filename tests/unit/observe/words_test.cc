// Words of segments, options and times; strips and paragraphs.
#include "hand.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/explain.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/segment_text.hh"
#include "rapport/observe/story.hh"
#include "rapport/observe/strip.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::observe {

namespace {

using hand::Hand;
using hand::kClient;
using hand::kServer;
using enum tcp::State;
using Words = std::vector<std::string>;

TEST(Words, ControlBits) {
  EXPECT_EQ(flag_words((wire::kSyn | wire::kAck).v), "SYN,ACK");
  EXPECT_EQ(flag_words((wire::kFin | wire::kPsh | wire::kAck).v), "FIN,PSH,ACK");
  EXPECT_EQ(flag_words(0), "none");
}

TEST(Words, Times) {
  EXPECT_EQ(seconds(Instant{} + 12'345'999_us), "12.345");
  EXPECT_EQ(length_words(40_ms), "40 ms");
  EXPECT_EQ(length_words(1'500_ms), "1.5 s");
  EXPECT_EQ(length_words(60_s), "60 s");
  EXPECT_EQ(length_words(7200_s), "2 h");
  EXPECT_EQ(ordinal(1) + ordinal(2) + ordinal(3) + ordinal(11) + ordinal(22), "1st2nd3rd11th22nd");
}

TEST(Words, EveryTraceEnumeratorHasItsOwnName) {
  std::vector<std::string_view> all;
  all.reserve(30);
  for (int i = 0; i < 11; ++i) all.push_back(name(static_cast<TimerKind>(i)));
  for (int i = 0; i < 11; ++i) all.push_back(name(static_cast<CallKind>(i)));
  for (int i = 0; i < 8; ++i) all.push_back(name(static_cast<TraceKind>(i)));
  for (const auto& n : all) EXPECT_NE(n, "unknown");
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

TEST(Words, NumbersAreRelativeToWhoKnowsThem) {
  TraceSegment sent = Hand::segment(wire::kRst | wire::kAck, 7, 9);
  const TraceSegment received = Hand::segment(wire::kRst | wire::kAck, 17, 19);
  EXPECT_EQ(segment_numbers(&sent, &received).seq, "7");
  sent.relative_known = 0;
  EXPECT_EQ(segment_numbers(&sent, &received).seq, "17");
  EXPECT_EQ(segment_numbers(&sent, &received).ack, "19");
  const SegmentNumbers alone = segment_numbers(&sent, nullptr);
  EXPECT_EQ(alone.seq, "#5007");
  EXPECT_TRUE(alone.absolute);
}

TEST(Words, ANumberOfAnotherConnectionIsNotToldAsRelative) {
  TraceSegment s = Hand::segment(wire::kAck, 0xc000'0000U, 1);
  s.seq = 3'735'928'559U;
  EXPECT_EQ(segment_numbers(&s, nullptr).seq, "#3735928559");
  EXPECT_EQ(segment_numbers(&s, nullptr).ack, "1");
}

TEST(Words, OptionsOfASyn) {
  TraceSegment s = Hand::segment(wire::kSyn, 0, 0);
  EXPECT_EQ(offered_options(s), Words{"no options"});
  const uint8_t octets[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
  std::ranges::copy(octets, s.options);
  s.option_length = sizeof(octets);
  EXPECT_EQ(offered_options(s),
            (Words{"MSS 1460", "window scale 7", "SACK permitted", "timestamps"}));
}

TEST(Words, SackBlocksAreToldRelativelyAndDuplicatesByName) {
  TraceSegment s = Hand::segment(wire::kAck, 1, 101);
  // 9001..9051 lies below the ACK; 9301..9401 beyond it.
  const uint8_t octets[] = {1,    1,    5, 18, 0,    0,    0x23, 0x29, 0,    0,
                            0x23, 0x5b, 0, 0,  0x24, 0x55, 0,    0,    0x24, 0xb9};
  std::ranges::copy(octets, s.options);
  s.option_length = sizeof(octets);
  EXPECT_EQ(sack_words(s), (Words{"D-SACK 1:51", "SACK 301:401"}));
}

TEST(Words, WhatWasAgreed) {
  TraceOptions o{};
  o.effective_mss = 1400;
  EXPECT_EQ(agreed_options(o), (Words{"MSS 1400", "no scale", "no SACK", "no timestamps"}));
  o.scaling_on = o.sack_on = o.timestamps_on = 1;
  o.window_scale_sent = 7;
  o.window_scale_received = 2;
  EXPECT_EQ(agreed_options(o), (Words{"MSS 1400", "scale 7 out, 2 in", "SACK", "timestamps"}));
}

TEST(Words, PreviewOfText) {
  TraceSegment s = Hand::segment(wire::kAck, 1, 1, 10);
  EXPECT_EQ(text_preview(s, 8, false), "");
  std::memcpy(s.snap, "GET /\x01llo", 10);
  s.snap_length = 10;
  EXPECT_EQ(text_preview(s, 8, false), "\"GET /.ll…\"");
  EXPECT_EQ(text_preview(s, 8, true), "\"GET /.ll...\"");
}

TEST(Strip, MeasuresColumnsNotOctets) {
  Strip s("──▶");
  EXPECT_EQ(s.width(), 3U);
  s.pad_to(5).add("x", Ink::Loss);
  EXPECT_EQ(s.render(false), "──▶  x");
  EXPECT_EQ(s.render(true), "──▶  \x1b[31mx\x1b[0m");
}

TEST(Strip, FlowsWordsAndParagraphs) {
  EXPECT_EQ(flow({"aa", "bb", "cc"}, 8), (Words{"aa, bb,", "cc"}));
  EXPECT_EQ(paragraph("the quick brown fox", 10, 2), (Words{"the quick", "  brown", "  fox"}));
  EXPECT_EQ(paragraph("", 10, 2), Words{""});
}

// --- facts and explanations ---

Hand handshake() {
  Hand h;
  h.moves(kClient, Closed, tcp::Event::OpenedActive, SynSent, "OPEN");
  h.crosses(kClient, SynSent, Listen, Hand::segment(wire::kSyn, 0, 0), SendCause::Call);
  h.moves(kServer, Listen, tcp::Event::SynArrived, SynReceived, "third");
  h.crosses(kServer, SynReceived, SynSent, Hand::segment(wire::kSyn | wire::kAck, 0, 1));
  h.moves(kClient, SynSent, tcp::Event::SynAckArrived, Established, "fourth");
  return h;
}

TEST(Facts, PathsAndStays) {
  Hand h = handshake();
  h.at(2_s).moves(kClient, Established, tcp::Event::CloseCalled, FinWait1, "CLOSE");
  h.sends(kClient, FinWait1, Hand::segment(wire::kFin | wire::kAck, 1, 1), SendCause::Call);
  const Story s = h.story();
  const Facts f(s);
  EXPECT_TRUE(f.went(kClient, {Closed, SynSent, Established, FinWait1}));
  EXPECT_FALSE(f.went(kClient, {SynSent, FinWait1}));
  EXPECT_FALSE(f.went(kServer, {SynSent}));
  EXPECT_EQ(f.stay(kClient, SynSent), 20_ms);
  EXPECT_EQ(f.stay(kClient, Established), 1980_ms);
  EXPECT_FALSE(f.stay(kClient, FinWait1).has_value());
  EXPECT_EQ(f.sent(kClient, wire::kFin), 1U);
  EXPECT_EQ(f.received(kServer, wire::kFin), 0U);
  EXPECT_EQ(f.lost(kClient), 1U);
}

TEST(Explain, EachSegmentOfTheHandshakeProvesSomethingElse) {
  Hand h = handshake();
  h.crosses(kClient, Established, SynReceived, Hand::segment(wire::kAck, 1, 1));
  const Words lines = explain_handshake(h.story(), kClient, kServer);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[0].find("tells the server:  client sends, server receives"), std::string::npos);
  EXPECT_NE(lines[1].find("tells the client:  server sends, client receives; client sends, server"),
            std::string::npos);
  EXPECT_NE(lines[2].find("tells the server:  server sends, client receives"), std::string::npos);
  EXPECT_NE(lines[3].find("Now both know"), std::string::npos);
}

TEST(Explain, WithoutTheThirdSegmentTheServerNeverKnows) {
  const Words lines = explain_handshake(handshake().story(), kClient, kServer);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[2].find("never came to both knowing"), std::string::npos);
}

TEST(Explain, WhoCausedEachSegmentOfAClose) {
  Hand h = handshake();
  h.crosses(kClient, FinWait1, Established, Hand::segment(wire::kFin | wire::kAck, 1, 1),
            SendCause::Call);
  h.crosses(kServer, CloseWait, FinWait1, Hand::segment(wire::kAck, 1, 2));
  TraceSegment again = Hand::segment(wire::kFin | wire::kAck, 1, 2);
  again.retransmission = 1;
  h.crosses(kServer, LastAck, FinWait2, again, SendCause::Timer);
  const Words lines = explain_close(h.story(), kClient, kServer);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[0].find("an application's call"), std::string::npos);
  EXPECT_NE(lines[1].find("the stack by itself"), std::string::npos);
  EXPECT_NE(lines[2].find("a timer, once more"), std::string::npos);
}

}  // namespace

}  // namespace rapport::observe
