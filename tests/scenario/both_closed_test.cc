// CLOSING and LAST-ACK: both sides have closed, our FIN is not acknowledged yet (RFC 9293 3.10.7.4,
// steps five to eight, and 3.10.8). Rows shared with other states are in common_rows_test.cc.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

std::vector<Row> both(const char* of_closing, const char* of_last_ack) {
  return {{Start::Closing, of_closing}, {Start::LastAck, of_last_ack}};
}

// As in `row`, but with `n` octets before our FIN; what of them goes out is expected by the caller.
Peer with_text(const Row& row, ByteCount n, const With& with) {
  auto t = peer::in_established(with);
  const Seq una = t.iss + 1_B;
  if (row.start == Start::LastAck) t.hears(fin()).says(ack(t.irs + 2_B));
  t.calls_send(n).may_have_said_anything().calls_shutdown_write().may_have_said_anything();
  if (row.start == Start::Closing) t.hears(fin().ack(una)).says(ack(t.irs + 2_B));
  t.is(row.state()).forgets_what_was_told();
  return t;
}

}  // namespace

SCENARIO_TEST("CLOSING: the ACK of our FIN leads to TIME-WAIT [SA-CLOSING-13]") {
  auto t = peer::in_closing();
  t.hears(ack(t.iss + 2_B)).says_nothing().is(State::TimeWait).is_told(What::AllAcknowledged);
  t.after(2 * msl - 1_ms).says_nothing().is(State::TimeWait);
  t.after(1_ms).says_nothing().is_told_ended(CloseReason::ClosedTogether);
  t.is_gone().and_pools_are_empty();
}

