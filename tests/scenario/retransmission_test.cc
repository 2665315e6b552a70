// The retransmission timer (RFC 6298) on the wire: what is measured, when it is started, restarted,
// doubled and limited.
#include "scenario.hh"

#include <algorithm>

namespace rapport::scenario {

namespace {

const With kNoTimestamps{.timestamps = false};

Duration srtt(Peer& t) {
  return t.calls_status().srtt;
}

}  // namespace

SCENARIO_TEST("SYN-SENT: the handshake is the first sample [R6298-2]") {
  auto t = peer::in_syn_sent();
  t.after(500_ms).hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  const auto s = t.calls_status();
  t.holds(s.srtt == 500_ms && s.rttvar == 250_ms && s.rto == 1500_ms, "R, R/2, SRTT + 4 RTTVAR");
}

SCENARIO_TEST("SYN-RECEIVED: the handshake is the first sample here too [R6298-2]") {
  auto t = peer::in_syn_received_passive();
  t.after(500_ms).hears(ack()).says_nothing().calls_accept();
  const auto s = t.calls_status();
  t.holds(s.srtt == 500_ms && s.rttvar == 250_ms && s.rto == 1500_ms, "R, R/2, SRTT + 4 RTTVAR");
}

SCENARIO_TEST("ESTABLISHED: a segment sent twice gives no sample [R6298-6, R8961-2, MUST-18]") {
  auto t = peer::in_established(kNoTimestamps);
  const Duration before = srtt(t);
  t.calls_send(100_B).says(data(100_B));
  t.after(200_ms).says(data(100_B)).after(50_ms).hears(ack()).says_nothing();
  t.holds(srtt(t) == before, "which of the two was acknowledged?");
  t.calls_send(100_B).says(data(100_B)).after(40_ms).hears(ack()).says_nothing();
  t.holds(srtt(t) > before, "the next one is measured");
}

SCENARIO_TEST("ESTABLISHED: the fast retransmission too gives no sample [R6298-6, R8961-2]") {
  auto t = peer::in_established({.sack = false, .timestamps = false});
  const Duration before = srtt(t);
  t.calls_send(t.largest_text() * 4).may_have_said_anything();
  for (int i = 0; i < 3; ++i) t.hears(ack(t.iss + 1_B)).may_have_said_anything();
  t.after(100_ms).hears(ack(t.snd_nxt())).may_have_said_anything();
  t.holds(srtt(t) == before, "no sample");
}

SCENARIO_TEST("ESTABLISHED: a timestamp tells which of two was acknowledged [R7323-15, R6298-6]") {
  auto t = peer::in_established({.timestamps = true});
  t.calls_send(100_B).says(data(100_B));
  t.after(200_ms).says(data(100_B)).after(80_ms).hears(ack()).says_nothing();
  // SRTT was nothing: an eighth of 80 ms, not of 280 ms.
  t.holds(srtt(t) >= 9_ms && srtt(t) <= 11_ms, "the second transmission is measured");
}

SCENARIO_TEST("ESTABLISHED: only an ACK that moves SND.UNA is a sample [R7323-15]") {
  auto t = peer::in_established({.timestamps = true});
  const Duration before = srtt(t);
  t.after(5_s);
  for (int i = 0; i < 5; ++i) {
    t.hears(ack().ts(t.tsval_now(), t.tsval_of_stack())).says_nothing();
    t.hears(data(1_B).ts(t.tsval_now(), t.tsval_of_stack() - 1000)).says(ack());
  }
  t.holds(srtt(t) == before, "no sample");
}

SCENARIO_TEST("ESTABLISHED: each round trip gives a sample [R6298-7, R8961-5]") {
  auto t = peer::in_established(kNoTimestamps);
  Duration last = srtt(t);
  for (int trip = 0; trip < 10; ++trip) {
    t.calls_send(t.largest_text() * 4).may_have_said_anything();
    t.after(100_ms).hears(ack()).says_nothing();
    t.holds(srtt(t) > last && srtt(t) <= 100_ms, "nearer to 100 ms");
    last = srtt(t);
  }
}

SCENARIO_TEST(
    "ESTABLISHED: the timer starts anew with each ACK of something new "
    "[R6298-9, R6298-8]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  t.calls_send(t.largest_text() * 2).may_have_said_anything();
  t.after(150_ms).hears(ack(una + t.largest_text())).says_nothing();
  const Duration rto = t.calls_status().rto;
  t.after(rto - 1_ms).says_nothing();
  t.after(2_ms).says(data(t.largest_text()).seq(una + t.largest_text()));
}

SCENARIO_TEST("ESTABLISHED: all acknowledged stops the timer [R6298-9]") {
  auto t = peer::in_established();
  t.calls_send(t.largest_text() * 3).may_have_said_anything();
  t.after(150_ms).hears(ack()).says_nothing().after(2000_s).says_nothing();
  t.is(State::Established).holds(t.stack().counters().timeouts == 0, "it never fired");
}

SCENARIO_TEST("ESTABLISHED: new text does not put off the timer of old text [R6298-8, R6298-9]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  t.calls_send(t.largest_text()).says(data(t.largest_text()));
  t.after(150_ms).calls_send(t.largest_text()).says(data(t.largest_text()));
  t.after(50_ms - 1_ms).says_nothing().after(1_ms).says(data(t.largest_text()).seq(una));
}

SCENARIO_TEST("ESTABLISHED: the wait doubles up to the longest allowed [R6298-10, R6298-5]") {
  auto t = peer::in_established();
  t.calls_send(100_B).says(data(100_B));
  Duration wait = 200_ms;
  for (int i = 0; i < 14; ++i) {
    t.after(wait - 1_ms).says_nothing().after(1_ms).says(data(100_B)).says_nothing();
    wait = std::min(wait * 2, 120_s);
  }
}

SCENARIO_TEST(
    "ESTABLISHED: a doubled wait stays until a round trip is measured [R6298-6, R6298-10]") {
  auto t = peer::in_established(kNoTimestamps);
  t.calls_send(100_B).says(data(100_B));
  t.after(200_ms).says(data(100_B)).after(400_ms).says(data(100_B));
  t.hears(ack()).says_nothing();  // of which of the three?
  t.calls_send(100_B).says(data(100_B));
  t.after(800_ms - 1_ms).says_nothing().after(1_ms).says(data(100_B));
  t.hears(ack()).says_nothing();
  t.calls_send(100_B).says(data(100_B)).hears(ack()).says_nothing();  // this is one
  t.calls_send(100_B).says(data(100_B));
  t.after(200_ms - 1_ms).says_nothing().after(1_ms).says(data(100_B));
}

SCENARIO_TEST(
    "ESTABLISHED: a timestamp measures what was sent again, the wait is short again "
    "[R6298-6, R7323-15]") {
  auto t = peer::in_established({.timestamps = true});
  t.calls_send(100_B).says(data(100_B));
  t.after(200_ms).says(data(100_B)).after(400_ms).says(data(100_B));
  t.hears(ack()).says_nothing();
  t.calls_send(100_B).says(data(100_B));
  t.after(200_ms - 1_ms).says_nothing().after(1_ms).says(data(100_B));
}

SCENARIO_TEST("ESTABLISHED: no wait is shorter than the floor that was told [R6298-4, R8961-4]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.min_rto = 1_s; }});
  t.calls_send(100_B).says(data(100_B));
  t.after(1_s - 1_ms).says_nothing().after(1_ms).says(data(100_B));
  t.after(2_s - 1_ms).says_nothing().after(1_ms).says(data(100_B));
}

SCENARIO_TEST(
    "SYN-SENT: without a sample the wait is 1 s, then 2 s, 4 s "
    "[R6298-1, R6298-10, R8961-1, R2525-2]") {
  auto t = peer::in_syn_sent();
  for (const auto wait : {1_s, 2_s, 4_s, 8_s}) {
    t.after(wait - 1_ms).says_nothing().after(1_ms).says(syn().seq(t.iss)).says_nothing();
  }
}

SCENARIO_TEST("ESTABLISHED: who lost a SYN waits 3 s for the first text's ACK [R6298-11]") {
  auto t = peer::in_syn_sent();
  t.after(1_s).says(syn());
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  t.calls_send(100_B).says(data(100_B));
  t.after(3_s - 1_ms).says_nothing().after(1_ms).says(data(100_B));
}

SCENARIO_TEST("ESTABLISHED: so does a listener's child whose SYN,ACK went twice [R6298-11]") {
  auto t = peer::in_syn_received_passive(kNoTimestamps);  // with them the last ACK is a sample
  t.after(1_s).says(syn().ack(t.irs + 1_B));
  t.hears(ack()).says_nothing().calls_accept().calls_send(100_B).says(data(100_B));
  t.after(3_s - 1_ms).says_nothing().after(1_ms).says(data(100_B));
}

// 500/250 at first; then 250 + (|500 - 900| - 250) / 4 = 287.5 and 500 + 400 / 8 = 550 (RTTVAR
// first: from the new SRTT it would be 275); then 287.5 + (250 - 287.5) / 4 = 278.125 and 512.5.
SCENARIO_TEST("ESTABLISHED: RTTVAR is reckoned before SRTT [R6298-3, MUST-18]") {
  auto t = peer::in_syn_sent();
  t.after(500_ms).hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  t.calls_send(10_B).says(data(10_B)).after(900_ms).hears(ack()).says_nothing();
  auto s = t.calls_status();
  t.holds(s.rttvar == 287'500_us && s.srtt == 550_ms, "287.5 and 550 ms");
  t.holds(s.rto == 1700_ms, "550 + 4 * 287.5 ms");
  t.calls_send(10_B).says(data(10_B)).after(300_ms).hears(ack()).says_nothing();
  s = t.calls_status();
  t.holds(s.rttvar == 278'125_us && s.srtt == 518'750_us, "278.125 and 518.75 ms");
}

SCENARIO_TEST("ESTABLISHED: one round trip is one sample, however many ACKs it has [R7323-16]") {
  for (const bool clocks : {false, true}) {
    auto t = peer::in_syn_sent({.timestamps = clocks});
    t.after(80_ms).hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
    t.calls_send(t.largest_text() * 8).may_have_said_anything();
    const Seq una = t.snd_una();
    t.after(160_ms);
    for (uint32_t i = 1; i <= 8; ++i) t.hears(ack(una + t.largest_text() * i)).says_nothing();
    t.holds(srtt(t) == 90_ms, "80 + (160 - 80) / 8");
  }
}

}  // namespace rapport::scenario
