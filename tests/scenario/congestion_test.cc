// How much may be in flight, on the wire: slow start, avoidance, limited transmit, fast recovery,
// time-outs, idle times (RFC 5681, 3042, 6582, 6928). The arithmetic alone: unit/tcp/newreno_test.
#include "scenario.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::scenario {

namespace {

constexpr uint32_t kSmss = 1460;
constexpr uint32_t kInitialWindow = 10 * kSmss;
constexpr uint32_t kEnough = 200'000;  // octets to send: a window that is never app-limited

const With kNoSack{.sack = false};

// The full segments that were said; how many.
uint32_t says_segments(Peer& t, At at = At::current()) {
  uint32_t n = 0;
  for (; t.has_more_to_say(); ++n) t.says(data(t.largest_text()), at);
  return n;
}

uint32_t cwnd(Peer& t) {
  return t.calls_status().cwnd;
}

uint32_t ssthresh(Peer& t) {
  return t.calls_status().ssthresh;
}

Seq segment(const Peer& t, uint32_t n) {
  return t.iss + 1_B + t.largest_text() * n;
}

// Text without end is queued, and the initial window of ten segments is in flight.
Peer sending(const With& with) {
  auto t = peer::in_established(with);
  t.calls_send(ByteCount{kEnough});
  t.holds(says_segments(t) == 10, "the initial window is ten segments");
  return t;
}

// The third duplicate ACK has come; twelve segments are out, two of them by limited transmit.
Peer recovering() {
  auto t = sending(kNoSack);
  for (int i = 0; i < 2; ++i) t.hears(ack(segment(t, 0))).may_have_said_anything();
  t.hears(ack(segment(t, 0))).says(data(t.largest_text()).seq(segment(t, 0))).says_nothing();
  return t;
}

}  // namespace

SCENARIO_TEST("ESTABLISHED: the handshake itself does not grow cwnd [R5681-14, R6928-1, R5681-4]") {
  auto t = peer::in_established();
  t.holds(cwnd(t) == kInitialWindow, "cwnd is the initial window");
  t.holds(ssthresh(t) > 1'000'000, "ssthresh is arbitrarily high");
  auto u = peer::in_established({.passive = true});
  u.holds(cwnd(u) == kInitialWindow, "cwnd is the initial window");
}

// A window of one segment after several losses: from memory.
SCENARIO_TEST(
    "ESTABLISHED: the loss of one SYN leaves the initial window, of two it does not "
    "[R6928-2]") {
  auto t = peer::in_syn_sent();
  t.after(1_s).says(syn()).hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  t.holds(cwnd(t) == kInitialWindow, "one lost: ten segments");
  auto u = peer::in_syn_sent();
  u.after(1_s).says(syn()).after(2_s).says(syn());
  u.hears(u.syn_of_peer().ack(u.iss + 1_B)).says(ack());
  u.holds(cwnd(u) == kSmss, "two lost: one segment");
}

SCENARIO_TEST("ESTABLISHED: no more than cwnd and the window is ever in flight [R5681-13]") {
  auto t = sending({});
  for (uint32_t n = 1; n < 30; ++n) {
    t.hears(ack(segment(t, n)));
    (void)says_segments(t);
    const uint32_t flight = (t.snd_nxt() - t.snd_una()).v;
    t.holds(flight <= std::min(cwnd(t), t.with().window), "flight =< min(cwnd, rwnd)");
  }
}

SCENARIO_TEST("ESTABLISHED: slow start grows by what each ACK acknowledges [R5681-1, MUST-19]") {
  auto t = sending({});
  const uint32_t full = t.largest_text().v;
  t.hears(ack(segment(t, 0) + 10_B)).may_have_said_anything();
  t.holds(cwnd(t) == kInitialWindow + 10, "a splitter of ACKs earns the octets");
  t.hears(ack(segment(t, 1))).may_have_said_anything();
  t.holds(cwnd(t) == kInitialWindow + full, "one segment acknowledged, one earned");
  t.hears(ack(segment(t, 4))).may_have_said_anything();
  t.holds(cwnd(t) == kInitialWindow + full + kSmss, "at most SMSS an ACK");
}

SCENARIO_TEST("ESTABLISHED: slow start doubles the flight each round trip [MUST-19, R5681-2]") {
  auto t = sending({});
  uint32_t sent = 0;
  for (uint32_t n = 1; n <= 10; ++n) {
    t.hears(ack(segment(t, n)));
    sent += says_segments(t);
  }
  t.holds(sent >= 19 && sent <= 20, "two leave for each that was acknowledged");
}

