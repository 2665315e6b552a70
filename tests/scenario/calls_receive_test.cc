// RECEIVE in every state (RFC 9293 3.9.1.3, 3.10.3).
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

std::vector<Row> open_states(const char* established, const char* fin_wait_1,
                             const char* fin_wait_2) {
  return {{Start::Established, established},
          {Start::EstablishedPassive, established},
          {Start::FinWait1, fin_wait_1},
          {Start::FinWait2, fin_wait_2}};
}

}  // namespace

SCENARIO_TEST("CLOSED: RECEIVE on what was never given out is illegal [UC-RECV-01]") {
  auto t = peer::in_closed();
  t.handle = Handle::make(7, 1);
  t.calls_receive(Error::NotAllowed).says_nothing().is(State::Closed);
}

SCENARIO_TEST("CLOSED: RECEIVE on what is gone, or on nothing, is an error [UC-RECV-02]") {
  auto t = peer::in_closed();
  t.calls_receive(Error::DoesNotExist);
  auto u = peer::in_established();
  takes_text(u, 10_B);
  u.hears(rst()).is_told_ended(CloseReason::ResetByPeer);
  u.calls_receive(Error::DoesNotExist).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: RECEIVE waits for ESTABLISHED [UC-RECV-04]") {
  auto t = peer::in_syn_sent();
  t.calls_receive(Error::WouldBlock).says_nothing().is(State::SynSent);
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack(t.irs + 1_B));
  t.is_not_told(What::Readable);
  takes_text(t, 10_B);
  t.is_told(What::Readable).calls_receive(10_B);
}

SCENARIO_TEST("SYN-RECEIVED: RECEIVE waits for ESTABLISHED [UC-RECV-05]") {
  auto t = peer::in_syn_received_active();
  t.calls_receive(Error::WouldBlock).says_nothing().is(State::SynReceived);
  t.hears(data(10_B)).says(ack(t.irs + 11_B));
  t.is(State::Established).is_told(What::Readable).calls_receive(10_B);
}

SCENARIO_ROWS("text that waits is read, and no more than it",
              open_states("UC-RECV-06", "UC-RECV-07", "UC-RECV-08")) {
  auto t = row.begins();
  takes_text(t, 100_B);
  t.is_told(What::Readable).calls_receive(40_B).calls_receive(60_B);
  t.calls_receive(Error::WouldBlock).says_nothing().is(row.state());
}

SCENARIO_ROWS("reading opens a closed window once that is worth telling",
              also("MUST-39, U-18", open_states("UC-RECV-06", "UC-RECV-07", "UC-RECV-08"))) {
  auto t = row.begins({.window_closed = true});
  t.holds(t.rcv_wnd() == 0_B, "the window is closed");
  t.calls_receive(500_B).says_nothing();  // less than a segment: silly (MUST-39)
  t.calls_receive(1500_B).says(ack(t.rcv_nxt()).seq(t.snd_nxt()));
  t.holds(t.rcv_wnd() == 2000_B, "all that was read is offered");
  t.is(row.state());
}

SCENARIO_ROWS("without text RECEIVE has to wait",
              open_states("UC-RECV-09", "UC-RECV-10", "UC-RECV-11")) {
  auto t = row.begins();
  t.calls_receive(Error::WouldBlock).says_nothing().is(row.state()).is_told_nothing();
  takes_text(t, 10_B);
  t.is_told(What::Readable).calls_receive(10_B);
}

SCENARIO_TEST("CLOSE-WAIT: what is left is read, then the end [UC-RECV-12, UC-RECV-13]") {
  auto t = peer::in_established();
  t.hears(data(100_B).fin()).says(ack(t.irs + 102_B)).is(State::CloseWait);
  t.calls_receive(40_B).calls_receive(60_B).says_nothing();
  t.calls_receive(Error::Closing).calls_receive(Error::Closing).says_nothing();
  t.is(State::CloseWait);
}

SCENARIO_ROWS("there is nothing more to RECEIVE",
              (std::vector<Row>{{Start::CloseWait, "UC-RECV-13"},
                                {Start::Closing, "UC-RECV-14"},
                                {Start::LastAck, "UC-RECV-15"},
                                {Start::TimeWait, "UC-RECV-16"}})) {
  auto t = row.begins();
  t.calls_receive(Error::Closing).says_nothing().is(row.state());
}

SCENARIO_TEST("CLOSING: what came before the peer's FIN is read first [UC-RECV-14]") {
  auto t = peer::in_fin_wait_1();
  t.hears(data(10_B).fin().ack(t.iss + 1_B)).says(ack(t.irs + 12_B)).is(State::Closing);
  t.calls_receive(10_B).calls_receive(Error::Closing).says_nothing();
}

SCENARIO_TEST("LAST-ACK: what came before the peer's FIN is read first [UC-RECV-15]") {
  auto t = peer::in_established();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::CloseWait);
  t.calls_shutdown_write().says(fin()).is(State::LastAck);
  t.calls_receive(10_B).calls_receive(Error::Closing).says_nothing();
}

SCENARIO_TEST("TIME-WAIT: what came before the peer's FIN is read first [UC-RECV-16]") {
  auto t = peer::in_fin_wait_2();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::TimeWait);
  t.calls_receive(10_B).calls_receive(Error::Closing).says_nothing();
  t.after(2 * msl).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("LAST-ACK: what was not read before the end is still there [UC-RECV-15]") {
  auto t = peer::in_established();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::CloseWait);
  t.calls_shutdown_write().says(fin());
  t.calls_receive(10_B).hears(ack()).says_nothing();
  t.is_told_ended(CloseReason::ClosedByPeer).is_gone().and_pools_are_empty();
}

}  // namespace rapport::scenario
