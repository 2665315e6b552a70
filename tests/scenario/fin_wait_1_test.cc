// FIN-WAIT-1: we have closed first and our FIN is not acknowledged yet (RFC 9293 3.10.7.4, steps
// five to eight, and 3.10.8). Rows that it shares with other states are in common_rows_test.cc.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

With with_r2_of_100_s() {
  return {.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }};
}

With with_small_buffer() {
  return {.options = [](tcp::ConnectionOptions& o) { o.receive_buffer = 8_KiB; }};
}

// RCV.WND is `leave` and our FIN is out, not acknowledged.
Peer closed_with_window(ByteCount leave) {
  auto t = peer::in_established(with_small_buffer());
  t.fills_our_window(leave);
  t.calls_shutdown_write().says(fin());
  t.is(State::FinWait1).forgets_what_was_told();
  return t;
}

}  // namespace

SCENARIO_TEST("FIN-WAIT-1: an ACK of our FIN leads to FIN-WAIT-2 [SA-FW1-17]") {
  auto t = peer::in_fin_wait_1();
  t.hears(ack(t.iss + 2_B)).says_nothing().is(State::FinWait2).is_told(What::AllAcknowledged);
  t.after(3600_s).says_nothing().is(State::FinWait2);  // our FIN is not sent again
}

SCENARIO_TEST(
    "FIN-WAIT-1: what else the segment that acknowledges our FIN brings counts [SA-FW1-17]") {
  auto t = peer::in_fin_wait_1();
  t.hears(data(10_B).ack(t.iss + 2_B)).says(ack(t.irs + 11_B).seq(t.iss + 2_B));
  t.is(State::FinWait2).is_told(What::Readable).calls_receive(10_B);
}

SCENARIO_TEST("FIN-WAIT-1: a FIN that was not sent yet cannot be acknowledged [SA-FW1-17]") {
  auto t = peer::in_established({.window = 1024});
  t.calls_send(2000_B).says(data(1024_B));
  t.calls_shutdown_write().says_nothing().is(State::FinWait1);
  t.window_of_peer(65535);
  t.hears(ack(t.iss + 1025_B)).says(data(976_B).fin().seq(t.iss + 1025_B));
  t.is(State::FinWait1).is_not_told(What::AllAcknowledged);
  t.hears(ack(t.iss + 2002_B)).says_nothing().is(State::FinWait2);
}

SCENARIO_TEST("FIN-WAIT-1: a FIN that does not acknowledge ours leads to CLOSING [SA-FW1-19]") {
  auto t = peer::in_fin_wait_1();
  t.hears(fin().ack(t.iss + 1_B)).says(ack(t.irs + 2_B).seq(t.iss + 2_B));
  t.is(State::Closing).is_told(What::PeerFinished).calls_receive(Error::Closing);
}

