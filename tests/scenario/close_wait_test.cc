// CLOSE-WAIT: the peer has closed, we have not (RFC 9293 3.10.7.4, steps five to eight,
// and 3.10.8). Rows that it shares with other states are in common_rows_test.cc.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

SCENARIO_TEST("CLOSE-WAIT: text behind the peer's FIN is ignored [SA-CW-17]") {
  auto t = peer::in_close_wait();
  t.hears(data(10_B)).says_nothing().dropped_as(DropReason::TextAfterFin);
  t.hears(data(10_B).seq(t.rcv_nxt() + 20_B)).says_nothing();
  t.is(State::CloseWait).is_told_nothing().calls_receive(Error::Closing);
}

SCENARIO_TEST("CLOSE-WAIT: an urgent pointer is ignored [SA-CW-18]") {
  auto t = peer::in_close_wait();
  t.hears(ack().urg(20)).says_nothing().is(State::CloseWait).is_told_nothing();
  t.holds(t.calls_status().urgent_ahead == 0_B, "nothing is urgent");
}

SCENARIO_TEST("CLOSE-WAIT: the peer's FIN again draws an ACK [SA-CW-19]") {
  auto t = peer::in_close_wait();
  t.hears(fin().seq(t.rcv_nxt() - 1_B)).says(current_ack(t));
  t.is(State::CloseWait).is_told_nothing();
}

SCENARIO_TEST("CLOSE-WAIT: text leaves again, at doubling intervals [SA-CW-20]") {
  auto t = peer::in_close_wait();
  t.calls_send(100_B).says(data(100_B).ack(t.irs + 2_B));
  Duration wait = t.until_next_timer();
  for (int i = 0; i < 5; ++i) {
    t.after(wait - 1_ms).says_nothing();
    t.after(1_ms).says(data(100_B).seq(t.iss + 1_B).ack(t.irs + 2_B)).says_nothing();
    t.is(State::CloseWait);
    wait = wait * 2;
  }
  t.hears(ack()).says_nothing().after(3600_s).says_nothing().is(State::CloseWait);
}

SCENARIO_TEST("CLOSE-WAIT: a second FIN is ignored [SA-CW-21]") {
  auto t = peer::in_close_wait();
  t.hears(fin()).says_nothing().dropped_as(DropReason::FinAfterFin);
  t.hears(fin().seq(t.rcv_nxt() + 10_B)).says_nothing();
  t.is(State::CloseWait).is_told_nothing();
  t.holds(t.calls_status().rcv_nxt == t.irs + 2_B, "RCV.NXT stays");
}

SCENARIO_TEST(
    "CLOSE-WAIT: text that is never acknowledged ends the connection at R2 [SA-CW-22, MUST-20]") {
  auto t = peer::in_close_wait({.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }});
  t.after(3600_s).is(State::CloseWait);  // nothing to acknowledge
  t.calls_send(100_B).says(data(100_B));
  t.after(100_s - 1_ms).may_have_said_anything().is(State::CloseWait);
  t.is_told(What::DeliveryTrouble).is_not_told(What::Ended);
  t.after(1_ms).may_have_said_anything();
  t.is_told_ended(CloseReason::TimedOut).is_gone().and_pools_are_empty();
}

}  // namespace rapport::scenario
