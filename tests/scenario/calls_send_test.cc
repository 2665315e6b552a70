// SEND in every state (RFC 9293 3.9.1.2, 3.10.2).
#include "scenario.hh"

namespace rapport::scenario {

namespace {

With with_send_buffer(ByteCount octets) {
  return {.options = [octets](tcp::ConnectionOptions& o) { o.send_buffer = octets; }};
}

// The handle names a slot that was never given out, or one of another time.
Handle forged(const Peer& t) {
  return Handle::make(t.handle.index() + 7, 1);
}

std::vector<Row> rows_with_room() {
  return {{Start::SynSent, "UC-SEND-05"}, {Start::SynReceivedActive, "UC-SEND-07"}};
}

std::vector<Row> rows_without_room() {
  return {{Start::SynSent, "UC-SEND-06"},
          {Start::SynReceivedActive, "UC-SEND-08"},
          {Start::Established, "UC-SEND-10"},
          {Start::EstablishedPassive, "UC-SEND-10"},
          {Start::CloseWait, "UC-SEND-19"}};
}

}  // namespace

SCENARIO_TEST("CLOSED: SEND on what was never given out is illegal [UC-SEND-01]") {
  auto t = peer::in_closed();
  t.handle = forged(t);
  t.calls_send(1_B, Error::NotAllowed).says_nothing().is(State::Closed);
}

SCENARIO_TEST("CLOSED: SEND on a handle of a later time does not reach today's [UC-SEND-01]") {
  auto t = peer::in_established();
  const Handle ours = t.handle;
  t.handle = Handle::make(ours.index(), ours.generation() + 1);
  t.calls_send(1_B, Error::NotAllowed).says_nothing();
  t.handle = ours;
  t.is(State::Established);
}

SCENARIO_TEST("CLOSED: SEND on what is gone, or on nothing, is an error [UC-SEND-02]") {
  auto t = peer::in_closed();
  t.calls_send(1_B, Error::DoesNotExist);
  auto u = peer::in_established();
  u.hears(rst()).is_told_ended(CloseReason::ResetByPeer);
  u.calls_send(1_B, Error::DoesNotExist).says_nothing().is_gone();
}

SCENARIO_TEST("LISTEN: SEND without a remote is an error [UC-SEND-04]") {
  auto t = peer::in_listen();
  t.handle = t.listener;
  t.calls_send(1_B, Error::RemoteUnspecified).says_nothing().is(State::Listen);
}

SCENARIO_TEST("LISTEN: SEND with a remote finds no room, for none is kept [UC-SEND-18]") {
  auto t = peer::in_listen({.listens_to_peer_only = true});
  t.handle = t.listener;
  t.calls_send(1_B, Error::InsufficientResources).says_nothing().is(State::Listen);
}

SCENARIO_ROWS("text is queued until ESTABLISHED", rows_with_room()) {
  auto t = row.begins();
  t.calls_send(100_B).says_nothing().calls_send(50_B).says_nothing().is(row.state());
  t.holds(t.calls_status().send_queue == 150_B, "all is queued");
  if (row.start == Start::SynSent) {
    t.hears(t.syn_of_peer().ack(t.iss + 1_B));
  } else {
    t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B));
  }
  t.says(data(150_B).seq(t.iss + 1_B).ack(t.irs + 1_B)).says_nothing().is(State::Established);
}

SCENARIO_ROWS("without room SEND takes what fits, then nothing", rows_without_room()) {
  auto t = row.begins(with_send_buffer(1000_B));
  t.window_of_peer(0);
  if (row.start >= Start::Established) t.hears(ack()).says_nothing();
  const std::vector<uint8_t> text(1500);
  const auto some = t.stack().command(tcp::Send{.connection = t.handle, .bytes = text}, t.now());
  t.holds(some == 1000_B, "a thousand octets fit");
  t.calls_send(1_B, Error::WouldBlock).says_nothing().is(row.state());  // choice 41
  t.holds(t.calls_status().send_queue == 1000_B, "and no more are queued");
}