SCENARIO_TEST("LAST-ACK: the ACK of our FIN is the end, without TIME-WAIT [SA-LASTACK-13]") {
  auto t = peer::in_last_ack();
  t.hears(ack(t.iss + 2_B)).says_nothing();
  t.is_told_ended(CloseReason::ClosedByPeer).is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("a FIN that was not sent yet cannot be acknowledged",
              both("SA-CLOSING-13", "SA-LASTACK-13")) {
  auto t = with_text(row, 2000_B, {.window = 1024});
  t.window_of_peer(65535);
  t.hears(ack(t.iss + 1025_B)).says(data(976_B).fin().seq(t.iss + 1025_B).ack(t.irs + 2_B));
  t.is(row.state()).is_not_told(What::AllAcknowledged);
  t.hears(ack(t.iss + 2002_B)).says_nothing();
  t.is(row.start == Start::Closing ? State::TimeWait : State::Closed);
}

SCENARIO_ROWS("an ACK of our text but not of our FIN moves SND.UNA and no more",
              both("SA-CLOSING-14", "SA-LASTACK-14")) {
  auto t = with_text(row, 100_B, {});
  t.hears(ack(t.iss + 1_B)).says_nothing().is(row.state());
  t.hears(ack(t.iss + 101_B)).says_nothing().is(row.state()).is_told_nothing();
  t.holds(t.calls_status().snd_una == t.iss + 101_B, "the text is acknowledged");
  t.after_next_timer().says(fin().seq(t.iss + 101_B).ack(t.irs + 2_B));  // the timer runs on
}

SCENARIO_ROWS("text and urgent pointers behind the peer's FIN are ignored",
              both("SA-CLOSING-15", "SA-LASTACK-15")) {
  auto t = row.begins();
  const Seq una = t.iss + 1_B;
  t.hears(data(10_B).ack(una)).says_nothing().is(row.state());
  t.hears(data(10_B).ack(una).urg(10)).says_nothing().is(row.state());
  t.hears(ack(una).urg(10)).says_nothing().is(row.state()).is_told_nothing();
  t.calls_receive(Error::Closing);
}

SCENARIO_ROWS("the peer's FIN again draws an ACK", both("SA-CLOSING-16", "SA-LASTACK-16")) {
  auto t = row.begins();
  t.hears(fin().seq(t.rcv_nxt() - 1_B).ack(t.iss + 1_B)).says(current_ack(t));
  t.is(row.state()).is_told_nothing();
  t.after_next_timer().says(fin().seq(t.iss + 1_B).ack(t.irs + 2_B)).is(row.state());
}

SCENARIO_ROWS("our FIN leaves again, at doubling intervals",
              both("SA-CLOSING-17", "SA-LASTACK-17")) {
  auto t = row.begins();
  Duration wait = t.until_next_timer();
  for (int i = 0; i < 5; ++i) {
    t.after(wait - 1_ms).says_nothing();
    t.after(1_ms).says(fin().seq(t.iss + 1_B).ack(t.irs + 2_B)).says_nothing().is(row.state());
    wait = wait * 2;
  }
}

SCENARIO_ROWS("the oldest leaves again first, text before the FIN",
              both("SA-CLOSING-17", "SA-LASTACK-17")) {
  const ByteCount full{1000};  // of every dressing: the peer offers this MSS
  auto t = with_text(row, full * 2, {.mss = uint16_t{1000}, .timestamps = false});
  t.after_next_timer().says(data(full).seq(t.iss + 1_B).ack(t.irs + 2_B)).says_nothing();
  t.hears(ack(t.iss + 1_B + full));
  t.says(data(full).fin().seq(t.iss + 1_B + full).ack(t.irs + 2_B)).says_nothing();
  t.is(row.state());
}

SCENARIO_TEST("LAST-ACK: a reset from a peer that forgot is the end [SA-LASTACK-18]") {
  auto t = peer::in_last_ack();
  t.after_next_timer().says(fin().seq(t.iss + 1_B));
  t.hears(rst().seq(t.irs + 2_B)).says_nothing();
  t.is_told_ended(CloseReason::ResetByPeer).is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("a newer segment updates the window", both("SA-CLOSING-18", "SA-LASTACK-19")) {
  auto t = with_text(row, 100_B, {});
  const Seq una = t.iss + 1_B;
  for (const uint32_t octets : {2048U, 1024U, 4096U}) {
    t.hears(ack(una).win(t.window_field(octets))).says_nothing().is(row.state());
    t.holds(t.calls_status().snd_wnd == ByteCount{octets}, "SND.WND is updated");
  }
}

SCENARIO_ROWS("a segment older than the last window update does not touch the window",
              both("SA-CLOSING-18", "SA-LASTACK-19")) {
  auto t = with_text(row, 100_B, {});
  const Seq una = t.iss + 1_B;
  t.hears(ack(una).seq(t.rcv_nxt() + 10_B).win(t.window_field(2048))).says_nothing();
  t.hears(ack(una).win(t.window_field(8192))).says_nothing();
  t.holds(t.calls_status().snd_wnd == 2048_B, "WL1 > SEQ: not updated");
  t.hears(ack(una + 100_B).seq(t.rcv_nxt() + 10_B).win(t.window_field(1024))).says_nothing();
  t.hears(ack(una + 50_B).seq(t.rcv_nxt() + 10_B).win(t.window_field(8192))).says_nothing();
  t.holds(t.calls_status().snd_wnd == 1024_B, "WL1 = SEQ and WL2 > ACK: not updated");
  t.is(row.state());
}

SCENARIO_ROWS("text and FIN that wait follow when the window opens",
              both("SA-CLOSING-18", "SA-LASTACK-19")) {
  auto t = with_text(row, 100_B, {.window = 0});
  t.window_of_peer(1000);
  t.hears(ack(t.iss + 1_B)).says(data(100_B).fin().seq(t.iss + 1_B).ack(t.irs + 2_B));
  t.is(row.state());
}

SCENARIO_ROWS("a second FIN is ignored", both("SA-CLOSING-19", "SA-LASTACK-20")) {
  auto t = row.begins();
  const Seq una = t.iss + 1_B;
  t.hears(fin().ack(una)).says_nothing().dropped_as(DropReason::FinAfterFin);
  t.hears(fin().seq(t.rcv_nxt() + 10_B).ack(una)).says_nothing();
  t.is(row.state()).is_told_nothing();
  t.holds(t.calls_status().rcv_nxt == t.irs + 2_B, "RCV.NXT stays");
}

SCENARIO_ROWS("a FIN that is never acknowledged ends the connection at R2",
              both("SA-CLOSING-20", "SA-LASTACK-21")) {
  auto t = row.begins({.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }});
  t.after(100_s - 1_ms).may_have_said_anything().is(row.state());
  t.is_told(What::DeliveryTrouble).is_not_told(What::Ended);
  t.after(1_ms).may_have_said_anything();
  t.is_told_ended(CloseReason::TimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("without a reader it gives up sooner", both("SA-CLOSING-20", "SA-LASTACK-21")) {
  auto t = row.begins({.full_close = true});
  const Duration limit = tcp::Config{}.orphan_give_up;
  t.after(limit - 1_ms).may_have_said_anything().is(row.state());
  t.after(1_ms).may_have_said_anything().is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("where the reader goes later it gives up as soon",
              both("SA-CLOSING-20", "SA-LASTACK-21")) {
  auto t = row.begins();
  const Duration limit = tcp::Config{}.orphan_give_up;
  t.after(limit - 10_s).may_have_said_anything().calls_close(Error::Closing);
  t.after(10_s - 1_ms).may_have_said_anything().is(row.state());
  t.after(1_ms).may_have_said_anything().is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("where the reader goes after that time it gives up at once",
              both("SA-CLOSING-20", "SA-LASTACK-21")) {
  auto t = row.begins();
  const Duration limit = tcp::Config{}.orphan_give_up;
  t.after(limit + 10_s).may_have_said_anything().is(row.state()).calls_close(Error::Closing);
  t.after(1_ms).may_have_said_anything().is_gone().and_pools_are_empty();
}

}  // namespace rapport::scenario
