// Every invariant is broken here on purpose, by records that lie about a connection of two hosts:
// what cannot fail proves nothing. The same life told truly breaks none.
#include "rapport/sim/invariants.hh"

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::sim {
namespace {

using tcp::Event;
using tcp::State;

constexpr uint32_t kIss[2] = {100, 900};

// Two hosts that exist, and a trace of them that is made up.
class Liar : public ::testing::Test {
 protected:
  Liar() : world({.abort_on_complaint = false}), invariants(world) {
    for (uint8_t i = 0; i < 2; ++i) {
      HostConfig host;
      host.name = i == 0 ? "a" : "b";
      host.stack.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, i + 1), 24}};
      world.add_host(host);
    }
    world.connect(0, 1, {});
  }

  static Endpoint at(uint32_t host) {
    return {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(host + 1)),
            static_cast<uint16_t>(host == 0 ? 4000 : 80)};
  }

  static Tuple tuple(uint32_t host) { return {at(host), at(1 - host)}; }

  template <class T>
  void tell(uint32_t host, TraceKind kind, const T& tail) {
    HostRecord r;
    r.host = host;
    r.record.header = {};
    r.record.header.at = now;
    r.record.header.kind = kind;
    r.record.header.local = at(host).address;
    r.record.header.key.remote = at(1 - host).address;
    r.record.header.key.local_port = at(host).port;
    r.record.header.key.remote_port = at(1 - host).port;
    std::memcpy(r.record.tail, &tail, sizeof(tail));
    invariants.recorded(r);
  }

  struct Numbers {
    uint32_t seq = 0, ack = 0, text = 0;
    uint16_t window = 1000;
    uint32_t tsval = 0;
  };

  TraceSegment segment(uint32_t host, wire::Flags flags, const Numbers& n) const {
    TraceSegment t{};
    t.state = static_cast<uint8_t>(states[host]);
    t.flags = flags.v;
    t.seq = n.seq;
    t.ack = n.ack;
    t.text_length = n.text;
    t.window = n.window;
    if (n.tsval != 0) {
      wire::Options o;
      o.has_timestamps = true;
      o.tsval = n.tsval;
      t.option_length = static_cast<uint8_t>(wire::write_options(t.options, o));
    }
    return t;
  }

  // Returns its serial, for the one who hears it.
  uint32_t sends(uint32_t host, wire::Flags flags, const Numbers& n) {
    TraceSegment t = segment(host, flags, n);
    t.direction = static_cast<uint8_t>(Direction::Sent);
    t.serial = ++serials[host];
    tell(host, TraceKind::Segment, t);
    return t.serial;
  }

  void hears(uint32_t host, wire::Flags flags, const Numbers& n, uint32_t serial) {
    TraceSegment t = segment(host, flags, n);
    t.direction = static_cast<uint8_t>(Direction::Received);
    t.serial = serial;
    tell(host, TraceKind::Segment, t);
  }

  void passes(uint32_t from, wire::Flags flags, const Numbers& n) {
    const uint32_t serial = sends(from, flags, n);
    hears(1 - from, flags, n, serial);
  }

  void moves(uint32_t host, Event event) {
    const tcp::Transition* const t = tcp::find_transition(states[host], event);
    ASSERT_NE(t, nullptr);
    moves(host, event, t->to);
  }

  void moves(uint32_t host, Event event, State to) {
    TraceTransition t{};
    t.from = static_cast<uint8_t>(states[host]);
    t.to = static_cast<uint8_t>(to);
    t.event = static_cast<uint8_t>(event);
    states[host] = to;
    tell(host, TraceKind::Transition, t);
  }

  void calls(uint32_t host, CallKind kind, uint32_t octets = 0) {
    TraceCall t{};
    t.call = static_cast<uint8_t>(kind);
    t.octets = octets;
    tell(host, TraceKind::Call, t);
  }

  // a opens to b, which listens.
  void handshake() {
    states[1] = State::Listen;
    moves(0, Event::OpenedActive);
    passes(0, wire::kSyn, {.seq = kIss[0]});
    moves(1, Event::SynArrived);
    passes(1, wire::kSyn | wire::kAck, {.seq = kIss[1], .ack = kIss[0] + 1});
    moves(0, Event::SynAckArrived);
    passes(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
    moves(1, Event::SynAcked);
  }

  // a closes first; both have acknowledged both FINs, a is in TIME-WAIT since `now`.
  void close() {
    calls(0, CallKind::Close);
    moves(0, Event::CloseCalled);
    passes(0, wire::kFin | wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
    moves(1, Event::FinArrived);
    passes(1, wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 2});
    moves(0, Event::FinAcked);
    calls(1, CallKind::Close);
    moves(1, Event::CloseCalled);
    passes(1, wire::kFin | wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 2});
    moves(0, Event::FinArrived);
    passes(0, wire::kAck, {.seq = kIss[0] + 2, .ack = kIss[1] + 2});
    moves(1, Event::FinAcked);
  }

  void expect(Invariant which) {
    const auto& breach = invariants.breach();
    if (!breach) FAIL() << "nothing was noticed";
    EXPECT_EQ(breach->which, which) << breach->to_string();
  }

  void expect_none() {
    const auto& breach = invariants.breach();
    if (breach) FAIL() << breach->to_string();
  }

  World world;
  Instant now = Instant{} + 1_s;
  std::array<State, 2> states{State::Closed, State::Closed};
  std::array<uint32_t, 2> serials{};

 public:
  Invariants invariants;
};

