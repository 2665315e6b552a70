// ESTABLISHED: text, acknowledgments, urgent data, FIN and timers (RFC 9293 3.10.7.4, steps five to
// eight, and 3.10.8). Rows that it shares with other states are in common_rows_test.cc.
#include "scenario.hh"

#include <algorithm>

namespace rapport::scenario {

namespace {

constexpr Duration kDelayedAck = 40_ms;

With slow_acks() {
  return {.config = [](stack::Config& c) { c.tcp.quick_acks = 0; }};
}

// n octets were sent, received and acknowledged by us.
void has_received(Peer& t, ByteCount n) {
  const Seq behind = t.rcv_nxt() + n;
  t.hears(data(n)).says(ack(behind));
}

// The ACK of what lies left, with these SACK blocks if the peer reads them.
Seg ack_with(const Peer& t, Seq number, std::vector<wire::SackBlock> blocks) {
  Seg s = ack(number).seq(t.snd_nxt());
  if (t.sack_agreed()) return s.sack(std::move(blocks));
  return s.no_sack();
}

// Sends n full segments; all of them leave at once.
void has_sent(Peer& t, uint32_t segments) {
  t.calls_send(t.largest_text() * segments);
  for (uint32_t i = 0; i < segments; ++i) {
    t.says(data(t.largest_text()).seq(t.iss + 1_B + t.largest_text() * i));
  }
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: the ACK of one full segment is delayed, of the second it is not "
    "[SA-ESTAB-17, MUST-40, SHLD-19]") {
  auto t = peer::in_established(slow_acks());
  const Seq start = t.rcv_nxt();
  t.hears(data(1000_B)).says_nothing();
  t.after(kDelayedAck - 1_ms).says_nothing();
  t.after(1_ms).says(ack(start + 1000_B));
  const ByteCount full = t.largest_text();
  t.hears(data(full)).says_nothing();
  t.hears(data(full).seq(start + 1000_B + full)).says(ack(start + 1000_B + full * 2));
  t.is(State::Established).calls_receive(1000_B + full * 2);
  t.may_have_said_anything();  // a window update
}

SCENARIO_TEST(
    "ESTABLISHED: the right edge of our window never moves left "
    "[SA-ESTAB-17, SHLD-14]") {
  auto t = peer::in_established(
      {.options = [](tcp::ConnectionOptions& o) { o.receive_buffer = 16_KiB; }});
  Seq edge = t.rcv_nxt() + t.rcv_wnd();
  for (int i = 0; i < 8; ++i) {
    has_received(t, 1000_B);
    const Seq now = t.rcv_nxt() + t.rcv_wnd();
    t.holds(at_or_after(now, edge), "RCV.NXT+RCV.WND is not reduced");
    edge = now;
  }
}

SCENARIO_TEST("ESTABLISHED: pushed text wakes the reader [SA-ESTAB-18]") {
  auto t = peer::in_established();
  t.hears(data(10_B).psh()).says(ack(t.irs + 11_B));
  t.is_told(What::Readable).calls_receive(10_B);
}

SCENARIO_TEST(
    "ESTABLISHED: text beyond a hole is kept and answered at once "
    "[SA-ESTAB-19, SHLD-31]") {
  auto t = peer::in_established(slow_acks());
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next + 10_B)).says(ack_with(t, next, {{next + 10_B, next + 20_B}}));
  t.calls_receive(Error::WouldBlock).is_not_told(What::Readable);
  t.hears(data(10_B).seq(next + 40_B));
  t.says(ack_with(t, next, {{next + 40_B, next + 50_B}, {next + 10_B, next + 20_B}}));
}

SCENARIO_TEST(
    "ESTABLISHED: text that fills a hole is acknowledged at once with what follows "
    "[SA-ESTAB-20]") {
  auto t = peer::in_established(slow_acks());
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next + 10_B)).says(ack(next));
  t.hears(data(10_B).seq(next)).says(ack_with(t, next + 20_B, {}).no_sack());
  t.is_told(What::Readable).calls_receive(20_B);
}

