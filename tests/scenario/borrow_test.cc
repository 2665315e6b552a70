// Text without copies: lent by SendBorrowed and given back exactly once, looked at and consumed in
// place (commands.hh; RFC 9293 3.9.1.2, 3.9.1.3).
#include "scenario.hh"

#include <cstdint>

namespace rapport::scenario {

namespace {

With with_pieces(uint32_t n) {
  return {.config = [n](stack::Config& c) { c.tcp.max_pieces = n; }};
}

void drains(Peer& t, Duration most) {
  t.stack().drain(t.now(), t.now() + most);
  (void)t.calls_status();  // takes what was said
}

}  // namespace

// --- lent ---------------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: text lent is given back when all of it is acknowledged [UC-SEND-09]") {
  auto t = peer::in_established();
  t.calls_send_borrowed(1000_B, 7).says(data(1000_B).seq(t.iss + 1_B)).has_released({});
  t.hears(ack(t.iss + 1000_B)).says_nothing().has_released({});  // one octet is missing
  t.hears(ack(t.iss + 1001_B)).says_nothing().has_released({7});
  t.hears(ack(t.iss + 1001_B)).says_nothing().has_released({}).after(600_s).has_released({});
  t.calls_abort().may_have_said_anything().has_released({});
}

SCENARIO_TEST("ESTABLISHED: one ACK gives back several, in their order [UC-SEND-09]") {
  auto t = peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.no_delay = true; }});
  for (uint32_t i = 0; i < 5; ++i) {
    t.calls_send_borrowed(100_B, 10 + i).says(data(100_B).seq(t.iss + 1_B + 100_B * i));
  }
  t.hears(ack(t.iss + 351_B)).says_nothing().has_released({10, 11, 12});
  t.hears(ack(t.iss + 501_B)).says_nothing().has_released({13, 14});
}

SCENARIO_TEST("ESTABLISHED: a segment takes its text from pieces lent and copied [SHLD-28]") {
  auto t = peer::in_established();
  const ByteCount full = t.largest_text();
  const Seq una = t.iss + 1_B;
  t.calls_send(1_B).says(data(1_B));  // what follows waits and is sent together
  t.calls_send_borrowed(333_B, 1).calls_send(77_B).calls_send_borrowed(1_B, 2);
  t.calls_send_borrowed(501_B, 3).calls_send(3_B).says_nothing();
  t.calls_send_borrowed(full * 2, 4).says(data(full).seq(una + 1_B)).may_have_said_anything();
  t.hears(ack()).may_have_said_anything();
  t.has_released({1, 2, 3});
  t.hears(ack()).says_nothing().has_released({4});
}

SCENARIO_TEST("ESTABLISHED: text across pieces leaves again as it was [U-25, UC-SEND-09]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  t.calls_send(1_B).says(data(1_B).seq(una));
  t.calls_send_borrowed(301_B, 1).calls_send(99_B).calls_send_borrowed(7_B, 2).says_nothing();
  t.hears(ack(una + 1_B)).says(data(407_B).seq(una + 1_B));
  t.after(200_ms).says(data(407_B).seq(una + 1_B));  // Peer compares every octet
  t.hears(ack(una + 102_B)).says_nothing().has_released({});
  t.after_next_timer().says(data(306_B).seq(una + 102_B));  // from the middle of a piece
  t.hears(ack(una + 305_B)).says_nothing().has_released({1});
  t.after_next_timer().says(data(103_B).seq(una + 305_B));
  t.hears(ack()).says_nothing().has_released({2});
}

SCENARIO_TEST("ESTABLISHED: ABORT gives back what is sent and what is not [UC-ABORT-06]") {
  auto t = peer::in_established({.window = 1024});
  t.calls_send_borrowed(1024_B, 1).may_have_said_anything();
  t.calls_send_borrowed(3000_B, 2).may_have_said_anything().has_released({});
  t.calls_abort().says(rst().ack(t.rcv_nxt())).has_released({1, 2}).and_pools_are_empty();
  t.after(600_s).has_released({});
}

SCENARIO_TEST("ESTABLISHED: a reset gives back what was lent [SA-ESTAB-06]") {
  auto t = peer::in_established();
  t.calls_send_borrowed(100_B, 1).may_have_said_anything();
  t.calls_send_borrowed(100_B, 2).may_have_said_anything();
  t.hears(rst()).says_nothing().has_released({1, 2});
  t.is_told_ended(CloseReason::ResetByPeer).and_pools_are_empty().has_released({});
}

SCENARIO_TEST("ESTABLISHED: who gives up gives back [SA-ESTAB-34, MUST-21]") {
  auto t =
      peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.user_timeout = 5_s; }});
  t.calls_send_borrowed(100_B, 1).may_have_said_anything();
  t.after(5_s - 1_ms).may_have_said_anything().has_released({});
  t.after(1_ms).may_have_said_anything().has_released({1});
  t.is_told_ended(CloseReason::UserTimedOut).and_pools_are_empty().has_released({});
}

SCENARIO_TEST("ESTABLISHED: a drain gives back, by ACK or at its end [UC-CLOSE-07]") {
  auto t = peer::in_established();
  t.calls_send_borrowed(100_B, 1).says(data(100_B));
  drains(t, 10_s);
  t.says(fin()).has_released({}).hears(ack(t.iss + 101_B)).says_nothing().has_released({1});
  t.hears(fin()).says(ack(t.irs + 2_B)).is(State::TimeWait).has_released({});
}

