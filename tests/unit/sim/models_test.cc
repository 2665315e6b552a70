// The models of one end (sender, receiver, patience) are told of ends that break each of their
// rules on purpose: what cannot be doubted proves nothing. The same ends by the book raise no
// doubt.
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/sim/patience.hh"
#include "rapport/sim/receiver.hh"
#include "rapport/sim/sender.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::sim {
namespace {

using tcp::Event;
using tcp::State;

constexpr uint32_t kIss = 100, kIrs = 900, kMss = 1000;

// One end that opened actively, and its three judges.
class OneEnd : public ::testing::Test {
 protected:
  OneEnd() {
    sender.begin({}, false);
    receiver.begin({});
    patience.begin({}, false);
    patience.chose(options);
    receiver.hurries(false);
  }

  void at(Duration d) {
    now = Instant{} + d;
    sender.at(now, false);
    receiver.at(now, false);
    patience.at(now, sender, false);
  }

  static TraceSegment segment(wire::Flags flags, uint32_t seq, uint32_t ack, uint32_t text) {
    TraceSegment s{};
    s.flags = flags.v;
    s.seq = seq;
    s.ack = ack;
    s.text_length = text;
    s.window = 20'000;
    return s;
  }

  void hears(wire::Flags flags, uint32_t seq, uint32_t ack, uint32_t text = 0) {
    TraceSegment s = segment(flags, seq, ack, text);
    s.direction = static_cast<uint8_t>(Direction::Received);
    s.state = static_cast<uint8_t>(state);
    s.serial = ++serial;
    sender.heard(s);
    receiver.heard(s);
    patience.heard(s);
  }

  void drops(DropReason why) {
    const TraceDrop d{static_cast<uint8_t>(why), {}, serial};
    sender.dropped(d);
    receiver.dropped(d);
    patience.dropped(d);
  }

  void sends(wire::Flags flags, uint32_t seq, uint32_t ack, uint32_t text = 0,
             std::optional<wire::SackBlock> sack = {}) {
    TraceSegment s = segment(flags, seq, ack, text);
    s.state = static_cast<uint8_t>(state);
    if (sack) {
      wire::Options o;
      o.sack_count = 1;
      o.sack[0] = *sack;
      s.option_length = static_cast<uint8_t>(wire::write_options(s.options, o));
    }
    sender.sent(s);
    receiver.sent(s);
    patience.sent(s, sender);
  }

  void moves(State to, Event event) {
    sender.moved(state, to, event);
    receiver.moved(state, to, event);
    patience.moved(to, event);
    state = to;
  }

  void fires(TimerKind kind, uint8_t attempt = 1, uint32_t interval_ms = 0) {
    const TraceTimer t{static_cast<uint8_t>(kind), attempt, 0, interval_ms};
    sender.fired(t);
    receiver.fired(t);
    patience.fired(t, 0);
  }

  // The whole round trip is 100 ms.
  void opens() {
    at(1_s);
    moves(State::SynSent, Event::OpenedActive);
    sends(wire::kSyn, kIss, 0);
    at(1100_ms);
    hears(wire::kSyn | wire::kAck, kIrs, kIss + 1);
    TraceOptions o{};
    o.effective_mss = kMss;
    o.sack_on = 1;
    sender.agreed(o);
    receiver.agreed(o);
    moves(State::Established, Event::SynAckArrived);
    sends(wire::kAck, kIss + 1, kIrs + 1);
  }

  // `count` full segments at once.
  void writes(uint32_t count, uint32_t from = kIss + 1) {
    sender.wrote(count * kMss);
    for (uint32_t i = 0; i < count; ++i) sends(wire::kAck, from + i * kMss, kIrs + 1, kMss);
  }

  // What the stack says after an ACK of something new.
  void samples(uint32_t cwnd, uint32_t srtt_us, uint32_t rttvar_us) {
    TraceSample t{};
    t.cwnd = cwnd;
    t.ssthresh = UINT32_MAX / 2;
    t.srtt_us = srtt_us;
    t.rttvar_us = rttvar_us;
    sender.sampled(t);
    patience.sampled();
  }

  [[nodiscard]] std::vector<Doubts::Doubt> doubts() const {
    std::vector<Doubts::Doubt> all;
    for (const Doubts* d : {&sender.doubts(), &receiver.doubts(), &patience.doubts()}) {
      if (d->first()) all.push_back(*d->first());
    }
    return all;
  }

