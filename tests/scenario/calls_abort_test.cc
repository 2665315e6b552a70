// ABORT and STATUS in every state (RFC 9293 3.9.1.5, 3.9.1.6, 3.10.5, 3.10.6).
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

std::vector<Row> rows_with_status() {
  return {{Start::SynSent, "UC-STATUS-04"},     {Start::SynReceivedActive, "UC-STATUS-05"},
          {Start::Established, "UC-STATUS-06"}, {Start::EstablishedPassive, "UC-STATUS-06"},
          {Start::FinWait1, "UC-STATUS-07"},    {Start::FinWait2, "UC-STATUS-08"},
          {Start::CloseWait, "UC-STATUS-09"},   {Start::Closing, "UC-STATUS-10"},
          {Start::LastAck, "UC-STATUS-11"},     {Start::TimeWait, "UC-STATUS-12"}};
}

}  // namespace

SCENARIO_TEST("CLOSED: ABORT of what was never given out is illegal [UC-ABORT-01]") {
  auto t = peer::in_closed();
  t.handle = Handle::make(7, 1);
  t.calls_abort(Error::NotAllowed).says_nothing().is(State::Closed);
}

SCENARIO_TEST("CLOSED: ABORT of what is gone, or of nothing, is an error [UC-ABORT-02]") {
  auto t = peer::in_closed();
  t.calls_abort(Error::DoesNotExist);
  auto u = peer::in_established();
  u.hears(rst()).is_told_ended(CloseReason::ResetByPeer);
  u.calls_abort(Error::DoesNotExist).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("LISTEN: ABORT is the end of listening [UC-ABORT-03]") {
  auto t = peer::in_listen();
  t.handle = t.listener;
  t.calls_abort().says_nothing().calls_accept(Error::DoesNotExist).is_gone();
  t.listener = {};
  t.and_pools_are_empty();
  t.hears(t.syn_of_peer()).says(rst().seq(Seq{0}).ack(t.irs + 1_B));
}

SCENARIO_TEST("SYN-SENT: ABORT sends no reset [UC-ABORT-04]") {
  auto t = peer::in_syn_sent();
  t.calls_send(100_B).calls_abort().says_nothing().is_gone().and_pools_are_empty();
  t.calls_send(1_B, Error::DoesNotExist).calls_receive(Error::DoesNotExist);
}

SCENARIO_ROWS("ABORT throws everything away and resets the peer",
              (std::vector<Row>{{Start::SynReceivedActive, "UC-ABORT-05"},
                                {Start::Established, "UC-ABORT-06"},
                                {Start::EstablishedPassive, "UC-ABORT-06"},
                                {Start::FinWait1, "UC-ABORT-07"},
                                {Start::FinWait2, "UC-ABORT-08"},
                                {Start::CloseWait, "UC-ABORT-09"}})) {
  auto t = row.begins();
  if (row.state() == State::Established || row.state() == State::CloseWait) {
    t.calls_send(10'000_B).may_have_said_anything();
  }
  if (row.state() >= State::Established && row.state() <= State::FinWait2) takes_text(t, 10_B);
  t.calls_abort().says(rst().seq(t.snd_nxt()).ack(t.rcv_nxt())).says_nothing();
  t.is_gone().and_pools_are_empty();
  t.calls_send(1_B, Error::DoesNotExist).calls_receive(Error::DoesNotExist);
  t.hears(ack()).says(rst().seq(t.snd_nxt()));  // nobody is here
}

SCENARIO_ROWS("ABORT where both have closed sends nothing",
              (std::vector<Row>{{Start::Closing, "UC-ABORT-10"},
                                {Start::LastAck, "UC-ABORT-11"},
                                {Start::TimeWait, "UC-ABORT-12"}})) {
  auto t = row.begins();
  t.calls_abort().says_nothing().is_gone().and_pools_are_empty();
  t.hears(ack()).says(rst().seq(t.snd_nxt()));
}

SCENARIO_TEST("CLOSED: STATUS of what was never given out is illegal [UC-STATUS-01]") {
  auto t = peer::in_closed();
  t.handle = Handle::make(7, 1);
  t.calls_status(Error::NotAllowed).says_nothing();
}

SCENARIO_TEST("CLOSED: STATUS of what is gone, or of nothing, is an error [UC-STATUS-02]") {
  auto t = peer::in_closed();
  t.calls_status(Error::DoesNotExist);
  auto u = peer::in_established();
  u.hears(rst()).is_told_ended(CloseReason::ResetByPeer);
  u.calls_status(Error::DoesNotExist).says_nothing();
}

SCENARIO_TEST("LISTEN: STATUS tells who listens and how many wait [UC-STATUS-03]") {
  auto t = peer::in_listen();
  auto status = t.calls_status();
  t.holds(status.state == State::Listen && status.passive, "it listens");
  t.holds(status.local.port == t.local.port, "at this port");
  t.holds(status.half_open == 0 && status.backlog_waiting == 0, "nobody came yet");
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.holds(t.calls_status().half_open == 1, "one is on the way");
  t.hears(ack()).says_nothing();
  status = t.calls_status();
  t.holds(status.half_open == 0 && status.backlog_waiting == 1, "one waits");
}

SCENARIO_ROWS("STATUS tells the state and what the TCB holds", rows_with_status()) {
  auto t = row.begins();
  const auto before = t.stack().fingerprint();
  const auto s = t.calls_status();
  t.holds(s.state == row.state(), "the state");
  t.holds(s.local == t.local && s.remote == t.remote, "the sockets");
  t.holds(s.iss == t.iss && s.snd_nxt == t.snd_nxt() && s.snd_una == t.snd_una(), "SND");
  t.holds(s.passive == (row.start == Start::EstablishedPassive), "the origin");
  if (row.start != Start::SynSent) {
    t.holds(s.irs == t.irs && s.rcv_nxt == t.rcv_nxt() && s.rcv_wnd == t.rcv_wnd(), "RCV");
  }
  if (row.state() >= State::Established) {
    t.holds(s.timestamps == t.timestamps_agreed() && s.sack == t.sack_agreed(), "the options");
    t.holds(s.snd_wnd == ByteCount{t.with().window}, "SND.WND");
  }
  t.says_nothing().is_told_nothing();
  t.holds(t.stack().fingerprint() == before, "asking changes nothing");
}

// 3.5.2 advises the one who resets to keep TIME-WAIT; choice 24: nothing is kept.
SCENARIO_TEST("ESTABLISHED: after an ABORT the tuple is free at once [U-35, UC-ABORT-06]") {
  auto t = peer::in_established();
  t.calls_abort().says(rst().ack(t.rcv_nxt())).is_gone().and_pools_are_empty();
  t.hears(ack()).says(rst().seq(t.snd_nxt()));
  t.calls_connect().says(syn()).is(State::SynSent);
}

}  // namespace rapport::scenario
