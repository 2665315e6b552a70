// The oracle believes a life that is told truly, and catches each kind of lie.
#include "rapport/sim/oracle.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <cstring>

#include <gtest/gtest.h>

namespace rapport::sim {
namespace {

using tcp::Event;
using tcp::State;

// Writes records of one connection of host 0, ISS 100, IRS 900.
class Teller {
 public:
  Teller() { oracle.set_two_msl(0, 60_s); }

  template <class T>
  Teller& tell(TraceKind kind, const T& tail) {
    HostRecord r;
    r.record.header = {};
    r.record.header.at = now;
    r.record.header.kind = kind;
    r.record.header.local = IpAddress::v4(10, 0, 0, 1);
    r.record.header.key.remote = IpAddress::v4(10, 0, 0, 2);
    r.record.header.key.local_port = 4000;
    r.record.header.key.remote_port = 80;
    std::memcpy(r.record.tail, &tail, sizeof(tail));
    oracle.recorded(r);
    return *this;
  }

  struct Numbers {
    uint32_t seq = 0, ack = 0, text = 0;
  };

  Teller& segment(Direction d, State s, wire::Flags flags, const Numbers& n) {
    TraceSegment t{};
    t.direction = static_cast<uint8_t>(d);
    t.state = static_cast<uint8_t>(s);
    t.flags = flags.v;
    t.seq = n.seq;
    t.ack = n.ack;
    t.text_length = n.text;
    t.serial = ++serial;
    return tell(TraceKind::Segment, t);
  }

  Teller& sends(State s, wire::Flags flags, uint32_t seq, uint32_t ack) {
    return segment(Direction::Sent, s, flags, {.seq = seq, .ack = ack});
  }

  Teller& hears(State s, wire::Flags flags, uint32_t seq, uint32_t ack, uint32_t text = 0) {
    return segment(Direction::Received, s, flags, {.seq = seq, .ack = ack, .text = text});
  }

  // The last segment goes no further.
  Teller& drops(DropReason why) {
    TraceDrop d{};
    d.reason = static_cast<uint8_t>(why);
    d.serial = serial;
    return tell(TraceKind::Drop, d);
  }

  Teller& moves(State from, State to, Event e) {
    TraceTransition t{};
    t.from = static_cast<uint8_t>(from);
    t.to = static_cast<uint8_t>(to);
    t.event = static_cast<uint8_t>(e);
    return tell(TraceKind::Transition, t);
  }

  Teller& calls(CallKind c) {
    TraceCall t{};
    t.call = static_cast<uint8_t>(c);
    return tell(TraceKind::Call, t);
  }

  Teller& fires(TimerKind k, uint8_t attempt, uint32_t interval_ms) {
    TraceTimer t{};
    t.timer = static_cast<uint8_t>(k);
    t.attempt = attempt;
    t.interval_ms = interval_ms;
    return tell(TraceKind::Timer, t);
  }

  Teller& after(Duration d) {
    now += d;
    return *this;
  }

  Teller& opens() {
    return moves(State::Closed, State::SynSent, Event::OpenedActive)
        .sends(State::SynSent, wire::kSyn, 100, 0)
        .after(10_ms)
        .hears(State::SynSent, wire::kSyn | wire::kAck, 900, 101)
        .moves(State::SynSent, State::Established, Event::SynAckArrived)
        .sends(State::Established, wire::kAck, 101, 901);
  }

  Teller& closes_first() {
    return calls(CallKind::ShutdownWrite)
        .moves(State::Established, State::FinWait1, Event::CloseCalled)
        .sends(State::FinWait1, wire::kFin | wire::kAck, 101, 901)
        .after(10_ms)
        .hears(State::FinWait1, wire::kAck, 901, 102)
        .moves(State::FinWait1, State::FinWait2, Event::FinAcked);
  }

  Teller& hears_the_last_fin() {
    return hears(State::FinWait2, wire::kFin | wire::kAck, 901, 102)
        .moves(State::FinWait2, State::TimeWait, Event::FinArrived)
        .sends(State::TimeWait, wire::kAck, 102, 902);
  }

  [[nodiscard]] bool believed() const { return oracle.complaint().empty(); }

