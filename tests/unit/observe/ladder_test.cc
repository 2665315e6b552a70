// Ladders and JSON of stories written by hand.
#include "rapport/observe/ladder.hh"

#include "hand.hh"
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/json.hh"
#include "rapport/observe/story.hh"
#include "rapport/observe/strip.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <sstream>
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

std::string draw(const Hand& h, LadderStyle style = {.ascii = true}) {
  return ladder(h.story(), style);
}

std::vector<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string l; std::getline(in, l);) out.push_back(l);
  return out;
}

// The first line that holds `what`; the whole ladder when there is none.
std::string line_with(const std::string& text, std::string_view what) {
  for (const std::string& l : lines(text)) {
    if (l.find(what) != std::string::npos) return l;
  }
  ADD_FAILURE() << "no \"" << what << "\" in\n" << text;
  return {};
}

Hand opening() {
  Hand h;
  h.call(kClient, CallKind::OpenActive);
  h.moves(kClient, Closed, tcp::Event::OpenedActive, SynSent, "RFC 9293 3.10.1, OPEN");
  h.crosses(kClient, SynSent, Listen, Hand::segment(wire::kSyn, 0, 0), SendCause::Call);
  h.moves(kServer, Listen, tcp::Event::SynArrived, SynReceived, "RFC 9293 3.10.7.2, third");
  h.crosses(kServer, SynReceived, SynSent, Hand::segment(wire::kSyn | wire::kAck, 0, 1));
  h.moves(kClient, SynSent, tcp::Event::SynAckArrived, Established, "RFC 9293 3.10.7.3, fourth");
  return h;
}

TEST(Ladder, WhatHasNotArrivedWhenTheTellingStopsIsOnTheWay) {
  Hand h = opening();
  const uint32_t serial = h.sends(kClient, Established, Hand::segment(wire::kAck, 1, 1));
  h.sends(kServer, SynReceived, Hand::segment(wire::kAck, 1, 1));  // the wire loses it
  std::vector<WireRecord> wires(h.story().wires.begin(), h.story().wires.end());
  wires[2].arrived = wires[2].sent + 10_ms;
  wires[2].fate = Fate::Delivered;
  ASSERT_EQ(wires[2].serial, serial);
  Story story = h.story();
  story.wires = wires;
  story.goes_on = true;
  const std::string cut = ladder(story, {.ascii = true});
  EXPECT_TRUE(line_with(cut, "=1 ack=1 win=65535 --").contains("~~~~ on the way  ")) << cut;
  EXPECT_TRUE(line_with(cut, "lost x").contains("ACK seq=1")) << cut;
  story.goes_on = false;
  EXPECT_FALSE(ladder(story, {.ascii = true}).contains("on the way"));
}

TEST(Ladder, AnOpeningInPlainAscii) {
  EXPECT_EQ(draw(opening(), {.width = 80, .ascii = true}),
            "               client                                      server\n"
            "       10.0.0.1:40000                                      10.0.0.2:80\n"
            " 0.000       CLOSED | * connect()                          |\n"
            "           SYN-SENT |   active open: 3.10.1, OPEN          |\n"
            " 0.000     SYN-SENT |= SYN seq=0 win=65535 ===============>| LISTEN        0.010\n"
            "                    |   no options                         |\n"
            "                    |       SYN arrived: 3.10.7.2, third   | SYN-RECEIVED\n"
            " 0.020     SYN-SENT |<----- SYN,ACK seq=0 ack=1 win=65535 -| SYN-RECEIVED  0.010\n"
            "                    |                         no options   |\n"
            "        ESTABLISHED |   SYN,ACK arrived: 3.10.7.3, fourth  |\n"
            "    === an application's call sent it   --- the stack by itself\n"
            "    3.x clauses of RFC 9293\n");
}

