// TIME-WAIT gives way to a SYN that is newer than everything of the old connection, and comes back
// when that SYN was an old duplicate (RFC 6191; RFC 9293 3.6.1, MAY-2).
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

// We listened, closed first and for good; the listener is still there.
Peer old_life(bool timestamps) {
  auto t = peer::in_time_wait({.timestamps = timestamps, .passive = true, .full_close = true});
  t.after(1_s);
  return t;
}

// A SYN that is answered by SYN,ACK: the new life begins with a number beyond the old one's.
void reopens(Peer& t, const Seg& s, Seq number) {
  const Seq old = t.snd_nxt();
  t.hears(s).says(syn().ack(number + 1_B));
  t.holds(after(t.heard().seq, old), "the new ISS lies beyond the old SND.NXT");
  t.is(State::SynReceived);
}

void completes(Peer& t, Seq number) {
  t.irs = number;
  t.hears(ack(t.iss + 1_B).seq(number + 1_B)).says_nothing();
  t.calls_accept().is(State::Established);
}

void is_refused(Peer& t, const Seg& s) {
  const Duration left = t.until_next_timer();
  t.hears(s).says(current_ack(t)).is(State::TimeWait);
  t.hears(s).says_nothing().is(State::TimeWait);  // throttled
  t.after(left - 1_ms).is(State::TimeWait);
  t.after(1_ms).is_gone();  // 2MSL was not restarted
}

}  // namespace

SCENARIO_TEST("TIME-WAIT: a SYN with a newer timestamp opens anew [SA-TW-09, R6191-1, SHLD-4]") {
  for (const auto where : {1000_B, 0_B, 0x80000000_B, 0xfffff000_B}) {
    auto t = old_life(true);
    const Seq number = t.rcv_nxt() + where;
    reopens(t, t.syn_of_peer().seq(number), number);
    completes(t, number);
  }
}

SCENARIO_TEST("TIME-WAIT: a SYN as new and with a larger number opens anew [SA-TW-10, R6191-2]") {
  auto t = old_life(true);
  const Seq number = t.rcv_nxt();  // the FIN's number plus one
  reopens(t, t.syn_of_peer().seq(number).ts(t.tsval_now() - 1000, 0), number);
}

SCENARIO_TEST(
    "TIME-WAIT: a SYN as new whose number is not larger is challenged "
    "[SA-TW-13, R6191-2, R6191-5]") {
  auto t = old_life(true);
  is_refused(t, t.syn_of_peer().seq(t.rcv_nxt() - 1_B).ts(t.tsval_now() - 1000, 0));
}

SCENARIO_TEST("TIME-WAIT: a SYN with an older timestamp is challenged [SA-TW-13, R6191-5]") {
  auto t = old_life(true);
  is_refused(t, t.syn_of_peer().seq(t.rcv_nxt() + 1000_B).ts(t.tsval_now() - 1001, 0));
}

SCENARIO_TEST(
    "TIME-WAIT: without timestamps a SYN with a larger number opens anew "
    "[SA-TW-11, MAY-2, R6191-3]") {
  for (const auto where : {0_B, 1000_B}) {
    auto t = old_life(false);
    const Seq number = t.rcv_nxt() + where;
    reopens(t, t.syn_of_peer().seq(number), number);
    completes(t, number);
  }
}

SCENARIO_TEST(
    "TIME-WAIT: without timestamps a SYN with an older number is challenged "
    "[SA-TW-13, R6191-3, R6191-5]") {
  for (const auto where : {1_B, 1000_B}) {
    auto t = old_life(false);
    is_refused(t, t.syn_of_peer().seq(t.rcv_nxt() - where));
  }
}

SCENARIO_TEST(
    "TIME-WAIT: a SYN with timestamps, which the old life had not, opens anew "
    "[SA-TW-12, R6191-4]") {
  for (const auto where : {1000_B, 0xfffff000_B}) {
    auto t = old_life(false);
    const Seq number = t.rcv_nxt() + where;
    reopens(t, t.syn_of_peer().seq(number).ts(4711, 0), number);
  }
}

SCENARIO_TEST(
    "TIME-WAIT: comes back when a reset tells that the SYN was an old one "
    "[SA-TW-14, MAY-2]") {
  for (const bool timestamps : {false, true}) {
    auto t = old_life(timestamps);
    const Seq old_rcv = t.rcv_nxt();
    const Seq old_snd = t.snd_nxt();
    reopens(t, t.syn_of_peer().seq(old_rcv + 1000_B), old_rcv + 1000_B);
    t.hears(rst().seq(old_rcv + 1001_B)).says_nothing().is(State::TimeWait);
    // With the numbers of its first life.
    t.hears(fin().seq(old_rcv - 1_B).ack(old_snd)).says(ack(old_rcv).seq(old_snd));
    t.after(2 * msl - 1_ms).is(State::TimeWait);
    t.after(1_ms).is_gone().and_pools_are_empty();
  }
}

SCENARIO_TEST("TIME-WAIT: is not given up for a SYN that nobody listens for [SA-TW-25]") {
  auto t = peer::in_time_wait();
  t.after(1_s);
  is_refused(t, t.syn_of_peer().seq(t.rcv_nxt() + 1000_B));
}

}  // namespace rapport::scenario
