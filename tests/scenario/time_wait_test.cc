// TIME-WAIT: 2MSL and what is answered while it lasts (RFC 9293 3.10.7.4 and 3.6.1; RFC 1337). Rows
// that it shares with other states are in common_rows_test.cc, reuse is in time_wait_reuse_test.cc.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

// 2MSL ends when `left` has passed, not before.
void ends_after(Peer& t, Duration left) {
  t.after(left - 1_ms).says_nothing().is(State::TimeWait);
  t.after(1_ms).says_nothing().is_gone().and_pools_are_empty();
}

}  // namespace

SCENARIO_TEST("TIME-WAIT: the peer's FIN again is acknowledged and 2MSL begins anew [SA-TW-18]") {
  auto t = peer::in_time_wait();
  for (int i = 0; i < 3; ++i) {
    t.after(2 * msl - 1_ms).hears(fin().seq(t.rcv_nxt() - 1_B)).says(current_ack(t));
  }
  ends_after(t, 2 * msl);
}

SCENARIO_TEST("TIME-WAIT: text with the FIN again counts as the FIN again [SA-TW-18]") {
  auto t = peer::in_fin_wait_2();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::TimeWait);
  t.after(2 * msl - 1_ms);
  t.hears(data(10_B).fin().seq(t.irs + 1_B)).says(current_ack(t)).is(State::TimeWait);
  t.calls_receive(10_B);
  ends_after(t, 2 * msl);
}

SCENARIO_TEST("TIME-WAIT: a FIN again without ACK bit is answered, no more [SA-TW-18]") {
  auto t = peer::in_time_wait();
  t.after(msl).hears(fin().no_ack().seq(t.rcv_nxt() - 1_B)).says(current_ack(t));
  ends_after(t, msl);
}

SCENARIO_TEST("TIME-WAIT: a bare ACK is not answered and changes nothing [SA-TW-19, SA-TW-26]") {
  auto t = peer::in_time_wait();
  t.after(msl);
  for (int i = 0; i < 5; ++i) {
    t.hears(ack()).says_nothing().is(State::TimeWait);
    t.hears(ack(t.snd_nxt() - 1_B)).says_nothing().is(State::TimeWait);
    t.hears(ack(t.snd_nxt() - 100_B).seq(t.rcv_nxt() + 5_B)).says_nothing().is(State::TimeWait);
  }
  ends_after(t, msl);
}

SCENARIO_TEST("TIME-WAIT: old text draws an ACK and goes to nobody [SA-TW-20, R1337-2]") {
  auto t = peer::in_fin_wait_2();
  takes_text(t, 20_B);
  t.calls_receive(20_B).hears(fin()).says(ack(t.irs + 22_B)).is(State::TimeWait);
  t.forgets_what_was_told().after(msl);
  t.hears(data(10_B).seq(t.irs + 5_B)).says(current_ack(t));
  t.is_told_nothing().calls_receive(Error::Closing);
  ends_after(t, msl);
}

SCENARIO_TEST("TIME-WAIT: text and urgent pointers behind the FIN are ignored [SA-TW-21]") {
  auto t = peer::in_time_wait();
  t.after(msl);
  t.hears(data(10_B)).says_nothing().dropped_as(DropReason::TimeWaitText);
  t.hears(data(10_B).seq(t.rcv_nxt() + 5_B).urg(10)).says_nothing();
  t.hears(ack().urg(10)).says_nothing();
  t.is_told_nothing().calls_receive(Error::Closing);
  ends_after(t, msl);
}

SCENARIO_TEST(
    "TIME-WAIT: after 2MSL, to the millisecond, nobody is left "
    "[SA-TW-22, MUST-13, U-26]") {
  auto t = peer::in_time_wait();
  t.after(2 * msl - 1_ms).says_nothing().is(State::TimeWait);
  t.after(1_ms).says_nothing().is_told_ended(CloseReason::ClosedByUs);
  t.is_gone().and_pools_are_empty();
  t.hears(fin().seq(t.rcv_nxt() - 1_B)).says(rst().seq(t.snd_nxt()));
}

SCENARIO_TEST("TIME-WAIT: 2MSL is what the stack was told [SA-TW-22]") {
  auto t = peer::in_time_wait({.config = [](stack::Config& c) { c.tcp.two_msl = 240_s; }});
  ends_after(t, 240_s);
}

SCENARIO_TEST("TIME-WAIT: an old timestamp draws an ACK, 2MSL goes on [SA-TW-23]") {
  auto t = peer::in_time_wait({.timestamps = true});
  const uint32_t old = t.tsval_now() - 1;
  t.after(msl);
  t.hears(ack().ts(old, t.tsval_of_stack())).says(current_ack(t).ts()).is(State::TimeWait);
  t.hears(fin().seq(t.rcv_nxt() - 1_B).ts(old, t.tsval_of_stack())).says(current_ack(t).ts());
  t.hears(rst().ts(old, 0)).says_nothing().is(State::TimeWait);  // PAWS is not for resets
  ends_after(t, msl);
}

SCENARIO_TEST("TIME-WAIT: SYN,ACK is challenged wherever it lies, and throttled [SA-TW-24]") {
  auto t = peer::in_time_wait({.passive = true});
  t.after(msl - 2_s);
  for (const auto where : {1000_B, 0_B, 0x80000000_B}) {
    t.hears(syn().seq(t.rcv_nxt() + where).ack(t.snd_nxt())).says(current_ack(t));
    t.hears(syn().seq(t.rcv_nxt() + where).ack(t.snd_nxt())).says_nothing();
    t.is(State::TimeWait).after(600_ms);
  }
  t.after(200_ms);
  ends_after(t, msl);
}

SCENARIO_TEST("TIME-WAIT: a second FIN is ignored and RCV.NXT stays [SA-TW-27]") {
  auto t = peer::in_time_wait();
  const Seq next = t.rcv_nxt();
  t.after(msl).hears(fin()).says_nothing().is(State::TimeWait);
  t.hears(data(10_B).fin()).says_nothing().is(State::TimeWait);
  t.hears(fin().no_ack().seq(next - 1_B)).says(ack(next).seq(t.snd_nxt()));
  ends_after(t, msl);  // choice 40
}

}  // namespace rapport::scenario