TEST(Ladder, EveryRowFitsItsWidth) {
  Hand h = opening();
  h.sends(kClient, Established, Hand::segment(wire::kPsh | wire::kAck, 1'000'000, 1'000'000, 1460));
  h.fires(kClient, TimerKind::SynRetransmission, 12, 64'000);
  for (const size_t width : {72U, 80U, 100U, 132U}) {
    for (const bool ascii : {false, true}) {
      for (const std::string& l : lines(draw(h, {.width = width, .ascii = ascii})))
        EXPECT_LE(columns(l), width) << l;
    }
  }
}

TEST(Ladder, AsciiIsAsciiAndColourOnlyWhenAsked) {
  const Hand h = opening();
  for (const char c : draw(h)) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  EXPECT_EQ(draw(h, {.ascii = false}).find('\x1b'), std::string::npos);
  EXPECT_NE(draw(h, {.colour = true}).find('\x1b'), std::string::npos);
}

TEST(Ladder, ALossIsMarkedAndSoIsWhatIsSentAgain) {
  Hand h;
  TraceSegment s = Hand::segment(wire::kSyn, 0, 0);
  h.sends(kClient, SynSent, s, SendCause::Call);
  h.at(1_s).fires(kClient, TimerKind::SynRetransmission, 1, 1000);
  s.retransmission = 1;
  h.crosses(kClient, SynSent, Listen, s, SendCause::Timer);
  const std::string text = draw(h);
  EXPECT_NE(line_with(text, "x lost").find("= SYN seq=0 win=65535 ==="), std::string::npos);
  EXPECT_NE(text.find("1 s later"), std::string::npos);
  EXPECT_NE(text.find("o SYN retransmission timer (1 s)"), std::string::npos);
  EXPECT_NE(line_with(text, "resent").find(". SYN seq=0 resent win=65535 ...."), std::string::npos);
  EXPECT_NE(text.find("... a timer"), std::string::npos);
}

TEST(Ladder, ADuplicateIsMarkedAtItsArrival) {
  Hand h;
  const uint32_t a = h.sends(kClient, Established, Hand::segment(wire::kAck, 1, 1));
  h.at(10_ms).receives(kServer, Established, a);
  h.at(11_ms).receives(kServer, Established, a, Fate::Duplicated);
  EXPECT_NE(line_with(draw(h), "duplicate").find("ESTABLISHED  0.011"), std::string::npos);
}

TEST(Ladder, CrossingSegmentsShowDepartureAndArrival) {
  Hand h;
  const uint32_t a = h.sends(kClient, SynSent, Hand::segment(wire::kSyn, 0, 0));
  const uint32_t b = h.sends(kServer, SynSent, Hand::segment(wire::kSyn, 0, 0));
  h.at(10_ms).receives(kServer, SynSent, a).receives(kClient, SynSent, b);
  std::vector<std::string> syn;
  for (const std::string& l : lines(draw(h))) {
    if (l.find("SYN seq=0") != std::string::npos) syn.push_back(l);
  }
  ASSERT_EQ(syn.size(), 4U);
  EXPECT_NE(syn[0].find("- SYN seq=0 win=65535 ---"), std::string::npos);
  EXPECT_EQ(syn[0].find('>'), std::string::npos);
  EXPECT_NE(syn[2].find("- SYN seq=0 ->"), std::string::npos);
  EXPECT_NE(syn[3].find("|<- SYN seq=0 -"), std::string::npos);
}

TEST(Ladder, AnEndOfFileIsNoFailureAndWaitingIsNotTold) {
  Hand h = opening();
  h.fails(kClient, CallKind::Receive, Error::WouldBlock);
  h.fails(kClient, CallKind::Receive, Error::Closing);
  h.fails(kClient, CallKind::Send, Error::Reset);
  const std::string text = draw(h);
  EXPECT_NE(text.find("* read: end of file"), std::string::npos);
  EXPECT_NE(text.find("* send: " + std::string(name(Error::Reset))), std::string::npos);
  EXPECT_EQ(text.find(name(Error::WouldBlock)), std::string::npos);
}

TEST(Ladder, AWindowIsToldInOctets) {
  Hand h = opening();
  TraceOptions o{};
  o.scaling_on = 1;
  o.window_scale_sent = 7;
  h.agrees(kClient, o);
  TraceSegment s = Hand::segment(wire::kAck, 1, 1);
  s.window = 512;
  h.crosses(kClient, Established, SynReceived, s);
  EXPECT_NE(draw(h).find("ACK seq=1 ack=1 win=65536"), std::string::npos);
}

size_t windows_in(const std::string& text) {
  size_t n = 0;
  for (const std::string& l : lines(text)) n += l.find("win=") != std::string::npos ? 1 : 0;
  return n;
}

TEST(Ladder, EveryWindowIsToldOrOnlyThoseOfOneThatIsClosed) {
  Hand h = opening();
  TraceSegment s = Hand::segment(wire::kPsh | wire::kAck, 1, 1, 1000);
  h.crosses(kClient, Established, Established, s);
  s = Hand::segment(wire::kAck, 1, 1001);
  s.window = 0;
  h.crosses(kServer, Established, Established, s);
  s.window = 4096;
  h.crosses(kServer, Established, Established, s);
  s.window = 5000;
  h.crosses(kServer, Established, Established, s);
  EXPECT_EQ(windows_in(draw(h, {.width = 100, .ascii = true})), 6U);
  const std::string narrow = draw(h, {.width = 76, .ascii = true});
  EXPECT_EQ(windows_in(narrow), 2U) << narrow;
  EXPECT_NE(line_with(narrow, "win=0").find("<-"), std::string::npos);
  EXPECT_NE(line_with(narrow, "win=4096").find("<-"), std::string::npos);
}

TEST(Ladder, WhatWasSentToBeAnsweredIsNoMishap) {
  for (const TimerKind timer : {TimerKind::Persist, TimerKind::KeepAlive}) {
    Hand h = opening();
    h.fires(kClient, timer, 1, 200);
    const uint32_t probe =
        h.sends(kClient, Established, Hand::segment(wire::kAck, 0, 1), SendCause::Timer);
    h.receives(kServer, Established, probe).drops(kServer, DropReason::NotAcceptable, probe);
    EXPECT_NE(draw(h).find("a probe: it asks for an ACK"), std::string::npos);
    EXPECT_EQ(draw(h).find("x dropped"), std::string::npos);
  }
  for (const tcp::State state : {TimeWait, Established}) {
    Hand h = opening();
    const uint32_t fin = h.sends(kServer, LastAck, Hand::segment(wire::kFin | wire::kAck, 1, 2));
    h.receives(kClient, state, fin).drops(kClient, DropReason::NotAcceptable, fin);
    const bool restarts = draw(h).find("the FIN again: 2MSL starts anew") != std::string::npos;
    EXPECT_EQ(restarts, state == TimeWait);
    EXPECT_EQ(draw(h).find("x dropped") != std::string::npos, state != TimeWait);
  }
}

TEST(Ladder, AnOldSegmentThatNoTimerSentToAskIsDropped) {
  Hand h = opening();
  h.fires(kClient, TimerKind::Retransmission, 1, 200);
  const uint32_t old = h.sends(kClient, Established, Hand::segment(wire::kAck, 0, 1, 1));
  h.receives(kServer, Established, old).drops(kServer, DropReason::NotAcceptable, old);
  EXPECT_NE(draw(h).find("x dropped: outside the window"), std::string::npos);
}

TEST(Ladder, WhatNobodySentAndWhatWasThrownAwaySayso) {
  Hand h = opening();
  h.injected(kServer, Established, Hand::segment(wire::kRst, 500, 0));
  h.drops(kServer, DropReason::RstChallenged);
  h.remark(kClient, "power fails", true);
  const std::string text = draw(h);
  EXPECT_NE(text.find("the client did not send it"), std::string::npos);
  EXPECT_NE(text.find("x dropped: not the next number"), std::string::npos);
  EXPECT_NE(text.find("power fails"), std::string::npos);
}

// --- JSON ---

TEST(Json, OneRecordALineInAFixedOrder) {
  const std::vector<std::string> all = lines(json(opening().story()));
  ASSERT_EQ(all.size(), 8U);
  EXPECT_EQ(all[1],
            R"({"t_ns":0,"host":"client","kind":"transition","number":0,"local":"10.0.0.1:40000",)"
            R"("remote":"10.0.0.2:80","from":"CLOSED","to":"SYN-SENT","event":"active open",)"
            R"("clause":"RFC 9293 3.10.1, OPEN"})");
  EXPECT_EQ(all[2],
            R"({"t_ns":0,"host":"client","kind":"segment","number":0,"local":"10.0.0.1:40000",)"
            R"("remote":"10.0.0.2:80","direction":"sent","flags":"SYN","seq":5000,"ack":9000,)"
            R"("length":0,"window":65535,"urgent":0,"relative_seq":0,"relative_ack":0,)"
            R"("state":"SYN-SENT","cause":"call","retransmission":false,"serial":1,"options":{}})");
}

TEST(Json, OtherKindsAndTheWire) {
  Hand h;
  h.fails(kClient, CallKind::Send, Error::Reset);
  h.fires(kClient, TimerKind::Persist, 2, 400);
  h.drops(kServer, DropReason::RstChallenged, 9);
  h.ends(kServer, CloseReason::ResetByPeer);
  h.sends(kClient, Established, Hand::segment(wire::kAck, 1, 1));
  const std::string text = json(h.story());
  EXPECT_NE(text.find(R"("call":"send","failed":true,"error":")"), std::string::npos);
  EXPECT_NE(text.find(R"("timer":"persist","attempt":2,"interval_ms":400)"), std::string::npos);
  EXPECT_NE(text.find(R"("reason":"rst-challenged","serial":9)"), std::string::npos);
  EXPECT_NE(text.find(R"("reason":"reset-by-peer","state":"CLOSED")"), std::string::npos);
  EXPECT_NE(text.find(R"({"t_ns":0,"host":"client","kind":"wire","fate":"lost","to":"server",)"
                      R"("serial":1,"length":0})"),
            std::string::npos);
}

TEST(Json, TheAbsentRemoteOfAListenerIsOfItsFamily) {
  HostRecord r{};
  r.record.header.local = IpAddress::v4(10, 0, 0, 2);
  EXPECT_NE(json_line(r, "a").find(R"("remote":"0.0.0.0:0")"), std::string::npos);
  r.record.header.local = IpAddress{};
  EXPECT_NE(json_line(r, "a").find(R"("remote":"[::]:0")"), std::string::npos);
}

TEST(Json, NamesAreEscaped) {
  const Hand h = opening();
  const Story s = h.story();
  EXPECT_NE(json_line(s.records[0], "a\"b\n").find(R"("host":"a\"b\u000a")"), std::string::npos);
}

}  // namespace

}  // namespace rapport::observe