SCENARIO_TEST("ESTABLISHED: above ssthresh cwnd grows by SMSS a round trip [R5681-2, R5681-3]") {
  auto t = recovering();
  t.hears(ack(t.snd_nxt())).may_have_said_anything();
  const uint32_t full = t.largest_text().v;
  const auto acknowledges_one = [&t] {
    t.hears(ack(t.snd_una() + t.largest_text())).may_have_said_anything();
  };
  while (cwnd(t) < ssthresh(t)) acknowledges_one();
  for (int trip = 0; trip < 4; ++trip) {
    const uint32_t before = cwnd(t);
    uint32_t acknowledged = 0;
    for (; cwnd(t) == before; acknowledged += full) {
      t.holds(acknowledged < before + full, "a whole window acknowledged is enough");
      acknowledges_one();
    }
    t.holds(cwnd(t) == before + kSmss, "by one segment");
    t.holds(acknowledged + full > before, "and not before a window is acknowledged");
  }
}

// --- limited transmit ---------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: the first two duplicates each let one new segment out "
    "[R3042-1, R3042-2]") {
  auto t = sending(kNoSack);
  for (uint32_t i = 0; i < 2; ++i) {
    t.hears(ack(segment(t, 0))).says(data(t.largest_text()).seq(segment(t, 10 + i)));
    t.says_nothing().holds(cwnd(t) == kInitialWindow, "cwnd stays");
  }
}

SCENARIO_TEST("ESTABLISHED: limited transmit stays in the peer's window [R3042-1, R5681-13]") {
  auto t = peer::in_established({.sack = false, .window = 14848});
  t.calls_send(ByteCount{kEnough});
  t.holds(says_segments(t) == 10, "the window is full");
  t.hears(ack(segment(t, 0))).says_nothing().hears(ack(segment(t, 0))).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: where SACK is agreed only news lets a segment out [R3042-3]") {
  auto t = sending({.sack = true});
  const auto reports = [&t](uint32_t upto) {
    return ack(segment(t, 0)).sack({{segment(t, 1), segment(t, upto)}});
  };
  t.hears(reports(2)).says(data(t.largest_text()).seq(segment(t, 10))).says_nothing();
  t.hears(reports(2)).says_nothing();  // the same again
  auto u = sending({.sack = true});
  u.hears(ack(segment(u, 0))).says_nothing();  // no block at all
  u.hears(ack(segment(u, 0))).says_nothing();
}

// --- fast recovery ------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: recovery begins at half the flight and three segments "
    "[R5681-8, R5681-10, R5681-7]") {
  auto t = recovering();
  // What limited transmit sent is not counted (RFC 5681 3.2, step 2).
  const uint32_t flight = 10 * t.largest_text().v;
  t.holds(ssthresh(t) == flight / 2, "ssthresh is half the flight");
  t.holds(cwnd(t) == ssthresh(t) + 3 * kSmss, "cwnd is ssthresh and three segments");
  t.hears(ack(segment(t, 0))).may_have_said_anything();
  t.holds(cwnd(t) == ssthresh(t) + 4 * kSmss, "each further duplicate adds one");
}

SCENARIO_TEST(
    "ESTABLISHED: while it recovers new segments leave as duplicates come "
    "[R5681-10, R6298-9]") {
  auto t = recovering();
  uint32_t duplicates = 3;
  for (; !t.has_more_to_say() && duplicates < 12; ++duplicates) t.hears(ack(segment(t, 0)));
  // Twelve are out; cwnd, half of ten and as many as duplicates, lets the next out at last.
  t.holds(duplicates == 8, "after the eighth duplicate");
  t.says(data(t.largest_text()).seq(segment(t, 12))).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: an ACK of all ends the recovery without a burst [R6582-3, R2525-2]") {
  auto t = recovering();
  t.hears(ack(t.snd_nxt()));
  t.holds(says_segments(t) == 2, "nothing was in flight: two segments");
  t.holds(cwnd(t) == 2 * kSmss, "cwnd = min(ssthresh, max(FlightSize, SMSS) + SMSS)");
}