TEST_F(Liar, EveryLawHasItsNameAndClause) {
  EXPECT_EQ(laws().size(), kAlwaysWatched);
  for (size_t i = 0; i < kInvariants; ++i) {
    const Law& l = law(static_cast<Invariant>(i));
    EXPECT_FALSE(l.name.empty() || l.clause.empty() || l.sentence.empty());
    EXPECT_EQ(name(l.which), l.name);
  }
}

TEST_F(Liar, ATrueLifeBreaksNone) {
  handshake();
  const std::vector<uint8_t> text{1, 2, 3};
  invariants.wrote(0, tuple(0), text);
  calls(0, CallKind::Send, 3);
  passes(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .text = 3});
  passes(1, wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 4});
  invariants.read(1, tuple(1), text);
  calls(1, CallKind::Receive, 3);
  invariants.all_is_quiet();
  expect_none();
}

TEST_F(Liar, ALifeToItsEndBreaksNone) {
  handshake();
  close();
  now += 60_s;
  moves(0, Event::TimeWaitExpired);
  invariants.all_is_quiet();
  expect_none();
}

TEST_F(Liar, BytesInOrder) {
  handshake();
  invariants.wrote(0, tuple(0), std::vector<uint8_t>{1, 2, 3});
  calls(0, CallKind::Send, 3);
  passes(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .text = 3});
  invariants.read(1, tuple(1), std::vector<uint8_t>{1, 3, 2});
  calls(1, CallKind::Receive, 3);
  expect(Invariant::BytesInOrder);
}

// b believes an old SYN: whoever sent it never heard of b.
TEST_F(Liar, Agreement) {
  states[1] = State::Listen;
  moves(0, Event::OpenedActive);
  const uint32_t old = sends(0, wire::kSyn, {.seq = kIss[0]});
  calls(0, CallKind::Close);
  moves(0, Event::CloseCalled);
  hears(1, wire::kSyn, {.seq = kIss[0]}, old);
  moves(1, Event::SynArrived);
  sends(1, wire::kSyn | wire::kAck, {.seq = kIss[1], .ack = kIss[0] + 1});
  invariants.leave_out(Invariant::TwoHalves);
  moves(1, Event::SynAcked);
  expect_none();
  invariants.all_is_quiet();
  expect(Invariant::Agreement);
}

// a sent this text, but to a life of b with another number.
TEST_F(Liar, OneIncarnation) {
  handshake();
  const uint32_t serial = sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .text = 3});
  invariants.leave_out(Invariant::TwoHalves);
  states[1] = State::Closed;
  moves(1, Event::OpenedActive);
  sends(1, wire::kSyn, {.seq = kIss[1] + 7000});
  hears(1, wire::kSyn, {.seq = kIss[0]}, 1);
  moves(1, Event::SynArrived);
  states[1] = State::Established;
  hears(1, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .text = 3}, serial);
  states[1] = State::SynReceived;
  sends(1, wire::kAck, {.seq = kIss[1] + 7001, .ack = kIss[0] + 4});
  expect(Invariant::OneIncarnation);
}

TEST_F(Liar, TimerOrDebtWithoutADoubledRto) {
  handshake();
  const auto fires = [&](uint8_t attempt, uint32_t interval_ms) {
    now += interval_ms * 1_ms;
    tell(0, TraceKind::Timer,
         TraceTimer{static_cast<uint8_t>(TimerKind::Retransmission), attempt, 0, interval_ms});
  };
  fires(1, 300);
  fires(2, 600);
  expect_none();
  fires(3, 900);
  expect(Invariant::TimerOrDebt);
}