  void expect(Invariant which) {
    const auto all = doubts();
    ASSERT_EQ(all.size(), 1U) << (all.empty() ? "nothing was noticed" : all.front().words);
    EXPECT_EQ(all.front().which, which) << all.front().words;
  }

  void expect_none() {
    const auto all = doubts();
    EXPECT_TRUE(all.empty()) << all.front().words;
  }

  Sender sender;
  Receiver receiver;
  Patience patience;
  tcp::ConnectionOptions options;
  State state = State::Closed;
  Instant now;
  uint32_t serial = 0;
};

TEST_F(OneEnd, ByTheBookRaisesNoDoubt) {
  opens();
  writes(2);
  at(1200_ms);
  hears(wire::kAck, kIrs + 1, kIss + 1 + 2 * kMss);
  samples(11 * kMss, 100'000, 37'500);
  at(3_s);
  expect_none();
}

TEST_F(OneEnd, RetransmissionTimerWithARoundTripOfNothing) {
  opens();
  writes(1);
  at(1200_ms);
  hears(wire::kAck, kIrs + 1, kIss + 1 + kMss);
  samples(11 * kMss, 50'000, 37'500);
  expect(Invariant::RetransmissionTimer);
}

TEST_F(OneEnd, RetransmissionTimerThatFiresEarly) {
  opens();
  writes(1);
  at(1250_ms);  // SRTT 100 ms, RTTVAR 50 ms: 300 ms are due
  fires(TimerKind::Retransmission);
  expect(Invariant::RetransmissionTimer);
}

TEST_F(OneEnd, RetransmissionTimerThatDoesNotFire) {
  opens();
  writes(1);
  at(2150_ms);  // 1 s, had the handshake been no sample
  expect(Invariant::RetransmissionTimer);
}

TEST_F(OneEnd, RetransmissionTimerThatFiresForNothing) {
  opens();
  at(1400_ms);
  fires(TimerKind::Retransmission);
  expect(Invariant::RetransmissionTimer);
}

// Simultaneous open: the SYN,ACK that is due at 1050 ms found no frame, and its timer begins there.
TEST_F(OneEnd, RetransmissionTimerOfASynAckThatFoundNoFrame) {
  at(1_s);
  moves(State::SynSent, Event::OpenedActive);
  sends(wire::kSyn, kIss, 0);
  at(1050_ms);
  hears(wire::kSyn, kIrs, 0);
  moves(State::SynReceived, Event::SynArrived);
  sender.lacked();
  at(1060_ms);
  at(2050_ms);
  expect_none();
  at(2070_ms);
  expect(Invariant::RetransmissionTimer);
}

TEST_F(OneEnd, RetransmissionTimerOfASynThatFoundItsFrame) {
  at(1_s);
  moves(State::SynSent, Event::OpenedActive);
  sends(wire::kSyn, kIss, 0);
  at(1050_ms);
  hears(wire::kSyn, kIrs, 0);
  moves(State::SynReceived, Event::SynArrived);
  at(2050_ms);
  expect(Invariant::RetransmissionTimer);
}

// Where a recovery has just ended, the trace does not tell whether three duplicates begin another
// (RFC 6582 3.2, step 2): each ACK of something may restart the timer, but nothing else does.
TEST_F(OneEnd, RetransmissionTimerWhereNobodyKnowsWhetherItRecovers) {
  const auto acked = [&](uint32_t octets, uint32_t cwnd, uint32_t ssthresh) {
    hears(wire::kAck, kIrs + 1, kIss + 1 + octets);
    TraceSample t{};
    t.cwnd = cwnd;
    t.ssthresh = ssthresh;
    t.srtt_us = 100'000;
    t.rttvar_us = 50'000;
    sender.sampled(t);
    patience.sampled();
  };
  const auto thrice = [&](uint32_t octets) {
    for (int i = 0; i < 3; ++i) hears(wire::kAck, kIrs + 1, kIss + 1 + octets);
  };
  opens();
  writes(5);
  at(1200_ms);
  thrice(0);
  sends(wire::kAck, kIss + 1, kIrs + 1, kMss);
  at(1300_ms);
  acked(5 * kMss, 2 * kMss, 2'500);
  at(1350_ms);
  writes(2, kIss + 1 + 5 * kMss);
  at(1400_ms);
  thrice(5 * kMss);
  at(1410_ms);
  writes(6, kIss + 1 + 7 * kMss);
  at(1450_ms);
  acked(6 * kMss, 2 * kMss, 2'500);
  thrice(6 * kMss);
  at(1500_ms);
  acked(7 * kMss, 2 * kMss, 2'500);
  at(1600_ms);
  acked(8 * kMss, 2 * kMss, 2'500);
  at(1899_ms);
  expect_none();
  at(1910_ms);
  expect(Invariant::RetransmissionTimer);
}

TEST_F(OneEnd, CongestionWindowExceeded) {
  opens();
  writes(11);  // ten are the initial window
  expect(Invariant::CongestionWindow);
}

TEST_F(OneEnd, CongestionWindowThatGrowsTooFast) {
  opens();
  writes(2);
  at(1200_ms);
  hears(wire::kAck, kIrs + 1, kIss + 1 + 2 * kMss);
  samples(12 * kMss, 100'000, 37'500);
  expect(Invariant::CongestionWindow);
}

TEST_F(OneEnd, CongestionWindowLeftUnused) {
  opens();
  sender.wrote(3 * kMss);
  sends(wire::kAck, kIss + 1, kIrs + 1, kMss);
  at(1101_ms);
  expect(Invariant::CongestionWindow);
}

TEST_F(OneEnd, LossRecoveryAfterTwoDuplicates) {
  opens();
  writes(5);
  at(1200_ms);
  for (int i = 0; i < 2; ++i) hears(wire::kAck, kIrs + 1, kIss + 1);
  sends(wire::kAck, kIss + 1, kIrs + 1, kMss);
  expect(Invariant::LossRecovery);
}

TEST_F(OneEnd, LossRecoveryThatDoesNotBegin) {
  opens();
  writes(5);
  at(1200_ms);
  // Without news of SACK each repeats the last (RFC 5681 2).
  for (int i = 0; i < 3; ++i) hears(wire::kAck, kIrs + 1, kIss + 1);
  at(1201_ms);
  expect(Invariant::LossRecovery);
}

TEST_F(OneEnd, AckDutyBeyondAHole) {
  opens();
  at(1200_ms);
  hears(wire::kAck, kIrs + 1 + kMss, kIss + 1, kMss);
  at(1201_ms);
  expect(Invariant::AckDuty);
}

TEST_F(OneEnd, AckDutyDelayedForTooLong) {
  receiver.begin({.delayed_ack = 40_ms, .quick_acks = 0});
  opens();
  at(1200_ms);
  hears(wire::kAck, kIrs + 1, kIss + 1, 10);
  at(1230_ms);
  expect_none();
  at(1260_ms);
  at(1261_ms);
  expect(Invariant::AckDuty);
}

TEST_F(OneEnd, AckDutyWithoutNeed) {
  receiver.begin({.delayed_ack = 40_ms, .quick_acks = 0});
  opens();
  at(1200_ms);
  hears(wire::kAck, kIrs + 1, kIss + 1, 10);
  sends(wire::kAck, kIss + 1, kIrs + 11);
  at(1201_ms);
  expect(Invariant::AckDuty);
}

TEST_F(OneEnd, AckDutyOfWhatIsAcceptable) {
  opens();
  at(1200_ms);
  hears(wire::kAck, kIrs + 1, kIss + 1, 10);
  drops(DropReason::NotAcceptable);
  at(1201_ms);
  expect(Invariant::AckDuty);
}

// RCV.WND is what this end allows, not what the peer has heard of it (RFC 9293 3.4).
TEST_F(OneEnd, AckDutyBeyondAnOfferThatFoundNoFrame) {
  opens();
  receiver.lacked();
  at(1200_ms);
  hears(wire::kAck, kIrs + 1 + 20'000, kIss + 1);
  at(1201_ms);
  expect_none();
  sends(wire::kAck, kIss + 1, kIrs + 1);
  at(1300_ms);
  hears(wire::kAck, kIrs + 1 + 30'000, kIss + 1);
  at(1301_ms);
  expect(Invariant::AckDuty);
}

TEST_F(OneEnd, AckDutyBeyondTheWindow) {
  opens();
  at(1200_ms);
  hears(wire::kAck, kIrs + 1 + 20'000, kIss + 1);
  at(1201_ms);
  expect(Invariant::AckDuty);
}

// The SYN,ACK found no frame; the peer completes the simultaneous open, and ends it.
TEST_F(OneEnd, AckDutyOfAFinBeforeTheSynAck) {
  at(1_s);
  moves(State::SynSent, Event::OpenedActive);
  sends(wire::kSyn, kIss, 0);
  at(1050_ms);
  hears(wire::kSyn, kIrs, 0);
  TraceOptions o{};
  o.effective_mss = kMss;
  sender.agreed(o);
  receiver.agreed(o);
  moves(State::SynReceived, Event::SynArrived);
  at(1100_ms);
  hears(wire::kFin | wire::kAck, kIrs + 1, kIss + 1);
  moves(State::Established, Event::SynAcked);
  moves(State::CloseWait, Event::FinArrived);
  sends(wire::kAck, kIss + 1, kIrs + 2);
  at(1101_ms);
  expect_none();
  sends(wire::kAck, kIss + 1, kIrs + 3);
  expect(Invariant::AckDuty);
}

TEST_F(OneEnd, AckDutyOfAFinInOneBurstWithTheSynAck) {
  at(1_s);
  moves(State::SynSent, Event::OpenedActive);
  sends(wire::kSyn, kIss, 0);
  at(1100_ms);
  hears(wire::kSyn | wire::kAck, kIrs, kIss + 1);
  TraceOptions o{};
  o.effective_mss = kMss;
  sender.agreed(o);
  receiver.agreed(o);
  moves(State::Established, Event::SynAckArrived);
  hears(wire::kFin | wire::kAck, kIrs + 1, kIss + 1);
  moves(State::CloseWait, Event::FinArrived);
  sends(wire::kAck, kIss + 1, kIrs + 2);
  at(2_s);
  EXPECT_TRUE(doubts().empty());
  sends(wire::kAck, kIss + 1, kIrs + 3);
  EXPECT_FALSE(doubts().empty());
}

TEST_F(OneEnd, SackTruthOfWhatNeverCame) {
  opens();
  at(1200_ms);
  const uint32_t left = kIrs + 1 + kMss;
  hears(wire::kAck, left, kIss + 1, kMss);
  sends(wire::kAck, kIss + 1, kIrs + 1, 0, wire::SackBlock{Seq{left}, Seq{left + kMss}});
  expect_none();
  sends(wire::kAck, kIss + 1, kIrs + 1, 0, wire::SackBlock{Seq{left}, Seq{left + kMss + 1}});
  expect(Invariant::SackTruth);
}

TEST_F(OneEnd, GiveUpTooEarly) {
  opens();
  writes(1);
  at(1_s + 900_s);
  sender = {};  // that its timer never fired is another matter
  fires(TimerKind::UserTimeout, 1, 924'000);
  expect(Invariant::GiveUp);
}

TEST_F(OneEnd, GiveUpByAnotherLimit) {
  at(1_s);
  moves(State::SynSent, Event::OpenedActive);
  sends(wire::kSyn, kIss, 0);
  sender = {};
  at(181_s);
  fires(TimerKind::UserTimeout, 1, 179'000);
  expect(Invariant::GiveUp);
}

TEST_F(OneEnd, ProbesNobodyAskedFor) {
  opens();
  at(7201100_ms);
  fires(TimerKind::KeepAlive);
  expect(Invariant::Probes);
}

TEST_F(OneEnd, ProbesTooEarly) {
  options.keep_alive = true;
  patience.chose(options);
  opens();
  at(7000_s);
  fires(TimerKind::KeepAlive);
  expect(Invariant::Probes);
}

// An ACK of what was never sent has come as well (MUST-25); that its challenge is not sent is told
// before.
TEST_F(OneEnd, ProbesAfterAnAckOfTooMuch) {
  options.keep_alive = true;
  options.keep_alive_idle = 10_s;
  patience.chose(options);
  opens();
  at(9_s);
  hears(wire::kAck, kIrs + 1, kIss + 2);
  drops(DropReason::ChallengeThrottled);
  drops(DropReason::AckTooNew);
  at(12_s);
  expect_none();
  at(20_s);
  expect(Invariant::Probes);
}

TEST_F(OneEnd, PartingWithTextForNobody) {
  opens();
  at(1200_ms);
  TraceCall c{};
  c.call = static_cast<uint8_t>(CallKind::Close);
  receiver.called(c);
  at(1300_ms);
  hears(wire::kAck, kIrs + 1, kIss + 1, 10);
  at(1301_ms);
  ASSERT_FALSE(doubts().empty());
  EXPECT_EQ(doubts().front().which, Invariant::Parting);
}

}  // namespace
}  // namespace rapport::sim
