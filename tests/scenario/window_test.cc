// The peer's window in unusual order (choices 49 and 51), closed with text in flight, shrunk; and
// text that nobody has read when the connection ends.
#include "scenario.hh"

#include <cstdint>

namespace rapport::scenario {

namespace {

void sends_segments(Peer& t, uint32_t n) {
  t.calls_send(t.largest_text() * n);
  for (uint32_t i = 0; i < n; ++i) {
    t.says(data(t.largest_text()).seq(t.iss + 1_B + t.largest_text() * i));
  }
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: an ACK that moves SND.UNA updates the window though text overtook it "
    "[U-15]") {
  auto t = peer::in_established();
  const Seq next = t.rcv_nxt();
  t.calls_send(100_B).says(data(100_B));
  t.hears(data(10_B).seq(next + 10_B).ack(t.iss + 1_B).win(t.window_field(8192))).says(ack(next));
  t.holds(t.calls_status().snd_wnd == 8192_B, "the segment further on sets WL1");
  t.hears(data(10_B).seq(next).ack(t.iss + 101_B).win(t.window_field(4096)));
  t.says(ack(next + 20_B));
  t.holds(t.calls_status().snd_wnd == 4096_B, "choice 49");
  const Seq now = next + 20_B;
  t.hears(ack(t.iss + 101_B).seq(now + 50_B).win(t.window_field(8192))).says_nothing();
  t.hears(ack(t.iss + 101_B).seq(now + 10_B).win(t.window_field(16384))).says_nothing();
  t.holds(t.calls_status().snd_wnd == 8192_B, "an older one that moves nothing does not");
}

SCENARIO_TEST(
    "ESTABLISHED: a window that closes on text in flight is probed, and when it opens the "
    "text leaves again [MUST-35, MUST-34, SHLD-16]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  sends_segments(t, 3);
  t.window_of_peer(0);
  t.hears(ack(una)).says_nothing();
  t.after(200_ms - 1_ms).says_nothing().after(1_ms).says(window_probe(t)).says_nothing();
  t.hears(ack(una)).says_nothing();
  t.window_of_peer(65408);
  t.hears(ack(una));
  for (uint32_t i = 0; i < 3; ++i) {
    t.says(data(t.largest_text()).seq(una + t.largest_text() * i));
  }
  t.says_nothing().hears(ack()).says_nothing().after(2000_s).says_nothing().is(State::Established);
}

SCENARIO_TEST(
    "ESTABLISHED: if that text is lost as well its own timer brings it back "
    "[MUST-35, U-25]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  sends_segments(t, 1);
  t.window_of_peer(0);
  t.hears(ack(una)).after(200_ms).says(window_probe(t)).hears(ack(una)).says_nothing();
  t.window_of_peer(65408);
  t.hears(ack(una)).says(data(t.largest_text()).seq(una)).says_nothing();
  t.after_next_timer().says(data(t.largest_text()).seq(una)).hears(ack()).says_nothing();
}

SCENARIO_TEST(
    "ESTABLISHED: text beyond a closed window is no reason to give up "
    "[SHLD-17, MUST-37]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }});
  sends_segments(t, 3);
  t.window_of_peer(0);
  t.hears(ack(t.iss + 1_B)).says_nothing();
  for (const Instant end = t.now() + 1000_s; t.now() < end;) {
    t.after_next_timer().says(window_probe(t)).hears(ack(t.iss + 1_B)).says_nothing();
  }
  t.is(State::Established).is_not_told(What::Ended);
  // Nor is it a loss: what answers our probes counts for no fast retransmission.
  t.holds(t.stack().counters().fast_retransmissions == 0, "it has only probed");
}

SCENARIO_TEST(
    "ESTABLISHED: a window that shrinks lets nothing new out, what fits leaves again "
    "[SHLD-15, SHLD-16, MUST-34]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  const ByteCount full = t.largest_text();
  sends_segments(t, 5);
  t.calls_send(full * 20).may_have_said_anything();  // five more: the initial window
  const Seq sent = t.snd_nxt();
  t.window_of_peer(2048);
  t.hears(ack(una)).says_nothing();  // the edge has moved left of SND.NXT
  t.hears(ack(una + full)).says_nothing();
  t.after_next_timer().says(data(full).seq(una + full)).says_nothing();
  t.holds(t.snd_nxt() == sent, "nothing new");
  t.window_of_peer(65408);
  t.hears(ack(sent)).may_have_said_anything();
  t.holds(after(t.snd_nxt(), sent), "it goes on");
}

SCENARIO_TEST("ESTABLISHED: a window of 65535 and one of 32768 are not negative [MUST-1, REC-1]") {
  for (const uint16_t field : {uint16_t{0x8000}, uint16_t{0xffff}}) {
    auto t = peer::in_established({.window_scale = false});
    t.hears(ack().win(field)).says_nothing();
    t.holds(t.calls_status().snd_wnd == ByteCount{field}, "taken as it is");
  }
}

// --- text that was not read ---------------------------------------------------------------------

SCENARIO_TEST(
    "LAST-ACK: text not read before the end waits for its reader, then the end is told "
    "[UC-RECV-15, MUST-12]") {
  auto t = peer::in_established();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::CloseWait);
  t.calls_shutdown_write().says(fin()).hears(ack()).says_nothing();
  t.is_not_told(What::Ended).after(600_s).says_nothing().is_not_told(What::Ended);
  t.calls_receive(4_B).is_not_told(What::Ended).calls_receive(6_B);
  t.is_told_ended(CloseReason::ClosedByPeer).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("LAST-ACK: who closes for good does not want it any more [UC-RECV-15]") {
  auto t = peer::in_established();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B));
  t.calls_shutdown_write().says(fin()).hears(ack()).says_nothing();
  t.calls_close().says_nothing().and_pools_are_empty();
}