TEST_F(Liar, TimerOrDebtWithATimerThatFiresEarly) {
  handshake();
  for (const uint8_t attempt : {uint8_t{1}, uint8_t{2}}) {
    now += 300_ms;
    tell(0, TraceKind::Timer,
         TraceTimer{static_cast<uint8_t>(TimerKind::Retransmission), attempt, 0, 300U * attempt});
  }
  expect(Invariant::TimerOrDebt);
}

TEST_F(Liar, TimerOrDebtOfAnAck) {
  handshake();
  sends(1, wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 1});
  passes(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .text = 3});
  now += 500_ms;
  sends(1, wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 4});
  expect(Invariant::TimerOrDebt);
}

// Who forges text behind the peer's FIN is owed nothing.
TEST_F(Liar, NoAckIsOwedToTextBehindTheFin) {
  handshake();
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
  calls(0, CallKind::Close);
  moves(0, Event::CloseCalled);
  sends(0, wire::kFin | wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
  hears(0, wire::kFin | wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 1}, 77);
  moves(0, Event::FinArrived);
  sends(0, wire::kAck, {.seq = kIss[0] + 2, .ack = kIss[1] + 2});
  hears(0, wire::kAck, {.seq = kIss[1] + 2, .ack = kIss[0] + 2, .text = 256}, 78);
  moves(0, Event::FinAcked);
  now += 700_ms;
  sends(0, wire::kAck, {.seq = kIss[0] + 2, .ack = kIss[1] + 2});
  expect_none();
}

TEST_F(Liar, Liveness) {
  tcp::Listen listen;
  listen.port = 80;
  ASSERT_TRUE(world.stack(0).command(listen, world.now()));
  invariants.all_is_over();
  expect(Invariant::Liveness);
}

TEST_F(Liar, TimerOrDebtWithATimerForNothing) {
  invariants.watch_only({Invariant::TimerOrDebt});
  ASSERT_TRUE(world.stack(0).command(tcp::Connect{.remote = at(1), .local_address = {}}, now));
  invariants.all_is_over();
  expect(Invariant::TimerOrDebt);
}

TEST_F(Liar, WithinWindowOfThePeer) {
  handshake();
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .text = 1001});
  expect(Invariant::WithinWindow);
}

TEST_F(Liar, WithinOurOwnWindow) {
  handshake();
  // b sends what a's window of 1,000 cannot take, and a takes it.
  hears(0, wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 1, .text = 1200}, 77);
  invariants.leave_out(Invariant::OneIncarnation);
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1201});
  expect(Invariant::WithinWindow);
}

TEST_F(Liar, AckOfReceived) {
  handshake();
  hears(1, wire::kAck, {.seq = kIss[0] + 11, .ack = kIss[1] + 1, .text = 10}, 77);
  sends(1, wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 21});
  expect(Invariant::AckOfReceived);
}

// Who forges a FIN behind a hole may have it taken, when the peer's own comes before it.
TEST_F(Liar, AckOfReceivedOverEitherOfTwoFins) {
  handshake();
  invariants.leave_out(Invariant::OneIncarnation);
  hears(0, wire::kFin | wire::kAck, {.seq = kIss[1] + 51, .ack = kIss[0] + 1, .text = 20}, 77);
  hears(0, wire::kFin | wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0] + 1, .text = 50}, 78);
  moves(0, Event::FinArrived);
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 72});
  expect_none();
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 73});
  expect(Invariant::AckOfReceived);
}

