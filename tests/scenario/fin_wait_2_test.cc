// FIN-WAIT-2: our FIN is acknowledged, the peer may go on as long as it likes (RFC 9293 3.10.7.4,
// steps five to eight). Rows that it shares with other states are in common_rows_test.cc.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

With with_small_buffer() {
  return {.options = [](tcp::ConnectionOptions& o) { o.receive_buffer = 8_KiB; }};
}

}  // namespace

SCENARIO_TEST(
    "FIN-WAIT-2: all is acknowledged, so that a larger ACK is of what was never sent "
    "[SA-FW2-13]") {
  auto t = peer::in_fin_wait_2();
  const auto status = t.calls_status();
  t.holds(status.snd_una == status.snd_nxt, "SND.UNA = SND.NXT");
  t.hears(ack(t.snd_nxt() + 1_B)).says(current_ack(t)).is(State::FinWait2);
  t.holds(t.calls_status().snd_una == status.snd_una, "SND.UNA stays");
}

SCENARIO_TEST("FIN-WAIT-2: reached, the close is confirmed and nothing is deleted [SA-FW2-17]") {
  auto t = peer::in_fin_wait_1();
  t.hears(ack()).says_nothing().is(State::FinWait2).is_told(What::AllAcknowledged);
  t.hears(ack()).says_nothing().is(State::FinWait2).is_told_nothing();
  t.after(3600_s).says_nothing().is(State::FinWait2);
  t.holds(t.stack().next_deadline() == kNever, "no timer runs");
}

SCENARIO_TEST("FIN-WAIT-2: a FIN leads to TIME-WAIT [SA-FW2-18]") {
  auto t = peer::in_fin_wait_2();
  t.hears(fin()).says(ack(t.irs + 2_B).seq(t.iss + 2_B));
  t.is(State::TimeWait).is_told(What::PeerFinished).calls_receive(Error::Closing);
  t.after(2 * msl - 1_ms).says_nothing().is(State::TimeWait);
  t.after(1_ms).says_nothing().is_told_ended(CloseReason::ClosedByUs);
  t.is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-2: text with FIN is read before the end [SA-FW2-18]") {
  auto t = peer::in_fin_wait_2();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B).seq(t.iss + 2_B));
  t.is(State::TimeWait).is_told(What::Readable).is_told(What::PeerFinished);
  t.calls_receive(10_B).calls_receive(Error::Closing);
}

SCENARIO_TEST(
    "FIN-WAIT-2: a half-closed connection takes text for as long as it likes [SA-FW2-19]") {
  auto t = peer::in_fin_wait_2();
  for (int hour = 0; hour < 3; ++hour) {
    t.after(3600_s).says_nothing();
    takes_text(t, 100_B);
    t.is_told(What::Readable).calls_receive(100_B).is(State::FinWait2);
  }
}

SCENARIO_TEST("FIN-WAIT-2: text that nobody will ever read is reset [SA-FW2-20, SHLD-3]") {
  auto t = peer::in_fin_wait_2({.full_close = true});
  t.hears(data(10_B)).says(rst().seq(t.snd_nxt()));
  t.is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-2: beyond a hole too, but old text is only acknowledged [SA-FW2-20]") {
  auto t = peer::in_established();
  takes_text(t, 20_B);
  t.calls_receive(20_B).calls_close().says(fin());
  t.hears(ack()).says_nothing().is(State::FinWait2);
  t.hears(data(10_B).seq(t.rcv_nxt() - 10_B)).says(current_ack(t)).is(State::FinWait2);
  t.hears(data(10_B).seq(t.rcv_nxt() + 100_B)).says(rst().seq(t.snd_nxt()));
  t.is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-2: a FIN beyond a hole waits until the hole fills [SA-FW2-21, SA-FW2-27]") {
  auto t = peer::in_fin_wait_2();
  const Seq next = t.rcv_nxt();
  t.hears(fin().seq(next + 10_B)).says(ack(next).seq(t.snd_nxt()));
  t.is(State::FinWait2).is_not_told(What::PeerFinished);
  t.hears(data(10_B).seq(next)).says(ack(next + 11_B).seq(t.snd_nxt()));
  t.is(State::TimeWait).is_told(What::PeerFinished).calls_receive(10_B);
  t.after(2 * msl - 1_ms).says_nothing().is(State::TimeWait);
  t.after(1_ms).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-2: without a reader it ends after a while [SA-FW2-22]") {
  auto t = peer::in_fin_wait_2({.full_close = true});
  const Duration limit = tcp::Config{}.fin_wait_2_orphan;
  t.after(limit - 1_ms).says_nothing().is(State::FinWait2);
  t.after(1_ms).says_nothing().is_gone().and_pools_are_empty();
  t.hears(fin()).says(rst().seq(t.snd_nxt()));
}

SCENARIO_TEST("FIN-WAIT-2: an urgent pointer is told [SA-FW2-23]") {
  auto t = peer::in_fin_wait_2();
  t.hears(ack().urg(20)).says_nothing().is_told(What::Urgent).is(State::FinWait2);
  t.holds(t.calls_status().urgent_ahead == 20_B, "twenty octets are urgent");
  t.hears(ack().urg(10)).says_nothing().is_not_told(What::Urgent);
  t.holds(t.calls_status().urgent_ahead == 20_B, "RCV.UP only advances");
}

SCENARIO_TEST("FIN-WAIT-2: text beyond a hole is kept and answered at once [SA-FW2-24, SHLD-31]") {
  auto t = peer::in_fin_wait_2();
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next + 10_B)).says(ack_with(t, next, {{next + 10_B, next + 20_B}}));
  t.is(State::FinWait2).calls_receive(Error::WouldBlock);
  t.hears(data(10_B).seq(next)).says(ack(next + 20_B).no_sack());
  t.calls_receive(20_B).is(State::FinWait2);
}

SCENARIO_TEST("FIN-WAIT-2: what was already received is trimmed [SA-FW2-25]") {
  auto t = peer::in_fin_wait_2();
  takes_text(t, 10_B);
  const Seq next = t.rcv_nxt();
  t.hears(data(30_B).seq(next - 10_B)).says(ack_with(t, next + 20_B, {{next - 10_B, next}}));
  t.is(State::FinWait2).calls_receive(30_B).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST("FIN-WAIT-2: what lies beyond the window is trimmed, a FIN with it [SA-FW2-26]") {
  auto t = peer::in_fin_wait_2(with_small_buffer());
  t.fills_our_window(100_B);
  const Seq edge = t.rcv_nxt() + 100_B;
  t.hears(data(150_B).fin()).says(ack(edge).seq(t.snd_nxt()).win(0));
  t.is(State::FinWait2).is_not_told(What::PeerFinished);
  t.calls_receive(8_KiB).may_have_said_anything();  // the window opens
  t.calls_receive(Error::WouldBlock);
}

SCENARIO_TEST("FIN-WAIT-2: a FIN left of the window draws an ACK [SA-FW2-28]") {
  auto t = peer::in_fin_wait_2();
  takes_text(t, 20_B);
  t.hears(fin().seq(t.rcv_nxt() - 5_B)).says(current_ack(t));
  t.is(State::FinWait2).is_not_told(What::PeerFinished);
}

}  // namespace rapport::scenario
