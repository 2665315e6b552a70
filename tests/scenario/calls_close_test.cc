// CLOSE in every state, of the sending side and for good (RFC 9293 3.9.1.4, 3.10.4, 3.6; RFC 2525
// 2.17).
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

// <SEQ=SND.NXT><CTL=RST>, with ACK (choice 23).
Seg our_reset(const Peer& t) {
  return rst().seq(t.snd_nxt()).ack(t.rcv_nxt());
}

}  // namespace

SCENARIO_TEST("CLOSED: CLOSE of what was never given out is illegal [UC-CLOSE-01]") {
  auto t = peer::in_closed();
  t.handle = Handle::make(7, 1);
  t.calls_close(Error::NotAllowed).calls_shutdown_write(Error::NotAllowed);
  t.says_nothing().is(State::Closed);
}

SCENARIO_TEST("CLOSED: CLOSE of what is gone, or of nothing, is an error [UC-CLOSE-02]") {
  auto t = peer::in_closed();
  t.calls_close(Error::DoesNotExist).calls_shutdown_write(Error::DoesNotExist);
  auto u = peer::in_established();
  u.hears(rst()).is_told_ended(CloseReason::ResetByPeer);
  u.calls_close(Error::DoesNotExist).calls_shutdown_write(Error::DoesNotExist);
  u.says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("LISTEN: CLOSE is the end of listening [UC-CLOSE-03]") {
  auto t = peer::in_listen();
  t.handle = t.listener;
  t.calls_close().says_nothing().calls_accept(Error::DoesNotExist).is_gone();
  t.listener = {};
  t.and_pools_are_empty();
  t.hears(t.syn_of_peer()).says(rst().seq(Seq{0}).ack(t.irs + 1_B));
}

SCENARIO_TEST("LISTEN: what waits to be accepted is reset when it closes [UC-CLOSE-03]") {
  auto t = peer::in_established({.passive = true, .unaccepted = true});
  t.calls_close_listener().says(our_reset(t)).is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST("LISTEN: handshakes under way are forgotten when it closes [UC-CLOSE-03]") {
  auto t = peer::in_syn_received_passive();
  t.calls_close_listener().says_nothing().is(State::Closed).and_pools_are_empty();
  t.hears(ack()).says(rst().seq(t.iss + 1_B));
}

SCENARIO_TEST("SYN-SENT: CLOSE ends it without a word [UC-CLOSE-04]") {
  auto t = peer::in_syn_sent();
  t.calls_send(100_B).calls_close().says_nothing().is_gone().and_pools_are_empty();
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(rst().seq(t.iss + 1_B));
}

SCENARIO_TEST("SYN-SENT: CLOSE of the sending side ends it and says so [UC-CLOSE-04]") {
  auto t = peer::in_syn_sent();
  t.calls_shutdown_write().says_nothing().is_told_ended(CloseReason::ClosedBeforeOpen);
  t.is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-RECEIVED: CLOSE sends a FIN, the SYN stays first in the queue [UC-CLOSE-05]") {
  auto t = peer::in_syn_received_active();
  t.calls_shutdown_write().says(fin().seq(t.iss + 1_B).ack(t.irs + 1_B)).is(State::FinWait1);
  t.after_next_timer().says(syn().seq(t.iss).ack(t.irs + 1_B)).may_have_said_anything();
  t.hears(ack(t.iss + 1_B)).may_have_said_anything().is(State::FinWait1);
  t.after_next_timer().says(fin().seq(t.iss + 1_B).ack(t.irs + 1_B));
  t.hears(ack(t.iss + 2_B)).says_nothing().is(State::FinWait2);
}

SCENARIO_TEST("SYN-RECEIVED: one ACK may cover our SYN and our FIN [UC-CLOSE-05]") {
  auto t = peer::in_syn_received_active();
  t.calls_close().says(fin().seq(t.iss + 1_B).ack(t.irs + 1_B)).is(State::FinWait1);
  t.hears(fin().ack(t.iss + 2_B)).says(ack(t.irs + 2_B)).is(State::TimeWait);
}

SCENARIO_TEST("SYN-RECEIVED: with text queued CLOSE waits for ESTABLISHED [UC-CLOSE-06]") {
  auto t = peer::in_syn_received_active();
  t.calls_send(100_B).calls_shutdown_write().says_nothing().is(State::SynReceived);
  t.calls_send(1_B, Error::Closing).calls_shutdown_write(Error::Closing);
  t.hears(ack(t.iss + 1_B)).says(data(100_B).fin().seq(t.iss + 1_B).ack(t.irs + 1_B));
  t.is(State::FinWait1);
}

SCENARIO_TEST("ESTABLISHED: CLOSE sends a FIN [UC-CLOSE-07]") {
  for (const bool fully : {false, true}) {
    auto t = peer::in_established();
    if (fully) {
      t.calls_close();
    } else {
      t.calls_shutdown_write();
    }
    t.says(fin().seq(t.iss + 1_B).ack(t.irs + 1_B)).says_nothing().is(State::FinWait1);
  }
}

SCENARIO_TEST(
    "ESTABLISHED: the FIN goes behind the text, the state moves at once "
    "[UC-CLOSE-07, U-28]") {
  auto t = peer::in_established({.window = 0});
  t.calls_send(100_B).says_nothing().calls_shutdown_write().says_nothing().is(State::FinWait1);
  t.window_of_peer(65535);
  t.hears(ack(t.iss + 1_B)).says(data(100_B).fin().seq(t.iss + 1_B)).is(State::FinWait1);
}

SCENARIO_ROWS("CLOSE for good with unread text is a reset",
              also("SHLD-3, R2525-1", (std::vector<Row>{{Start::Established, "UC-CLOSE-08"},
                                                        {Start::EstablishedPassive, "UC-CLOSE-08"},
                                                        {Start::FinWait1, "UC-CLOSE-17"},
                                                        {Start::FinWait2, "UC-CLOSE-18"}}))) {
  auto t = row.begins();
  takes_text(t, 10_B);
  t.calls_close().says(our_reset(t)).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("CLOSE-WAIT: CLOSE for good with unread text is a reset [UC-CLOSE-16]") {
  auto t = peer::in_established();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::CloseWait);
  t.calls_close().says(our_reset(t)).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: text beyond a hole counts as unread too [UC-CLOSE-08]") {
  auto t = peer::in_established();
  t.hears(data(10_B).seq(t.rcv_nxt() + 5_B)).says(ack(t.irs + 1_B));
  t.calls_close().says(our_reset(t)).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: CLOSE of the sending side leaves unread text alone [UC-CLOSE-08]") {
  auto t = peer::in_established();
  takes_text(t, 10_B);
  t.calls_shutdown_write().says(fin()).is(State::FinWait1).calls_receive(10_B);
}

SCENARIO_TEST("ESTABLISHED: CLOSE with a linger time of nothing is a reset [UC-CLOSE-09]") {
  auto t = peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.linger = true; }});
  t.calls_send(100_B).says(data(100_B));
  t.calls_close().says(our_reset(t)).is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("a second CLOSE sends no second FIN",
              (std::vector<Row>{{Start::FinWait1, "UC-CLOSE-10"},
                                {Start::FinWait2, "UC-CLOSE-11"}})) {
  auto t = row.begins();
  t.calls_shutdown_write(Error::Closing).says_nothing().is(row.state());
  t.calls_close().says_nothing().is(row.state());
  t.calls_close(Error::Closing).calls_receive(Error::Closing).says_nothing().is(row.state());
}