SCENARIO_TEST("ESTABLISHED: room again is told to whom it was refused [UC-SEND-10]") {
  auto t = peer::in_established(with_send_buffer(1000_B));
  t.calls_send(1000_B).says(data(1000_B)).calls_send(1_B, Error::WouldBlock);
  t.is_not_told(What::Writable);
  t.hears(ack(t.iss + 501_B)).says_nothing().is_told(What::Writable);
  t.calls_send(500_B).calls_send(1_B, Error::WouldBlock).may_have_said_anything();
}

SCENARIO_ROWS("text leaves with the current ACK",
              also("MUST-60, MUST-61", (std::vector<Row>{{Start::Established, "UC-SEND-09"},
                                                         {Start::EstablishedPassive, "UC-SEND-09"},
                                                         {Start::CloseWait, "UC-SEND-12"}}))) {
  auto t = row.begins();
  const Seq una = t.iss + 1_B;
  const ByteCount full = t.largest_text();
  t.calls_send(full + 100_B).says(data(full).seq(una).ack(t.rcv_nxt()));
  t.says_nothing();  // Nagle: less than a segment waits for the ACK
  t.hears(ack(una + full)).says(data(100_B).psh().seq(una + full).ack(t.rcv_nxt()));
  t.is(row.state());
}

SCENARIO_ROWS("no more leaves than the window lets",
              (std::vector<Row>{{Start::Established, "UC-SEND-09"},
                                {Start::CloseWait, "UC-SEND-12"}})) {
  auto t = row.begins({.window = 2048});
  const ByteCount full = t.largest_text();
  const Seq una = t.iss + 1_B;
  t.calls_send(10'000_B).says(data(full).seq(una)).may_have_said_anything();
  t.holds(at_or_before(t.snd_nxt(), una + 2048_B), "SND.NXT =< SND.UNA + SND.WND");
  t.hears(ack(una + full)).says(data(full).seq(una + full)).may_have_said_anything();
  t.holds(at_or_before(t.snd_nxt(), una + full + 2048_B), "SND.NXT =< SND.UNA + SND.WND");
}

SCENARIO_ROWS("urgent text carries the pointer to the octet after it",
              also("MUST-30, MUST-62", (std::vector<Row>{{Start::Established, "UC-SEND-11"},
                                                         {Start::EstablishedPassive, "UC-SEND-11"},
                                                         {Start::CloseWait, "UC-SEND-20"}}))) {
  auto t = row.begins();
  t.calls_send_urgent(10_B).says(data(10_B).urg(10).seq(t.iss + 1_B).ack(t.rcv_nxt()));
  t.hears(ack()).says_nothing();
  t.calls_send(10_B).says(data(10_B).seq(t.iss + 11_B)).is(row.state());
}

SCENARIO_TEST(
    "ESTABLISHED: what goes before urgent text points at its end too "
    "[UC-SEND-11, MUST-62]") {
  auto t = peer::in_established({.window = 0});
  t.calls_send(20_B).says_nothing().calls_send_urgent(10_B);
  t.may_have_said_anything();
  t.calls_send(5_B).may_have_said_anything();
  t.window_of_peer(65535);
  t.hears(ack(t.iss + 1_B)).says(data(35_B).urg(30).seq(t.iss + 1_B));
}

SCENARIO_ROWS("after our CLOSE nothing can be sent",
              (std::vector<Row>{{Start::FinWait1, "UC-SEND-13"},
                                {Start::FinWait2, "UC-SEND-14"},
                                {Start::Closing, "UC-SEND-15"},
                                {Start::LastAck, "UC-SEND-16"},
                                {Start::TimeWait, "UC-SEND-17"}})) {
  auto t = row.begins();
  t.calls_send(1_B, Error::Closing).says_nothing().is(row.state()).is_told_nothing();
}

}  // namespace rapport::scenario