SCENARIO_TEST(
    "ESTABLISHED: a partial ACK makes the next hole leave again, only it "
    "[R6582-1, R6582-4]") {
  auto t = recovering();
  const uint32_t before = cwnd(t);
  t.hears(ack(segment(t, 3))).says(data(t.largest_text()).seq(segment(t, 3))).says_nothing();
  t.holds(cwnd(t) == before - 3 * t.largest_text().v + kSmss, "deflated, and one back");
  t.hears(ack(segment(t, 7))).says(data(t.largest_text()).seq(segment(t, 7))).says_nothing();
  t.hears(ack(segment(t, 12)));
  (void)says_segments(t);
  t.holds(t.snd_una() == segment(t, 12), "all is repaired");
  t.holds(t.stack().counters().timeouts == 0, "without a time-out");
}

SCENARIO_TEST("ESTABLISHED: only the first partial ACK restarts the timer [R6582-4]") {
  auto t = recovering();
  const Duration rto = t.calls_status().rto;
  t.after(rto / 2).hears(ack(segment(t, 1))).may_have_said_anything();
  const Duration again = t.calls_status().rto;
  t.after(again / 2).hears(ack(segment(t, 2))).may_have_said_anything();
  t.after(again / 2 - 1_ms).says_nothing();
  t.after(2_ms).says(data(t.largest_text()).seq(segment(t, 2)));
  t.may_have_said_anything().holds(t.stack().counters().timeouts == 1, "that was the timer");
}

SCENARIO_TEST(
    "ESTABLISHED: duplicates of what a time-out sent again begin no recovery "
    "[R6582-2, R6582-5]") {
  auto t = sending(kNoSack);
  t.after_next_timer().says(data(t.largest_text()).seq(segment(t, 0))).says_nothing();
  const uint32_t half = ssthresh(t);
  for (int i = 0; i < 5; ++i) t.hears(ack(segment(t, 0))).says_nothing();
  t.holds(ssthresh(t) == half && cwnd(t) == kSmss, "neither is touched");
  t.holds(t.stack().counters().fast_retransmissions == 0, "no fast retransmission");
}

// --- time-outs and idle times -------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: a time-out halves the flight, again of the same text it does not "
    "[R5681-5, R5681-6, R8961-3]") {
  auto t = sending({});
  const uint32_t half = 5 * t.largest_text().v;
  for (int i = 0; i < 4; ++i) {
    t.after_next_timer().says(data(t.largest_text()).seq(segment(t, 0))).says_nothing();
    t.holds(ssthresh(t) == half, "half of what was in flight at first");
    t.holds(cwnd(t) == kSmss, "cwnd is one segment");
  }
  // Slow start from there: what was in flight leaves again, one, then two segments.
  t.hears(ack(segment(t, 1)));
  t.holds(says_segments(t) == 2, "two segments");
}

SCENARIO_TEST("ESTABLISHED: what counts at a time-out is the flight, not cwnd [R5681-7]") {
  auto t = peer::in_established();
  t.calls_send(t.largest_text() * 6);
  t.holds(says_segments(t) == 6, "less than cwnd");
  t.after_next_timer().says(data(t.largest_text()));
  t.holds(ssthresh(t) == 3 * t.largest_text().v, "half of six");
}

SCENARIO_TEST(
    "ESTABLISHED: after a long silence cwnd is the initial window again "
    "[R5681-12, R6928-3]") {
  auto t = peer::in_established();
  t.calls_send(t.largest_text() * 30);
  (void)says_segments(t);
  while (t.snd_una() != t.snd_nxt()) {
    t.hears(ack(t.snd_una() + t.largest_text()));
    (void)says_segments(t);
  }
  t.holds(cwnd(t) > 15 * kSmss, "it had grown");
  t.after(10_s).calls_send(t.largest_text() * 40);
  t.holds(says_segments(t) == 10, "ten segments leave");
}

SCENARIO_TEST("ESTABLISHED: a silence shorter than the RTO costs nothing [R5681-12]") {
  auto t = peer::in_established();
  t.calls_send(t.largest_text() * 30);
  (void)says_segments(t);
  while (t.snd_una() != t.snd_nxt()) {
    t.hears(ack(t.snd_una() + t.largest_text()));
    (void)says_segments(t);
  }
  t.after(100_ms).calls_send(t.largest_text() * 40);
  t.holds(says_segments(t) > 15, "more than the initial window");
}

}  // namespace rapport::scenario