SCENARIO_TEST("ESTABLISHED: what was already received is trimmed [SA-ESTAB-21, U-29]") {
  auto t = peer::in_established();
  has_received(t, 10_B);
  const Seq next = t.rcv_nxt();
  t.hears(data(30_B).seq(next - 10_B)).says(ack_with(t, next + 20_B, {{next - 10_B, next}}));
  t.calls_receive(30_B).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST(
    "ESTABLISHED: what lies beyond the window is trimmed, a FIN with it "
    "[SA-ESTAB-22]") {
  auto t = peer::in_established(
      {.options = [](tcp::ConnectionOptions& o) { o.receive_buffer = 8_KiB; }});
  t.fills_our_window(100_B);
  const Seq edge = t.rcv_nxt() + 100_B;
  t.hears(data(150_B).fin()).says(ack(edge).win(0));
  t.is(State::Established);
  t.calls_receive(8_KiB).says(ack(edge).win(8192)).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST(
    "ESTABLISHED: beyond a hole too, text is taken up to the window's edge only "
    "[SA-ESTAB-22]") {
  auto t = peer::in_established();
  const Seq next = t.rcv_nxt();
  const Seq edge = next + t.rcv_wnd();
  t.hears(data(100_B).fin().seq(edge - 40_B)).says(ack_with(t, next, {{edge - 40_B, edge}}));
  t.is(State::Established);
}

SCENARIO_TEST("ESTABLISHED: old text is answered with a D-SACK [SA-ESTAB-23, U-6]") {
  auto t = peer::in_established();
  has_received(t, 20_B);
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next - 15_B)).says(ack_with(t, next, {{next - 15_B, next - 5_B}}));
  t.calls_receive(20_B).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST(
    "ESTABLISHED: of text that is all old not even the ACK is looked at [SA-ESTAB-04, "
    "SA-ESTAB-23]") {
  auto t = peer::in_established();
  has_received(t, 10_B);
  t.calls_send(100_B).says(data(100_B));
  t.hears(data(10_B).seq(t.rcv_nxt() - 10_B).ack(t.iss + 101_B)).says(ack(t.rcv_nxt()));
  t.holds(t.calls_status().snd_una == t.iss + 1_B, "our text is not acknowledged");
}

SCENARIO_TEST(
    "ESTABLISHED: an urgent pointer is told, and told once "
    "[SA-ESTAB-24, SA-ESTAB-25, MUST-30, MUST-32]") {
  auto t = peer::in_established();
  const Seq next = t.rcv_nxt();
  t.hears(ack().urg(20)).says_nothing().is_told(What::Urgent);
  t.holds(t.calls_status().urgent_ahead == 20_B, "twenty octets are urgent");
  t.hears(ack().urg(20)).says_nothing().is_not_told(What::Urgent);
  t.hears(data(10_B).urg(20)).says(ack(next + 10_B)).is_not_told(What::Urgent);
  // The same octet, named from further on; then one that is behind it.
  t.hears(data(5_B).urg(10)).says(ack(next + 15_B)).is_not_told(What::Urgent);
  t.hears(ack().urg(1)).says_nothing().is_not_told(What::Urgent);
  t.calls_receive(15_B);
  t.holds(t.calls_status().urgent_ahead == 5_B, "five octets are left");
}

SCENARIO_TEST(
    "ESTABLISHED: an urgent pointer that advances is told again "
    "[SA-ESTAB-35, MUST-32, MUST-30]") {
  auto t = peer::in_established();
  t.hears(ack().urg(20)).says_nothing().is_told(What::Urgent);
  t.hears(ack().urg(30)).says_nothing().is_told(What::Urgent);
  t.holds(t.calls_status().urgent_ahead == 30_B, "thirty octets are urgent");
}

SCENARIO_ROWS("a FIN in order leads to CLOSE-WAIT",
              rows_of("SA-ESTAB-26", {Start::Established, Start::EstablishedPassive})) {
  auto t = row.begins();
  t.hears(fin()).says(ack(t.irs + 2_B).seq(t.iss + 1_B));
  t.is(State::CloseWait).is_told(What::PeerFinished);
  t.calls_receive(Error::Closing);
}

SCENARIO_TEST("ESTABLISHED: text with FIN is read before the end [SA-ESTAB-27, U-28]") {
  auto t = peer::in_established();
  t.hears(data(10_B).fin()).says(ack(t.irs + 12_B));
  t.is(State::CloseWait).is_told(What::Readable).is_told(What::PeerFinished);
  t.calls_receive(10_B).calls_receive(Error::Closing);
}

SCENARIO_TEST(
    "ESTABLISHED: a FIN beyond a hole is remembered until the hole fills "
    "[SA-ESTAB-28]") {
  auto t = peer::in_established();
  const Seq next = t.rcv_nxt();
  t.hears(fin().seq(next + 10_B)).says(ack(next));
  t.is(State::Established).is_not_told(What::PeerFinished);
  t.hears(data(10_B).seq(next)).says(ack(next + 11_B));
  t.is(State::CloseWait)
      .is_told(What::PeerFinished)
      .calls_receive(10_B)
      .calls_receive(Error::Closing);
}

SCENARIO_TEST(
    "ESTABLISHED: the third duplicate ACK makes the oldest segment leave again "
    "[SA-ESTAB-29, R5681-8]") {
  auto t = peer::in_established();
  has_sent(t, 5);
  const Seq una = t.iss + 1_B;
  t.hears(ack(una)).says_nothing();
  t.hears(ack(una)).says_nothing();
  t.hears(ack(una)).says(data(t.largest_text()).seq(una)).says_nothing();
  t.hears(ack(t.snd_nxt())).says_nothing();
  t.holds(t.calls_status().snd_una == t.snd_nxt(), "all is acknowledged");
}

SCENARIO_TEST(
    "ESTABLISHED: without an ACK the oldest segment leaves again, at doubling intervals "
    "[SA-ESTAB-30, R6298-10, U-25]") {
  auto t = peer::in_established();
  has_sent(t, 3);
  // The handshake took no time: the smallest timeout of the configuration.
  Duration wait = 200_ms;
  for (int i = 0; i < 5; ++i) {
    t.after(wait - 1_ms).says_nothing();
    t.after(1_ms).says(data(t.largest_text()).seq(t.iss + 1_B)).says_nothing();
    t.holds(t.calls_status().cwnd == t.calls_status().mss, "cwnd is one segment");
    wait = wait * 2;
  }
}

SCENARIO_TEST(
    "ESTABLISHED: a closed window is probed for ever as long as ACKs return "
    "[SA-ESTAB-31, MUST-36, MUST-37, SHLD-30]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }});
  t.window_of_peer(0);
  t.hears(ack()).says_nothing();
  t.calls_send(100_B).says_nothing();
  Duration wait = 200_ms;  // the first after one RTO, then doubling up to the limit
  for (int i = 0; i < 20; ++i) {
    t.after(wait - 1_ms).says_nothing();
    t.after(1_ms).says(window_probe(t));
    t.hears(ack(t.iss + 1_B)).says_nothing().is(State::Established);
    wait = std::min(wait * 2, 60_s);
  }
  t.window_of_peer(65535);
  t.hears(ack(t.iss + 1_B)).says(data(100_B).seq(t.iss + 1_B));
}

SCENARIO_TEST("ESTABLISHED: a window that closed long ago is probed all the same [SA-ESTAB-31]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }});
  t.window_of_peer(0);
  t.hears(ack()).says_nothing();
  t.after(1000_s).says_nothing();
  t.calls_send(100_B).says_nothing();
  t.after_next_timer().says(window_probe(t));
  t.window_of_peer(65408);
  t.hears(ack(t.iss + 1_B)).says(data(100_B).seq(t.iss + 1_B));
}

SCENARIO_TEST(
    "ESTABLISHED: text that is never acknowledged ends the connection at R2 "
    "[SA-ESTAB-34, MUST-20, SHLD-11]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }});
  t.calls_send(100_B).says(data(100_B));
  t.after(100_s - 1_ms).may_have_said_anything().is(State::Established);
  t.is_told(What::DeliveryTrouble).is_not_told(What::Ended);
  t.after(1_ms).may_have_said_anything();
  t.is_told_ended(CloseReason::TimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_TEST(
    "ESTABLISHED: the user timeout ends it sooner "
    "[SA-ESTAB-34, SA-ALL-06, MUST-21, U-23]") {
  auto t =
      peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.user_timeout = 5_s; }});
  t.after(60_s).is(State::Established);  // nothing to acknowledge
  t.calls_send(100_B).says(data(100_B));
  t.after(5_s - 1_ms).may_have_said_anything().is(State::Established);
  t.after(1_ms).may_have_said_anything();
  t.is_told_ended(CloseReason::UserTimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_TEST(
    "ESTABLISHED: SYN,ACK again, because our ACK was lost: it is never left unanswered "
    "[SA-ESTAB-36]") {
  auto t = peer::in_established();
  // Throttled answers to something else do not starve it.
  t.hears(syn().seq(t.rcv_nxt() + 7_B)).says(ack(t.irs + 1_B));
  for (int i = 0; i < 4; ++i) {
    t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  }
  t.is(State::Established);
}

SCENARIO_TEST("ESTABLISHED: a FIN left of the window draws an ACK [SA-ESTAB-37]") {
  auto t = peer::in_established();
  has_received(t, 20_B);
  t.hears(fin().seq(t.rcv_nxt() - 5_B)).says(ack(t.rcv_nxt()).seq(t.iss + 1_B));
  t.is(State::Established).is_not_told(What::PeerFinished);
}

SCENARIO_TEST(
    "ESTABLISHED: a segment wider than the window is trimmed at both ends "
    "[SA-ESTAB-38]") {
  auto t = peer::in_established(
      {.options = [](tcp::ConnectionOptions& o) { o.receive_buffer = 8_KiB; }});
  t.fills_our_window(100_B);
  const Seq edge = t.rcv_nxt() + 100_B;
  t.hears(data(300_B).seq(t.rcv_nxt() - 100_B)).says(ack(edge).win(0));
  t.calls_receive(8_KiB).may_have_said_anything();
}

}  // namespace rapport::scenario