  Oracle oracle;
  Instant now{7'000'000};
  uint32_t serial = 0;
};

TEST(Oracle, BelievesATrueLife) {
  Teller t;
  t.opens().closes_first().hears_the_last_fin().after(60_s);
  t.moves(State::TimeWait, State::Closed, Event::TimeWaitExpired);
  EXPECT_EQ(t.oracle.complaint(), "");
  EXPECT_EQ(t.oracle.believed(), 6U);
}

TEST(Oracle, ARetransmittedFinBeginsTimeWaitAnew) {
  Teller t;
  t.opens().closes_first().hears_the_last_fin().after(30_s);
  t.hears(State::TimeWait, wire::kFin | wire::kAck, 901, 102).after(60_s);
  t.moves(State::TimeWait, State::Closed, Event::TimeWaitExpired);
  EXPECT_EQ(t.oracle.complaint(), "");
}

// `rapport explore --scenario open-close --faults 3` drew this one: a FIN of the client's life
// before its crash came into TIME-WAIT, and was dropped there; then the FIN of this life came
// again.
TEST(Oracle, AFinOfAnotherLifeIsNotThePeersFin) {
  for (const auto why : {DropReason::PawsRejected, DropReason::NotAcceptable}) {
    Teller t;
    t.opens().closes_first().hears_the_last_fin().after(20_s);
    t.hears(State::TimeWait, wire::kFin | wire::kAck, 501, 102).drops(why).after(10_s);
    t.hears(State::TimeWait, wire::kFin | wire::kAck, 901, 102).after(60_s);
    t.moves(State::TimeWait, State::Closed, Event::TimeWaitExpired);
    EXPECT_EQ(t.oracle.complaint(), "");
  }
}

TEST(Oracle, AForgedFinBehindThePeersIsNotThePeersFin) {
  Teller t;
  t.opens().calls(CallKind::ShutdownWrite);
  t.moves(State::Established, State::FinWait1, Event::CloseCalled)
      .sends(State::FinWait1, wire::kFin | wire::kAck, 101, 901)
      .hears(State::FinWait1, wire::kFin | wire::kAck, 901, 101)
      .moves(State::FinWait1, State::Closing, Event::FinArrived)
      .hears(State::Closing, wire::kFin | wire::kAck, 5'000, 102)
      .moves(State::Closing, State::TimeWait, Event::FinAcked)
      .after(20_s)
      .hears(State::TimeWait, wire::kFin | wire::kAck, 901, 102)
      .after(60_s)
      .moves(State::TimeWait, State::Closed, Event::TimeWaitExpired);
  EXPECT_EQ(t.oracle.complaint(), "");
}

TEST(Oracle, SeesATimeWaitThatIsTooShortOrTooLong) {
  for (const Duration wrong : {59'999_ms, 60'001_ms}) {
    Teller t;
    t.opens().closes_first().hears_the_last_fin().after(wrong);
    t.moves(State::TimeWait, State::Closed, Event::TimeWaitExpired);
    EXPECT_FALSE(t.believed());
  }
}

TEST(Oracle, SeesATickThatIsNotTheNext) {
  Teller t;
  t.now = Instant{} + 7_ms + 1_us;
  t.opens().closes_first().hears_the_last_fin().after(60_s - 1_us);
  t.moves(State::TimeWait, State::Closed, Event::TimeWaitExpired);
  EXPECT_FALSE(t.believed()) << "it ended before 2MSL had passed";
}

TEST(Oracle, SeesAFinThatWasNeverAcknowledged) {
  Teller t;
  t.opens().calls(CallKind::Close);
  t.moves(State::Established, State::FinWait1, Event::CloseCalled)
      .sends(State::FinWait1, wire::kFin | wire::kAck, 101, 901)
      .hears(State::FinWait1, wire::kAck, 901, 101)
      .moves(State::FinWait1, State::FinWait2, Event::FinAcked);
  EXPECT_FALSE(t.believed());
}

TEST(Oracle, SeesAFinThatWasTakenOutOfOrder) {
  Teller t;
  t.opens().hears(State::Established, wire::kFin | wire::kAck, 911, 101);  // 901..910 are missing
  t.moves(State::Established, State::CloseWait, Event::FinArrived);
  EXPECT_FALSE(t.believed());
  Teller u;
  u.opens().hears(State::Established, wire::kFin | wire::kAck, 911, 101);
  u.hears(State::Established, wire::kAck, 901, 101, 10);
  u.moves(State::Established, State::CloseWait, Event::FinArrived);
  EXPECT_TRUE(u.believed());
}

TEST(Oracle, SeesACloseThatNobodyCalled) {
  Teller t;
  t.opens().moves(State::Established, State::FinWait1, Event::CloseCalled);
  EXPECT_FALSE(t.believed());
}

TEST(Oracle, SeesAStateThatDoesNotFollow) {
  Teller t;
  t.opens().hears(State::Established, wire::kFin | wire::kAck, 901, 101);
  t.moves(State::Established, State::Closing, Event::FinArrived);
  EXPECT_FALSE(t.believed());
  Teller u;
  u.opens().sends(State::CloseWait, wire::kAck, 101, 901);
  EXPECT_FALSE(u.believed());
}

TEST(Oracle, SeesAnAbortThatNobodyCalled) {
  Teller t;
  t.opens().moves(State::Established, State::Closed, Event::AbortCalled);
  EXPECT_FALSE(t.believed());
  Teller u;
  u.opens().calls(CallKind::Abort).after(1_ms);
  u.moves(State::Established, State::Closed, Event::AbortCalled);
  EXPECT_FALSE(u.believed()) << "the call was another instant's";
  Teller v;
  v.opens().calls(CallKind::Abort).moves(State::Established, State::Closed, Event::AbortCalled);
  EXPECT_EQ(v.oracle.complaint(), "");
  Teller w;
  w.oracle.set_drain(0, w.now + 1_s);
  w.opens().after(1_s).moves(State::Established, State::Closed, Event::AbortCalled);
  EXPECT_EQ(w.oracle.complaint(), "");
}

TEST(Oracle, SeesThatSomebodyGaveUpTooSoon) {
  for (const bool too_soon : {false, true}) {
    Teller t;  // our FIN is never acknowledged
    t.opens().after(3_s).calls(CallKind::ShutdownWrite);
    t.moves(State::Established, State::FinWait1, Event::CloseCalled)
        .sends(State::FinWait1, wire::kFin | wire::kAck, 101, 901)
        .after(too_soon ? 6_s : 7_s)
        .fires(TimerKind::UserTimeout, 1, 10'000)
        .moves(State::FinWait1, State::Closed, Event::GaveUp);
    EXPECT_EQ(t.believed(), !too_soon);
  }
  Teller u;  // what is acknowledged counts as progress
  u.opens().after(8_s).calls(CallKind::ShutdownWrite);
  u.moves(State::Established, State::FinWait1, Event::CloseCalled)
      .sends(State::FinWait1, wire::kFin | wire::kAck, 101, 901)
      .hears(State::FinWait1, wire::kAck, 901, 102)
      .moves(State::FinWait1, State::FinWait2, Event::FinAcked)
      .after(2_s)
      .fires(TimerKind::UserTimeout, 1, 10'000)
      .moves(State::FinWait2, State::Closed, Event::GaveUp);
  EXPECT_FALSE(u.believed());
  Teller v;
  v.opens().after(1000_s).moves(State::Established, State::Closed, Event::GaveUp);
  EXPECT_FALSE(v.believed()) << "no timer fired";
}

TEST(Oracle, TakesTheAckOfTextThatWasDroppedBehindIt) {
  for (const DropReason why : {DropReason::TextAfterFin, DropReason::NotAcceptable}) {
    Teller t;
    t.opens()
        .hears(State::Established, wire::kFin | wire::kAck, 901, 101)
        .moves(State::Established, State::CloseWait, Event::FinArrived)
        .segment(Direction::Sent, State::CloseWait, wire::kAck,
                 {.seq = 101, .ack = 902, .text = 50})
        .after(1_s)
        .hears(State::CloseWait, wire::kAck, 902, 121, 6)
        .drops(why)
        .after(3_s)
        .hears(State::CloseWait, wire::kAck, 902, 121)  // progress, if the one before was none
        .after(2_s)
        .fires(TimerKind::UserTimeout, 1, 5'000)
        .moves(State::CloseWait, State::Closed, Event::GaveUp);
    EXPECT_EQ(t.believed(), why == DropReason::TextAfterFin);
  }
}

TEST(Oracle, SeesAKeepAliveThatDidNotWait) {
  for (const uint32_t heard_before_ms : {4'999U, 5'000U}) {
    Teller t;
    t.opens().after(100_s).hears(State::Established, wire::kAck, 901, 101);
    t.after(heard_before_ms * 1_ms).fires(TimerKind::KeepAlive, 4, 5'000);
    t.moves(State::Established, State::Closed, Event::GaveUp);
    EXPECT_EQ(t.believed(), heard_before_ms == 5'000U);
  }
}

TEST(Oracle, SeesAnEvictionThatNobodyNeeded) {
  Teller t;
  t.opens().closes_first().hears_the_last_fin().after(1_s);
  t.moves(State::TimeWait, State::Closed, Event::Evicted);
  EXPECT_FALSE(t.believed());
}

TEST(Oracle, SeesADeathByTextThatNeverCame) {
  Teller t;
  t.opens().closes_first().moves(State::FinWait2, State::Closed, Event::DataAfterClose);
  EXPECT_FALSE(t.believed());
}

// A SYN of another life of the peer, which SYN-RECEIVED does not take, changes nothing: what comes
// afterwards still counts from the SYN that was taken.
TEST(Oracle, CountsFromTheSynThatWasTaken) {
  Teller t;
  t.hears(State::Listen, wire::kSyn, 900, 0);
  t.moves(State::Listen, State::SynReceived, Event::SynArrived);
  t.sends(State::SynReceived, wire::kSyn | wire::kAck, 100, 901);
  t.hears(State::SynReceived, wire::kSyn, 5'000'000, 0).drops(DropReason::NotAcceptable);
  t.hears(State::SynReceived, wire::kFin | wire::kAck, 901, 101);
  t.moves(State::SynReceived, State::Established, Event::SynAcked);
  t.moves(State::Established, State::CloseWait, Event::FinArrived);
  EXPECT_EQ(t.oracle.complaint(), "");
}

TEST(Oracle, TellsTheOrderOfTwoCloses) {
  Teller t;
  t.opens().hears(State::Established, wire::kFin | wire::kAck, 901, 101);
  t.moves(State::Established, State::CloseWait, Event::FinArrived).calls(CallKind::Close);
  t.moves(State::CloseWait, State::LastAck, Event::CloseCalled);
  t.sends(State::LastAck, wire::kFin | wire::kAck, 101, 902).after(10_ms);
  t.hears(State::LastAck, wire::kAck, 902, 102);
  t.moves(State::LastAck, State::Closed, Event::FinAcked);
  EXPECT_EQ(t.oracle.complaint(), "");
}

}  // namespace
}  // namespace rapport::sim