SCENARIO_TEST("FIN-WAIT-2: CLOSE for good starts the time without a reader [UC-CLOSE-11]") {
  auto t = peer::in_fin_wait_2();
  t.after(3600_s).says_nothing().is(State::FinWait2);
  t.calls_close().says_nothing();
  const Duration limit = tcp::Config{}.fin_wait_2_orphan;
  t.after(limit - 1_ms).says_nothing().is(State::FinWait2);
  t.after(1_ms).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-1: CLOSE for good lets FIN-WAIT-2 end soon [UC-CLOSE-10]") {
  auto t = peer::in_fin_wait_1();
  t.calls_close().says_nothing().hears(ack()).says_nothing().is(State::FinWait2);
  const Duration limit = tcp::Config{}.fin_wait_2_orphan;
  t.after(limit - 1_ms).says_nothing().is(State::FinWait2);
  t.after(1_ms).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("CLOSE-WAIT: CLOSE sends a FIN and leads to LAST-ACK [UC-CLOSE-12]") {
  for (const bool fully : {false, true}) {
    auto t = peer::in_close_wait();
    if (fully) {
      t.calls_close();
    } else {
      t.calls_shutdown_write();
    }
    t.says(fin().seq(t.iss + 1_B).ack(t.irs + 2_B)).says_nothing().is(State::LastAck);
  }
}

SCENARIO_TEST("CLOSE-WAIT: the FIN goes behind the text, the state moves at once [UC-CLOSE-12]") {
  auto t = peer::in_close_wait({.window = 0});
  t.calls_send(100_B).says_nothing().calls_shutdown_write().says_nothing().is(State::LastAck);
  t.window_of_peer(65535);
  t.hears(ack(t.iss + 1_B)).says(data(100_B).fin().seq(t.iss + 1_B).ack(t.irs + 2_B));
}

SCENARIO_ROWS("CLOSE where both have closed is an error and sends nothing",
              (std::vector<Row>{{Start::Closing, "UC-CLOSE-13"},
                                {Start::LastAck, "UC-CLOSE-14"},
                                {Start::TimeWait, "UC-CLOSE-15"}})) {
  auto t = row.begins();
  t.calls_shutdown_write(Error::Closing).says_nothing().is(row.state());
  t.calls_close(Error::Closing).says_nothing().is(row.state());
  t.hears(ack(t.iss + 2_B)).says_nothing();
  t.is(row.start == Start::LastAck ? State::Closed : State::TimeWait);
  t.after(2 * msl).says_nothing().is(State::Closed).and_pools_are_empty();
}

}  // namespace rapport::scenario
