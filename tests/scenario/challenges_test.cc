// How often a doubtful segment is answered (RFC 5961 7): the throttle of each connection in every
// state that answers, the allowance of the whole host, and who may draw on it.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

Seg doubtful_reset(const Peer& t) {
  return rst().seq(t.rcv_nxt() + 5_B);
}

// One provocation each 10 ms. How many were answered; never two within an interval.
int answers_in(Peer& t, Duration time, Duration interval) {
  int answers = 0;
  Instant last{};
  const Instant end = t.now() + time;
  while (t.now() < end) {
    t.hears(doubtful_reset(t));
    if (t.has_more_to_say()) {
      t.says(current_ack(t));
      t.holds(answers == 0 || t.now() - last >= interval, "the interval is not cut short");
      last = t.now();
      ++answers;
    }
    t.after(10_ms).may_have_said_anything();
  }
  return answers;
}

}  // namespace

SCENARIO_ROWS("challenges are throttled before the handshake is complete, too",
              rows_of("SA-ALL-05", {Start::SynReceivedActive, Start::SynReceivedPassive})) {
  auto t = row.begins();
  t.hears(doubtful_reset(t)).says(current_ack(t));
  for (int i = 0; i < 10; ++i) {
    t.hears(doubtful_reset(t)).says_nothing().dropped_as(DropReason::ChallengeThrottled);
  }
  t.after(600_ms).says_nothing();
  t.hears(doubtful_reset(t)).says(current_ack(t)).is(row.state());
}

SCENARIO_ROWS("in six seconds there are no more challenges than intervals",
              rows_of("SA-ALL-05", {Start::SynReceivedPassive, Start::Established, Start::FinWait2,
                                    Start::TimeWait})) {
  auto t = row.begins();
  t.after(37_ms);  // out of step with any clock
  const int answers = answers_in(t, 6_s, 500_ms);
  t.holds(answers <= 13, "at most one each 500 ms");
  t.holds(answers >= 10, "and not many fewer");
}

SCENARIO_ROWS("an interval may be long", rows_of("SA-ALL-05", {Start::Established, Start::TimeWait},
                                                 {.config = [](stack::Config& c) {
                                                   c.tcp.challenge_interval = 40_s;
                                                   c.tcp.two_msl = 240_s;
                                                 }})) {
  auto t = row.begins();
  t.hears(doubtful_reset(t)).says(current_ack(t));
  t.after(10_s).hears(doubtful_reset(t)).says_nothing();
  t.after(23_s).hears(doubtful_reset(t)).says_nothing();
  t.after(6_s).hears(doubtful_reset(t)).says_nothing();
  t.after(2_s).hears(doubtful_reset(t)).says(current_ack(t)).is(row.state());
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): what the sequence check answers leaves the host's challenges alone "
    "[SA-SYNRCVD-02, SA-SYNRCVD-08]") {
  auto t = peer::in_listen({.config = [](stack::Config& c) { c.tcp.challenge_cap = 2; }});
  for (uint16_t which = 1; which <= 8; ++which) {
    const Endpoint other{t.remote.address, static_cast<uint16_t>(t.remote.port + which)};
    t.hears(t.syn_of_peer().from(other)).says(syn().ack(t.irs + 1_B).to(other));
    const Seq iss = t.heard().seq;
    Seg aside = ack(iss + 1_B).seq(t.irs - 100_B).from(other);
    if (t.heard().options.has_timestamps) aside.ts(t.tsval_now(), t.heard().options.tsval);
    t.hears(aside).says(ack(t.irs + 1_B).seq(iss + 1_B).to(other));
  }
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.hears(doubtful_reset(t)).says(ack(t.irs + 1_B).seq(t.iss + 1_B)).is(State::SynReceived);
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): the same ACK goes to the same peer once an interval "
    "[SA-SYNRCVD-02, SA-SYNRCVD-30]") {
  auto t = peer::in_syn_received_passive();
  t.hears(ack().seq(t.rcv_nxt() - 1_B)).says(current_ack(t));
  t.hears(ack().seq(t.rcv_nxt() - 1_B)).says_nothing();  // choice 54
  t.hears(fin().seq(t.rcv_nxt() - 10_B)).says_nothing();
  t.after(600_ms).says_nothing();
  t.hears(fin().seq(t.rcv_nxt() - 10_B)).says(current_ack(t));
  t.hears(ack()).says_nothing();
  t.calls_accept().is(State::Established);
}

SCENARIO_ROWS(
    "a SYN without the timestamp that was agreed on is challenged, or a peer that began "
    "anew never learns",
    rows_of("SA-ALL-03", synchronized_starts(), {.timestamps = true})) {
  for (const auto where : {0_B, 1000_B, 0x80000000_B}) {
    auto t = row.begins();
    t.hears(syn().seq(t.rcv_nxt() + where).no_ts()).says(current_ack(t)).is(row.state());
    // The peer, in SYN-SENT, answers that with a reset.
    t.hears(rst()).says_nothing();
    t.is(row.start == Start::TimeWait ? State::TimeWait : State::Closed);
  }
}

}  // namespace rapport::scenario
