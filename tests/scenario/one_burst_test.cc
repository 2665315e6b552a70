// A connection ends and its successor begins within one burst: what ends it must not stand in the
// way of the SYN behind it (RFC 9293 3.10.7.2), nor answer for it.
#include "scenario.hh"

namespace rapport::scenario {

namespace {

// The peer's new SYN, far from the old numbers.
Seg new_syn(const Peer& t) {
  return t.syn_of_peer().seq(t.rcv_nxt() + 100'000_B);
}

void opens_anew(Peer& t, Seq number) {
  t.says(syn().ack(number + 1_B)).is(State::SynReceived);
  t.irs = number;
  t.hears(ack(t.iss + 1_B).seq(number + 1_B)).says_nothing();
  t.calls_accept().is(State::Established);
}

}  // namespace

SCENARIO_TEST("LAST-ACK: behind the last ACK a SYN opens anew [SA-LASTACK-13, SA-LISTEN-05]") {
  for (const bool full_close : {false, true}) {
    auto t = peer::in_last_ack({.passive = true, .full_close = full_close});
    const Seq number = t.rcv_nxt() + 100'000_B;
    t.hears_burst({ack(), new_syn(t)});
    opens_anew(t, number);
    if (!full_close) t.is_told_ended(CloseReason::ClosedByPeer);
    t.calls_abort().may_have_said_anything().and_pools_are_empty();
  }
}

SCENARIO_TEST("ESTABLISHED: behind a reset a SYN opens anew [SA-ESTAB-06, SA-LISTEN-05]") {
  auto t = peer::in_established({.passive = true});
  const Seq number = t.rcv_nxt() + 100'000_B;
  // The ACK that is owed for text beyond a hole is the old connection's, and goes with it.
  t.hears_burst({data(10_B).seq(t.rcv_nxt() + 50_B), rst(), new_syn(t)});
  opens_anew(t, number);
  t.is_told_ended(CloseReason::ResetByPeer);
  t.calls_abort().may_have_said_anything().and_pools_are_empty();
}

SCENARIO_TEST(
    "ESTABLISHED: one that nobody accepted gives way as well [SA-ESTAB-06, SA-LISTEN-05]") {
  auto t = peer::in_established({.passive = true, .unaccepted = true});
  const Seq number = t.rcv_nxt() + 100'000_B;
  t.hears_burst({rst(), new_syn(t)});
  opens_anew(t, number);
  t.calls_abort().may_have_said_anything().and_pools_are_empty();
}

SCENARIO_TEST(
    "LAST-ACK: behind the last ACK nobody is there for others [SA-LASTACK-13, SA-LISTEN-02]") {
  auto t = peer::in_last_ack({.passive = true});
  t.hears_burst({ack(), ack(t.snd_nxt() + 5_B)});
  t.says(rst().seq(t.snd_nxt() + 5_B)).says_nothing().is(State::Closed);
}

SCENARIO_TEST("LAST-ACK: without a listener a SYN behind the last ACK is reset [SA-LASTACK-13]") {
  auto t = peer::in_last_ack();
  const Seq number = t.rcv_nxt() + 100'000_B;
  t.hears_burst({ack(), new_syn(t)});
  t.says(rst().seq(Seq{0}).ack(number + 1_B)).says_nothing().is_gone().and_pools_are_empty();
}

}  // namespace rapport::scenario