SCENARIO_TEST(
    "ESTABLISHED: what a drain could not deliver is given back at its end [UC-ABORT-06]") {
  auto t = peer::in_established();
  t.calls_send_borrowed(100_B, 1).says(data(100_B));
  drains(t, 10_s);
  t.says(fin()).after(10_s - 1_ms).may_have_said_anything().has_released({});
  t.after(1_ms).may_have_said_anything().has_released({1});
  t.after(1_s).says_nothing().has_released({}).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: text lent before the connection opens is given back too [UC-SEND-05]") {
  auto t = peer::in_syn_sent();
  t.calls_send_borrowed(100_B, 1).says_nothing();
  t.hears(rst().ack(t.iss + 1_B)).says_nothing().has_released({1}).and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: lending is all or nothing, for the room in the queue [UC-SEND-10]") {
  auto t =
      peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.send_buffer = 1000_B; }});
  t.calls_send_borrowed(1001_B, 1, Error::InvalidArgument).says_nothing();  // never would fit
  t.calls_send_borrowed(0_B, 1, Error::InvalidArgument).says_nothing();
  t.calls_send_borrowed(1000_B, 2).says(data(1000_B));
  t.calls_send_borrowed(1_B, 3, Error::WouldBlock).is_not_told(What::Writable);
  t.hears(ack()).says_nothing().has_released({2}).is_told(What::Writable);
  t.calls_shutdown_write().says(fin()).calls_send_borrowed(1_B, 4, Error::Closing);
  t.hears(ack()).says_nothing().has_released({});
}

SCENARIO_TEST(
    "ESTABLISHED: without a Piece left nothing is lent, and nothing is lost "
    "[UC-SEND-10]") {
  auto t = peer::in_established(with_pieces(3));
  const Seq una = t.iss + 1_B;
  t.calls_send(1_B).says(data(1_B));
  t.calls_send_borrowed(10_B, 1).calls_send_borrowed(10_B, 2).says_nothing();
  t.calls_send_borrowed(10_B, 3, Error::InsufficientResources).says_nothing().has_released({});
  t.hears(ack(una + 1_B)).says(data(20_B).seq(una + 1_B)).hears(ack()).says_nothing();
  t.has_released({1, 2});
  t.calls_send_borrowed(10_B, 3).says(data(10_B)).hears(ack()).says_nothing().has_released({3});
  t.calls_abort().may_have_said_anything().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: a loan refused leaves nothing behind [UC-SEND-10]") {
  auto t = peer::in_established(with_pieces(0));
  t.calls_send_borrowed(10_B, 1, Error::InsufficientResources).says_nothing();
  t.is_not_told(What::Writable).after(200_ms).says_nothing().is_told(What::Writable);
  t.holds(t.stack().population().transfers == 0, "no Transfer is kept for nothing");
}

// --- looked at ----------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: text looked at stays until it is consumed [UC-RECV-09]") {
  auto t = peer::in_established();
  t.finds_readable(0_B).hears(data(100_B)).says(ack()).is_told(What::Readable);
  t.finds_readable(100_B).finds_readable(100_B).calls_peek(100_B).calls_peek(40_B);
  t.holds(t.calls_status().receive_queue == 100_B, "all of it is still there");
  t.calls_consume(30_B).finds_readable(70_B).calls_peek(70_B);
  t.calls_consume(71_B, Error::InvalidArgument).finds_readable(70_B);
  t.calls_consume(0_B).finds_readable(70_B).calls_receive(20_B).finds_readable(50_B);
  t.calls_consume(50_B).finds_readable(0_B).calls_consume(1_B, Error::WouldBlock);
}

SCENARIO_TEST(
    "ESTABLISHED: a stretch to read ends where its block does, RECEIVE goes on "
    "[UC-RECV-09]") {
  auto t = peer::in_established();
  for (int i = 0; i < 9; ++i) t.hears(data(1000_B)).says(ack());
  t.finds_readable(4096_B).calls_peek(9000_B);  // a block is 4 KiB
  t.calls_consume(4096_B).finds_readable(4096_B);
  t.calls_consume(1000_B).finds_readable(3096_B).calls_peek(3904_B);
  t.calls_consume(3904_B).finds_readable(0_B);
}

SCENARIO_TEST("ESTABLISHED: text beyond a hole is not there to be read [UC-RECV-09, SHLD-31]") {
  auto t = peer::in_established();
  t.hears(data(10_B)).says(ack());
  t.hears(data(10_B).seq(t.irs + 21_B)).says(ack());
  t.finds_readable(10_B).calls_consume(11_B, Error::InvalidArgument);
  t.hears(data(10_B).seq(t.irs + 11_B)).says(ack(t.irs + 31_B)).finds_readable(30_B);
}

SCENARIO_TEST("ESTABLISHED: peeking opens no window, consuming does [MUST-39, U-18]") {
  auto t = peer::in_established({.window_closed = true});
  t.calls_peek(8000_B).says_nothing();
  t.calls_consume(500_B).says_nothing();  // less than a segment: silly
  t.calls_consume(1500_B).says(ack(t.rcv_nxt()));
  t.holds(t.rcv_wnd() == 2000_B, "what was consumed is offered");
}

SCENARIO_TEST("CLOSE-WAIT: the last text is looked at and consumed, then the end [UC-RECV-12]") {
  auto t = peer::in_established();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::CloseWait);
  t.finds_readable(10_B).calls_peek(10_B).calls_consume(10_B).finds_readable(0_B);
  t.calls_consume(1_B, Error::Closing).calls_receive(Error::Closing);
}

}  // namespace rapport::scenario