SCENARIO_TEST("FIN-WAIT-1: half closed, text is still taken and read [SA-FW1-20, MAY-1]") {
  auto t = peer::in_fin_wait_1();
  t.hears(data(100_B).ack(t.iss + 1_B)).says(ack(t.irs + 101_B).seq(t.iss + 2_B));
  t.is(State::FinWait1).is_told(What::Readable);
  t.calls_receive(100_B).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST("FIN-WAIT-1: text that nobody will ever read is reset [SA-FW1-21, SHLD-3, MAY-1]") {
  auto t = peer::in_fin_wait_1({.full_close = true});
  t.hears(data(10_B).ack(t.iss + 1_B)).says(rst().seq(t.iss + 1_B));
  t.is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-1: old text after a full close is only acknowledged [SA-FW1-21]") {
  auto t = peer::in_established();
  takes_text(t, 20_B);
  t.calls_receive(20_B).calls_close().says(fin());
  t.hears(data(10_B).seq(t.rcv_nxt() - 10_B).ack(t.iss + 1_B)).says(current_ack(t));
  t.is(State::FinWait1);
}

SCENARIO_TEST(
    "FIN-WAIT-1: text, FIN and the ACK of our FIN in one segment lead to TIME-WAIT [SA-FW1-22]") {
  auto t = peer::in_fin_wait_1();
  t.hears(data(10_B).fin().ack(t.iss + 2_B)).says(ack(t.irs + 12_B).seq(t.iss + 2_B));
  t.is(State::TimeWait).is_told(What::Readable).is_told(What::PeerFinished);
  t.calls_receive(10_B).calls_receive(Error::Closing);
}

SCENARIO_TEST("FIN-WAIT-1: a FIN beyond a hole waits until the hole fills [SA-FW1-23, SA-FW1-29]") {
  auto t = peer::in_fin_wait_1();
  const Seq next = t.rcv_nxt();
  t.hears(fin().seq(next + 10_B).ack(t.iss + 1_B)).says(ack(next).seq(t.iss + 2_B));
  t.is(State::FinWait1).is_not_told(What::PeerFinished);
  t.hears(data(10_B).seq(next).ack(t.iss + 1_B)).says(ack(next + 11_B).seq(t.iss + 2_B));
  t.is(State::Closing).is_told(What::PeerFinished);
  t.calls_receive(10_B).calls_receive(Error::Closing);
}

SCENARIO_TEST(
    "FIN-WAIT-1: a hole filled by what acknowledges our FIN leads to TIME-WAIT [SA-FW1-29]") {
  auto t = peer::in_fin_wait_1();
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).fin().seq(next + 10_B).ack(t.iss + 1_B));
  t.says(ack_with(t, next, {{next + 10_B, next + 20_B}})).is(State::FinWait1);
  t.hears(data(10_B).seq(next).ack(t.iss + 2_B)).says(ack(next + 21_B).seq(t.iss + 2_B));
  t.is(State::TimeWait).calls_receive(20_B).calls_receive(Error::Closing);
}

SCENARIO_TEST("FIN-WAIT-1: an urgent pointer is told [SA-FW1-24]") {
  auto t = peer::in_fin_wait_1();
  t.hears(ack(t.iss + 1_B).urg(20)).says_nothing().is_told(What::Urgent).is(State::FinWait1);
  t.holds(t.calls_status().urgent_ahead == 20_B, "twenty octets are urgent");
  t.hears(ack(t.iss + 1_B).urg(10)).says_nothing().is_not_told(What::Urgent);
  t.holds(t.calls_status().urgent_ahead == 20_B, "RCV.UP only advances");
}

SCENARIO_TEST("FIN-WAIT-1: our FIN leaves again, at doubling intervals [SA-FW1-25]") {
  auto t = peer::in_fin_wait_1();
  Duration wait = t.until_next_timer();
  for (int i = 0; i < 5; ++i) {
    t.after(wait - 1_ms).says_nothing();
    t.after(1_ms).says(fin().seq(t.iss + 1_B).ack(t.irs + 1_B)).says_nothing();
    t.is(State::FinWait1);
    wait = wait * 2;
  }
}

SCENARIO_TEST("FIN-WAIT-1: the oldest leaves again first, text before the FIN [SA-FW1-25]") {
  auto t = peer::in_established();
  const ByteCount full = t.largest_text();
  t.calls_send(full * 2);
  t.says(data(full)).says(data(full).seq(t.iss + 1_B + full));
  t.calls_shutdown_write().says(fin().seq(t.iss + 1_B + full * 2));
  t.after_next_timer().says(data(full).seq(t.iss + 1_B)).says_nothing().is(State::FinWait1);
  t.hears(ack(t.iss + 1_B + full));
  t.says(data(full).fin().seq(t.iss + 1_B + full)).says_nothing().is(State::FinWait1);
  t.hears(ack()).says_nothing().is(State::FinWait2);
}

