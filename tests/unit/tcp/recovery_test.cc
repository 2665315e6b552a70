// Which ACKs count as duplicates, and what a third one, a partial and a full one, and a time-out do
// to a connection (RFC 5681 2, 3.2; RFC 6582 3.2; RFC 2883 5; RFC 3042 2), step by step.
#include "rapport/tcp/recovery.hh"

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/connection.hh"
#include "rapport/tcp/context.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/state.hh"
#include "rapport/tcp/transfer.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"
#include "world.hh"

#include <array>
#include <cstdint>
#include <initializer_list>

#include <gtest/gtest.h>

namespace rapport::tcp {
namespace {

constexpr uint32_t kMss = 1000;
constexpr ByteCount kSegment{kMss};
constexpr Seq kUna{0xffff'f000};  // the flight crosses the end of the numbers

// Ten segments of a thousand octets are in flight.
class Recovery : public testing::Test {
 protected:
  Recovery() : c(w.cx.connections[made()]), x(*need_transfer(c, w.cx)) {
    c.state = State::Established;
    c.snd.iss = kUna - 1_B;
    c.snd.una = kUna;
    c.snd.nxt = kUna + kSegment * 10;
    c.snd.wnd = c.snd.max_wnd = 60'000_B;
    c.mss = kMss;
    c.cwnd = 10 * kMss;
    c.ssthresh = 1'000'000;
    c.waiting = Waiting::Retransmission;
  }

  uint32_t made() {
    return create_connection(w.towards({IpAddress::v4(10, 0, 0, 2), 80}), 1, w.cx);
  }

  static wire::Segment bare() {
    wire::Segment s;
    s.flags = wire::kAck;
    s.ack = kUna;
    return s;
  }

  wire::Segment with_blocks(std::initializer_list<std::array<uint32_t, 2>> segments) {
    wire::Segment s = bare();
    for (const auto& [left, right] : segments) {
      s.options.sack[s.options.sack_count++] = {kUna + kSegment * left, kUna + kSegment * right};
    }
    return s;
  }

  void hears(const wire::Segment& s, bool window_changed = false) {
    const Arrival a(s);
    maybe_duplicate_ack(c, a, window_changed, w.cx);
  }

  void acknowledges(uint32_t segments) {
    const Seq ack = kUna + kSegment * segments;
    restarts = congestion_acknowledged(c, ack, ack - c.snd.una, w.cx);
    c.snd.una = ack;
  }

  void enters() {
    for (int i = 0; i < 3; ++i) hears(bare());
    ASSERT_TRUE(x.in_recovery);
  }

  test::World w;
  Connection& c;
  Transfer& x;
  bool restarts = false;
};

TEST_F(Recovery, OnlyABareAckOfTheSameIsADuplicate_R5681_9) {
  constexpr uint8_t text[10] = {};
  wire::Segment s = bare();
  s.text = text;
  hears(s);
  EXPECT_EQ(c.dup_acks, 0) << "it carries text";
  s = bare();
  s.flags = wire::kAck | wire::kFin;
  hears(s);
  EXPECT_EQ(c.dup_acks, 0) << "it carries a FIN";
  s.flags = wire::kAck | wire::kSyn;
  hears(s);
  EXPECT_EQ(c.dup_acks, 0) << "it carries a SYN";
  hears(bare(), true);
  EXPECT_EQ(c.dup_acks, 0) << "it tells another window";
  hears(bare());
  EXPECT_EQ(c.dup_acks, 1);
  c.snd.una = c.snd.nxt;
  hears(bare());
  EXPECT_EQ(c.dup_acks, 1) << "nothing is outstanding";
}

TEST_F(Recovery, WhatAnswersAWindowProbeIsNone_R5681_9) {
  c.waiting = Waiting::Persist;
  for (int i = 0; i < 5; ++i) hears(bare());
  EXPECT_EQ(c.dup_acks, 0);
}

TEST_F(Recovery, ADsackTellsOfADuplicateNotOfALoss_R2883_5) {
  c.sack_on = 1;
  wire::Segment s = bare();
  s.options.sack_count = 1;
  s.options.sack[0] = {kUna - 100_B, kUna};
  hears(s);
  EXPECT_EQ(c.dup_acks, 0);
}

TEST_F(Recovery, NewsInABlockCountsWhateverElseItCarries_R6675_4) {
  c.sack_on = 1;
  hears(with_blocks({{1, 2}}), true);
  EXPECT_EQ(c.dup_acks, 1) << "another window, but news";
  hears(with_blocks({{1, 2}}), true);
  EXPECT_EQ(c.dup_acks, 1) << "no news";
  hears(with_blocks({{1, 3}}), true);
  EXPECT_EQ(c.dup_acks, 2);
  hears(with_blocks({{5, 6}, {1, 3}}));
  EXPECT_TRUE(x.in_recovery);
}

TEST_F(Recovery, ADsackWithinASecondBlockIsNoNews_R2883_5) {
  c.sack_on = 1;
  hears(with_blocks({{2, 3}, {1, 4}}), true);
  EXPECT_EQ(c.dup_acks, 0);
}

TEST_F(Recovery, TheFirstTwoLetASegmentOutEach_R3042_1_R3042_3) {
  hears(bare());
  EXPECT_EQ(x.limited, 1);
  hears(bare());
  EXPECT_EQ(x.limited, 2);
  EXPECT_EQ(c.cwnd, 10 * kMss);
}

TEST_F(Recovery, WithSackOnlyNewsLetsOneOut_R3042_3) {
  c.sack_on = 1;
  hears(bare());
  EXPECT_EQ(x.limited, 0);
  hears(with_blocks({{1, 2}}));
  EXPECT_EQ(x.limited, 1);
  EXPECT_EQ(c.dup_acks, 2) << "both count towards the third";
}

TEST_F(Recovery, TheThirdHalvesTheFlightOfBeforeTheFirst_R5681_8_R5681_10) {
  hears(bare());
  c.snd.nxt += kSegment;  // limited transmit
  hears(bare());
  c.snd.nxt += kSegment;
  EXPECT_FALSE(x.in_recovery);
  hears(bare());
  EXPECT_TRUE(x.in_recovery);
  EXPECT_EQ(c.ssthresh, 5 * kMss);
  EXPECT_EQ(c.cwnd, 8 * kMss);
  EXPECT_EQ(x.recover, c.snd.nxt);
  EXPECT_TRUE(x.resending);
  EXPECT_EQ(x.resend, c.snd.una);
  EXPECT_EQ(x.resend_end - x.resend, kSegment) << "one segment, no more";
  hears(bare());
  EXPECT_EQ(c.cwnd, 9 * kMss);
}

TEST_F(Recovery, EndsWithAnAckOfAllThatWasOutAtItsBeginning_R6582_3_R6675_7) {
  enters();
  c.snd.nxt += kSegment * 2;  // sent meanwhile
  acknowledges(9);
  EXPECT_TRUE(x.in_recovery);
  acknowledges(10);
  EXPECT_FALSE(x.in_recovery);
  EXPECT_EQ(c.dup_acks, 0);
  EXPECT_EQ(c.cwnd, 3 * kMss) << "two in flight, and one";
  EXPECT_TRUE(restarts);
}

TEST_F(Recovery, APartialAckSendsTheNextHoleAndRestartsTheTimerOnce_R6582_1_R6582_4) {
  enters();
  x.resending = false;  // it was sent
  acknowledges(3);
  EXPECT_TRUE(restarts);
  EXPECT_TRUE(x.resending);
  EXPECT_EQ(x.resend, kUna + kSegment * 3);
  EXPECT_EQ(c.cwnd, (8 - 3 + 1) * kMss);
  acknowledges(4);
  EXPECT_FALSE(restarts);
  acknowledges(5);
  EXPECT_FALSE(restarts);
  EXPECT_EQ(x.resend, kUna + kSegment * 5);
}

TEST_F(Recovery, ATimeoutSendsAllAgainAndRemembersHowFarItWas_R6582_5_R5681_5) {
  enters();
  x.timing = true;
  c.retries = 1;
  congestion_timed_out(c, w.cx);
  EXPECT_FALSE(x.in_recovery);
  EXPECT_EQ(x.recover, c.snd.nxt);
  EXPECT_EQ(c.cwnd, kMss);
  EXPECT_EQ(c.dup_acks, 0);
  EXPECT_EQ(x.resend, c.snd.una);
  EXPECT_EQ(x.resend_end, c.snd.nxt);
  EXPECT_FALSE(x.timing) << "Karn's rule (R6298-6)";
}

TEST_F(Recovery, AfterATimeoutNoRecoveryBeginsUpToThere_R6582_2_R6675_8) {
  c.retries = 1;
  congestion_timed_out(c, w.cx);
  const uint32_t half = c.ssthresh;
  for (int i = 0; i < 10; ++i) hears(bare());
  EXPECT_FALSE(x.in_recovery);
  acknowledges(10);
  wire::Segment s = bare();
  s.ack = c.snd.una;
  c.snd.nxt += kSegment * 5;
  for (int i = 0; i < 3; ++i) hears(s);
  EXPECT_FALSE(x.in_recovery) << "recover must be passed, not reached";
  EXPECT_EQ(c.ssthresh, half);
  acknowledges(11);
  for (int i = 0; i < 3; ++i) hears(s);
  EXPECT_TRUE(x.in_recovery);
}

TEST_F(Recovery, TheSameTextAgainLeavesSsthresh_R5681_6) {
  c.retries = 1;
  congestion_timed_out(c, w.cx);
  EXPECT_EQ(c.ssthresh, 5 * kMss);
  c.snd.nxt += kSegment * 10;
  c.retries = 2;
  congestion_timed_out(c, w.cx);
  EXPECT_EQ(c.ssthresh, 5 * kMss);
}

TEST_F(Recovery, AWindowThatWasNotFilledDoesNotGrow_R5681_13) {
  x.window_limited = false;
  acknowledges(1);
  EXPECT_EQ(c.cwnd, 10 * kMss);
  x.window_limited = true;
  acknowledges(2);
  EXPECT_EQ(c.cwnd, 11 * kMss);
}

}  // namespace
}  // namespace rapport::tcp