SCENARIO_TEST(
    "TIME-WAIT: text not read in 2MSL waits for its reader, then the end is told "
    "[UC-RECV-16, MUST-12]") {
  auto t = peer::in_fin_wait_2();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B)).is(State::TimeWait);
  t.after(2 * msl).says_nothing().is(State::Closed).is_not_told(What::Ended);
  t.finds_readable(10_B).calls_receive(10_B);
  t.is_told_ended(CloseReason::ClosedByUs).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: a reset throws unread text away [SA-ESTAB-06, MUST-12]") {
  auto t = peer::in_established();
  t.hears(data(10_B)).says(ack()).hears(rst()).says_nothing();
  t.is_told_ended(CloseReason::ResetByPeer).is_gone().and_pools_are_empty();
}

SCENARIO_TEST(
    "ESTABLISHED: what a shrunk window has left out is not sent again, nor anything new "
    "[R7323-7, MAY-7, SHLD-15]") {
  auto t = peer::in_established({.sack = false});
  const Seq una = t.iss + 1_B;
  sends_segments(t, 3);
  t.calls_send(1000_B).may_have_said_anything();
  t.window_of_peer(1024);
  t.hears(ack(una)).says_nothing();
  for (int i = 0; i < 4; ++i) {  // each time-out sends what the window holds, from its left edge
    t.after_next_timer().says(data(1024_B).seq(una)).says_nothing();
  }
  t.hears(ack(una + 1024_B)).says(data(1024_B).seq(una + 1024_B)).says_nothing();
  t.window_of_peer(65408);
  t.hears(ack(t.snd_nxt())).may_have_said_anything();
  t.is(State::Established);
}

SCENARIO_TEST(
    "ESTABLISHED: a window closed for hours is no reason to end, as long as somebody wants to "
    "send [R6429-1, MUST-37]") {
  auto t = peer::in_established({.window = 0});
  t.calls_send(10_B).says_nothing();
  for (const Instant end = t.now() + 14'400_s; t.now() < end;) {
    t.after_next_timer().says(window_probe(t)).hears(ack(t.iss + 1_B)).says_nothing();
  }
  t.is(State::Established).is_not_told(What::Ended);
  t.calls_abort().says(rst().ack(t.rcv_nxt())).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-1: nobody waits for ever for a window to open [R6429-1]") {
  auto t = peer::in_established({.window = 0});
  t.calls_send(10_B).says_nothing().calls_close().says_nothing().is(State::FinWait1);
  const Instant closed = t.now();
  while (t.stack().state_of(t.local, t.remote) != State::Closed) {
    t.after(t.until_next_timer());
    if (t.has_more_to_say()) t.says(window_probe(t)).hears(ack(t.iss + 1_B)).says_nothing();
    t.holds(t.now() - closed < 200_s, "it ends");
  }
  t.holds(t.now() - closed >= 119_s, "after orphan_give_up");
  const auto reason = static_cast<size_t>(CloseReason::OrphanTimedOut);
  t.holds(t.stack().counters().ended[reason] == 1, "and is counted");
  t.and_pools_are_empty();
}

}  // namespace rapport::scenario