SCENARIO_TEST("FIN-WAIT-1: text beyond a hole is kept and answered at once [SA-FW1-26, SHLD-31]") {
  auto t = peer::in_fin_wait_1();
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next + 10_B).ack(t.iss + 1_B));
  t.says(ack_with(t, next, {{next + 10_B, next + 20_B}})).is(State::FinWait1);
  t.calls_receive(Error::WouldBlock);
  t.hears(data(10_B).seq(next).ack(t.iss + 1_B)).says(ack(next + 20_B).no_sack());
  t.calls_receive(20_B).is(State::FinWait1);
}

SCENARIO_TEST("FIN-WAIT-1: what was already received is trimmed [SA-FW1-27]") {
  auto t = peer::in_fin_wait_1();
  takes_text(t, 10_B);
  const Seq next = t.rcv_nxt();
  t.hears(data(30_B).seq(next - 10_B).ack(t.iss + 1_B));
  t.says(ack_with(t, next + 20_B, {{next - 10_B, next}})).is(State::FinWait1);
  t.calls_receive(30_B).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST("FIN-WAIT-1: what lies beyond the window is trimmed, a FIN with it [SA-FW1-28]") {
  auto t = closed_with_window(100_B);
  const Seq edge = t.rcv_nxt() + 100_B;
  t.hears(data(150_B).fin().ack(t.iss + 1_B)).says(ack(edge).seq(t.iss + 2_B).win(0));
  t.is(State::FinWait1).is_not_told(What::PeerFinished);
  t.calls_receive(8_KiB).may_have_said_anything();  // the window opens
  t.calls_receive(Error::WouldBlock);
}

SCENARIO_TEST(
    "FIN-WAIT-1: an ACK of our FIN counts though a hole keeps the peer's waiting [SA-FW1-30]") {
  auto t = peer::in_fin_wait_1();
  const Seq next = t.rcv_nxt();
  t.hears(fin().seq(next + 10_B).ack(t.iss + 2_B)).says(ack(next).seq(t.iss + 2_B));
  t.is(State::FinWait2).is_told(What::AllAcknowledged).is_not_told(What::PeerFinished);
  t.hears(data(10_B).seq(next)).says(ack(next + 11_B));
  t.is(State::TimeWait).is_told(What::PeerFinished).calls_receive(10_B);
}

SCENARIO_TEST("FIN-WAIT-1: a FIN left of the window draws an ACK [SA-FW1-31]") {
  auto t = peer::in_fin_wait_1();
  takes_text(t, 20_B);
  t.hears(fin().seq(t.rcv_nxt() - 5_B).ack(t.iss + 1_B)).says(current_ack(t));
  t.is(State::FinWait1).is_not_told(What::PeerFinished);
}

SCENARIO_TEST(
    "FIN-WAIT-1: a FIN that is never acknowledged ends the connection at R2 "
    "[SA-FW1-32, MUST-20]") {
  auto t = peer::in_fin_wait_1(with_r2_of_100_s());
  t.after(100_s - 1_ms).may_have_said_anything().is(State::FinWait1);
  t.is_told(What::DeliveryTrouble).is_not_told(What::Ended);
  t.after(1_ms).may_have_said_anything();
  t.is_told_ended(CloseReason::TimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-1: where the reader goes later it gives up as soon [SA-FW1-32]") {
  auto t = peer::in_fin_wait_1();
  const Duration limit = tcp::Config{}.orphan_give_up;
  t.after(limit - 10_s).may_have_said_anything().calls_close();
  t.after(10_s - 1_ms).may_have_said_anything().is(State::FinWait1);
  t.after(1_ms).may_have_said_anything().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-1: without a reader it gives up sooner [SA-FW1-32]") {
  auto t = peer::in_fin_wait_1({.full_close = true});
  const Duration limit = tcp::Config{}.orphan_give_up;
  t.after(limit - 1_ms).may_have_said_anything().is(State::FinWait1);
  t.after(1_ms).may_have_said_anything().is_gone().and_pools_are_empty();
}

}  // namespace rapport::scenario