TEST_F(Liar, LegalNumbersOfAFin) {
  handshake();
  sends(0, wire::kFin | wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
  expect(Invariant::LegalNumbers);
}

// A simultaneous open, closed before our SYN was acknowledged; the FIN does not acknowledge it.
TEST_F(Liar, LegalNumbersOfASynAgain) {
  invariants.leave_out(Invariant::OneIncarnation);  // nobody sent that FIN
  moves(0, Event::OpenedActive);
  sends(0, wire::kSyn, {.seq = kIss[0]});
  hears(0, wire::kSyn, {.seq = kIss[1]}, 77);
  moves(0, Event::SynArrived);
  const Numbers both{.seq = kIss[0], .ack = kIss[1] + 1};
  sends(0, wire::kSyn | wire::kAck, both);
  calls(0, CallKind::ShutdownWrite);
  moves(0, Event::CloseCalled);
  sends(0, wire::kSyn | wire::kAck, both);
  sends(0, wire::kFin | wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
  hears(0, wire::kFin | wire::kAck, {.seq = kIss[1] + 1, .ack = kIss[0]}, 78);
  moves(0, Event::FinArrived);
  sends(0, wire::kSyn | wire::kAck, {.seq = kIss[0], .ack = kIss[1] + 2});
  expect_none();
  hears(0, wire::kAck, {.seq = kIss[1] + 2, .ack = kIss[0] + 1}, 79);
  sends(0, wire::kSyn | wire::kAck, {.seq = kIss[0], .ack = kIss[1] + 2});
  expect(Invariant::LegalNumbers);
}

TEST_F(Liar, LegalNumbersWithoutAHole) {
  handshake();
  sends(0, wire::kAck, {.seq = kIss[0] + 2, .ack = kIss[1] + 1, .text = 5});
  expect(Invariant::LegalNumbers);
}

TEST_F(Liar, LegalNumbersOfNobody) {
  states[0] = State::Closed;
  sends(0, wire::kAck, {.seq = 1, .ack = 2});
  expect(Invariant::LegalNumbers);
}

TEST_F(Liar, RstAllowedToNobody) {
  sends(0, wire::kRst, {.seq = 1});
  expect(Invariant::RstAllowed);
}

// Its numbers are those of an answer to what came, but an answer carries no ACK (3.10.7.1).
TEST_F(Liar, PartingWithTheNumbersOfAnAnswer) {
  invariants.watch_models();
  moves(0, Event::OpenedActive);
  sends(0, wire::kSyn, {.seq = kIss[0]});
  hears(0, wire::kSyn, {.seq = kIss[1]}, 77);
  moves(0, Event::SynArrived);
  sends(0, wire::kSyn | wire::kAck, {.seq = kIss[0], .ack = kIss[1] + 1});
  hears(0, wire::kFin | wire::kAck, {.seq = kIss[1] + 5000, .ack = kIss[0] + 1}, 78);
  calls(0, CallKind::Abort);
  sends(0, wire::kRst | wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
  moves(0, Event::AbortCalled);
  expect_none();
}

TEST_F(Liar, RstAllowedOnlyAsTheLastWord) {
  handshake();
  sends(0, wire::kRst, {.seq = kIss[0] + 1});
  expect_none();  // an ABORT may follow
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
  expect(Invariant::RstAllowed);
}

TEST_F(Liar, TimeWaitTooShort) {
  handshake();
  close();
  now += 60_s - 1_ms;
  moves(0, Event::TimeWaitExpired);
  expect(Invariant::TimeWaitLength);
}

TEST_F(Liar, TimeWaitTooLong) {
  handshake();
  close();
  now += 60_s + 1_ms;
  moves(0, Event::TimeWaitExpired);
  expect(Invariant::TimeWaitLength);
}

TEST_F(Liar, TimeWaitAssassinated) {
  handshake();
  close();
  hears(0, wire::kRst, {.seq = kIss[1] + 2}, 77);
  moves(0, Event::RstArrived);
  expect(Invariant::TimeWaitLength);
}

TEST_F(Liar, MemoryBack) {
  const std::array<uint8_t, 40> packet{};
  world.inject(0, 1, packet, world.now() + 1_s);  // it still lies in the pool of its sender
  invariants.all_is_over();
  expect(Invariant::MemoryBack);
}

TEST_F(Liar, ClockForward) {
  handshake();
  now = now - 1_ns;
  passes(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1});
  expect(Invariant::ClockForward);
}

TEST_F(Liar, ClockForwardInTimestamps) {
  handshake();
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .tsval = 1000});
  sends(0, wire::kAck, {.seq = kIss[0] + 1, .ack = kIss[1] + 1, .tsval = 999});
  expect(Invariant::ClockForward);
}

TEST_F(Liar, TwoHalves) {
  handshake();
  moves(0, Event::FinArrived);  // none was heard
  expect(Invariant::TwoHalves);
}

TEST_F(Liar, WhatIsLeftOutIsNotNoticed) {
  invariants.watch_only({Invariant::TwoHalves});
  sends(0, wire::kRst, {.seq = 1});
  expect_none();
}

}  // namespace
}  // namespace rapport::sim
