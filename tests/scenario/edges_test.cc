// Stories at the edges of rules: one octet, one segment or one moment beyond what the other stories
// try. Each is there because a break of the core (tests/sabotage) was seen by no other.
#include "answers.hh"
#include "rapport/wire/icmp_error.hh"
#include "scenario.hh"

#include <cstdint>
#include <utility>
#include <vector>

namespace rapport::scenario {

namespace {

constexpr ByteCount kPiece = 100_B;

With slow_acks() {
  return {.config = [](stack::Config& c) { c.tcp.quick_acks = 0; }};
}

Endpoint another_port(const Peer& t, uint16_t n) {
  return {t.remote.address, static_cast<uint16_t>(t.remote.port + n)};
}

// The peer's text [from, from + n) behind what was taken.
Seg text_at(const Peer& t, Seq base, uint32_t from, uint32_t n = 10) {
  (void)t;
  return data(ByteCount{n}).seq(base + ByteCount{from});
}

wire::SackBlock block(Seq base, uint32_t from, uint32_t upto) {
  return {base + ByteCount{from}, base + ByteCount{upto}};
}

Seg with_blocks(const Peer& t, Seg s, std::vector<wire::SackBlock> blocks) {
  return t.sack_agreed() ? s.sack(std::move(blocks)) : s.no_sack();
}

// Ten full segments are in flight, more wait.
Peer sending_much(const With& with) {
  auto t = peer::in_established(with);
  t.calls_send(200'000_B);
  while (t.has_more_to_say()) t.says(data(t.largest_text()));
  return t;
}

}  // namespace

// --- opening ------------------------------------------------------------------------------------

SCENARIO_TEST("LISTEN: handshakes under way are as many as the backlog [SA-LISTEN-09]") {
  auto t = peer::in_listen({.backlog = 2});
  for (const uint16_t n : {uint16_t{1}, uint16_t{2}}) {
    t.hears(t.syn_of_peer().from(another_port(t, n)));
    t.says(syn().ack(t.irs + 1_B).to(another_port(t, n)));
  }
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B)).is(State::SynReceived);
  t.holds(t.stack().population().half_open == 2, "two, and no more");
}

SCENARIO_TEST("SYN-RECEIVED: who is reset makes room for another [SA-SYNRCVD-06, SA-LISTEN-09]") {
  auto t = peer::in_listen({.backlog = 1});
  for (uint16_t n = 1; n < 5; ++n) {
    t.hears(t.syn_of_peer().from(another_port(t, n)));
    t.says(syn().ack(t.irs + 1_B).to(another_port(t, n)));
    t.hears(rst().seq(t.irs + 1_B).from(another_port(t, n))).says_nothing();
  }
  t.holds(t.stack().counters().half_open_evicted == 0, "nobody had to give way");
}

SCENARIO_TEST(
    "LISTEN: who was accepted counts as a handshake no more [SA-LISTEN-09, SA-LISTEN-05]") {
  auto t = peer::in_listen({.backlog = 1});
  for (uint16_t n = 1; n < 5; ++n) {
    t.hears(t.syn_of_peer().from(another_port(t, n)));
    t.says(syn().ack(t.irs + 1_B).to(another_port(t, n)));
    t.hears(completion(t, another_port(t, n))).says_nothing().calls_accept();
  }
  t.holds(t.stack().counters().half_open_evicted == 0, "nobody had to give way");
}

SCENARIO_TEST("LISTEN: a reset that is a SYN too opens nothing [SA-LISTEN-01]") {
  auto t = peer::in_listen();
  t.hears(rst().syn().seq(t.irs)).says_nothing().dropped_as(DropReason::ListenRst);
  t.is(State::Listen).and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: a port is never chosen that makes a tuple in use [R6056-4]") {
  auto t = peer::in_closed({.config = [](stack::Config& c) {
    c.tcp.ephemeral_first = 50000;
    c.tcp.ephemeral_last = 50002;
  }});
  const tcp::Connect to_peer{.remote = t.remote, .local_address = {}, .cookie = 0};
  for (int i = 0; i < 3; ++i) {
    t.holds(t.stack().command(to_peer, t.now()).has_value(), "a port is left");
  }
  t.may_have_said_anything();
  t.calls_connect(to_peer, Error::NoFreePort).may_have_said_anything();
}

SCENARIO_TEST("SYN-SENT: a shift beyond 14 counts as 14 [R7323-3]") {
  for (const uint8_t shift : {uint8_t{14}, uint8_t{15}, uint8_t{255}}) {
    auto t = peer::in_syn_sent({.window_scale = true});
    t.hears(t.syn_of_peer().ack(t.iss + 1_B).ws(shift)).says(ack(t.irs + 1_B));
    t.holds(t.calls_status().snd_shift == 14, "the largest shift");
    t.hears(ack().win(3)).says_nothing();
    t.holds(t.calls_status().snd_wnd == ByteCount{3U << 14}, "in octets");
  }
}

SCENARIO_TEST("SYN-SENT: what the SYN,ACK's timestamp said is echoed [R7323-17, SA-SYNSENT-09]") {
  auto t = peer::in_syn_sent({.timestamps = true});
  const uint32_t said = t.tsval_now();
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack(t.irs + 1_B));
  t.holds(t.heard().options.has_timestamps && t.heard().options.tsecr == said,
          "TSecr is its TSval");
}

SCENARIO_TEST("SYN-RECEIVED: an error about another number is not ours [R5927-1, SA-SYNRCVD-32]") {
  auto t = peer::in_syn_received_passive();
  t.hears_icmp(wire::IcmpKind::PortUnreachable, t.iss + 1_B);
  t.hears_icmp(wire::IcmpKind::PortUnreachable, t.iss - 1_B);
  t.says_nothing().is(State::SynReceived);
}

// --- order --------------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: of text that begins at the right edge not even the ACK counts "
    "[SA-ESTAB-04, U-5]") {
  auto t = peer::in_established();
  t.calls_send(kPiece).says(data(kPiece));
  const Seq una = t.snd_una();
  t.hears(data(10_B).seq(t.rcv_nxt() + t.rcv_wnd()).ack(una + kPiece)).says(ack(t.rcv_nxt()));
  t.holds(t.calls_status().snd_una == una, "the segment was dropped whole");
}

SCENARIO_TEST(
    "FIN-WAIT-1: what a sender wrote beyond the window is answered at once "
    "[SA-FW1-28, SA-ESTAB-22]") {
  auto with = slow_acks();
  with.options = [](tcp::ConnectionOptions& o) { o.receive_buffer = 8_KiB; };
  auto t = peer::in_fin_wait_1(with);
  const ByteCount room = t.rcv_wnd();
  t.fills_our_window(50_B);
  const Seq next = t.rcv_nxt();
  t.hears(data(60_B)).says(ack(next + 50_B).win(0));
  t.holds(room > 50_B, "there was room");
}

SCENARIO_TEST("ESTABLISHED: runs that touch are one, runs that do not stay apart [R2018-7]") {
  auto t = peer::in_established({.sack = true});
  const Seq n = t.rcv_nxt();
  const auto blocks = [&t, n](std::vector<wire::SackBlock> all) {
    return with_blocks(t, ack(n), std::move(all));
  };
  t.hears(text_at(t, n, 10)).says(blocks({block(n, 10, 20)}));
  t.hears(text_at(t, n, 30)).says(blocks({block(n, 30, 40), block(n, 10, 20)}));
  t.hears(text_at(t, n, 20)).says(blocks({block(n, 10, 40)}));  // touches both
  t.hears(text_at(t, n, 15, 5)).says(blocks({block(n, 15, 20), block(n, 10, 40)}));
  t.hears(text_at(t, n, 60)).says(blocks({block(n, 60, 70), block(n, 10, 40)}));
  t.hears(text_at(t, n, 0)).says(with_blocks(t, ack(n + 40_B), {block(n, 60, 70)}));
  t.hears(text_at(t, n, 40, 20)).says(ack(n + 70_B).no_sack());
  t.calls_receive(70_B);
}

SCENARIO_TEST("ESTABLISHED: a FIN waits for every hole before it [SA-ESTAB-28]") {
  auto t = peer::in_established();
  const Seq n = t.rcv_nxt();
  t.hears(text_at(t, n, 10)).says(ack(n));
  t.hears(text_at(t, n, 30).fin()).says(ack(n));
  t.hears(ack().seq(n)).says_nothing().is(State::Established);
  t.hears(text_at(t, n, 0)).says(ack(n + 20_B)).is(State::Established);
  t.hears(text_at(t, n, 20)).says(ack(n + 41_B)).is(State::CloseWait);
  t.calls_receive(40_B);
}

SCENARIO_TEST("ESTABLISHED: blocks that repeat are those reported last [R2018-6, R2018-4]") {
  auto t = peer::in_established({.sack = true, .timestamps = false});
  const Seq n = t.rcv_nxt();
  const auto blocks = [n](std::vector<wire::SackBlock> all) { return ack(n).sack(std::move(all)); };
  t.hears(text_at(t, n, 50)).says(blocks({block(n, 50, 60)}));
  t.hears(text_at(t, n, 10)).says(blocks({block(n, 10, 20), block(n, 50, 60)}));
  t.hears(text_at(t, n, 30)).says(blocks({block(n, 30, 40), block(n, 10, 20), block(n, 50, 60)}));
  t.hears(text_at(t, n, 60)).says(blocks({block(n, 50, 70), block(n, 30, 40), block(n, 10, 20)}));
}

SCENARIO_TEST(
    "ESTABLISHED: text beyond a hole that comes again is reported before its run "
    "[R2883-3, R2883-1]") {
  auto t = peer::in_established({.sack = true, .timestamps = false});
  const Seq n = t.rcv_nxt();
  t.hears(text_at(t, n, 10, 30)).says(ack(n).sack({block(n, 10, 40)}));
  t.hears(text_at(t, n, 20)).says(ack(n).sack({block(n, 20, 30), block(n, 10, 40)}));
  t.hears(text_at(t, n, 35)).says(ack(n).sack({block(n, 35, 40), block(n, 10, 45)}));  // R2883-4
}

SCENARIO_TEST("ESTABLISHED: only the part of a segment that came before is a duplicate [R2883-4]") {
  auto t = peer::in_established({.sack = true});
  const Seq n = t.rcv_nxt();
  t.hears(text_at(t, n, 0)).says(ack(n + 10_B).no_sack());
  t.hears(text_at(t, n, 0, 30)).says(ack(n + 30_B).sack({block(n, 0, 10)}));
}

SCENARIO_TEST("ESTABLISHED: who did not permit SACK hears of no duplicate either [R2018-2]") {
  auto t = peer::in_established({.sack = false});
  const Seq n = t.rcv_nxt();
  t.hears(text_at(t, n, 0)).says(ack(n + 10_B).no_sack());
  t.hears(text_at(t, n, 0)).says(ack(n + 10_B).no_sack());
}

// --- loss recovery ------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: segments with text are no duplicate ACKs [R5681-9]") {
  auto t = sending_much({.sack = false});
  const Seq una = t.snd_una();
  for (int i = 0; i < 4; ++i) t.hears(data(10_B).ack(una)).says(ack()).says_nothing();
  t.holds(t.calls_status().retransmissions == 0 && t.stack().counters().fast_retransmissions == 0,
          "nothing was lost");
}

SCENARIO_TEST("ESTABLISHED: an ACK that tells of a duplicate alone tells of no loss [R2883-5]") {
  auto t = sending_much({.sack = true});
  const Seq una = t.snd_una() + t.largest_text() * 2;
  t.hears(ack(una)).may_have_said_anything();
  for (int i = 0; i < 4; ++i) {
    t.hears(ack(una).sack({{una - 200_B, una - 100_B}})).says_nothing();
  }
  t.holds(t.stack().counters().fast_retransmissions == 0, "nothing was lost");
}

SCENARIO_TEST("ESTABLISHED: a recovery that is over leaves room for the next one [R6582-3]") {
  auto t = sending_much({.sack = false});
  const ByteCount full = t.largest_text();
  for (int i = 0; i < 3; ++i) t.hears(ack(t.iss + 1_B)).may_have_said_anything();
  t.holds(t.stack().counters().fast_retransmissions == 1, "the first recovery");
  t.hears(ack(t.snd_nxt())).may_have_said_anything();
  for (int i = 0; i < 100 && t.snd_nxt() - t.snd_una() < full * 6; ++i) {
    t.hears(ack(t.snd_una() + full)).may_have_said_anything();
  }
  for (int i = 0; i < 3; ++i) t.hears(ack(t.snd_una())).may_have_said_anything();
  t.holds(t.stack().counters().fast_retransmissions == 2, "the second");
}

// --- closing ------------------------------------------------------------------------------------

SCENARIO_TEST("FIN-WAIT-1: text in many segments goes before the FIN [UC-CLOSE-07]") {
  auto t = peer::in_established({.window = 0});
  t.calls_send(t.largest_text() * 3 + kPiece).calls_shutdown_write().says_nothing();
  t.window_of_peer(65408);
  t.hears(ack());
  for (uint32_t i = 0; i < 3; ++i) t.says(data(t.largest_text()));
  t.says(data(kPiece).fin()).is(State::FinWait1);
}

SCENARIO_TEST("CLOSING: of text and FIN the FIN goes last [SA-CLOSING-18]") {
  auto t = peer::in_established({.window = 0});
  t.calls_send(t.largest_text() * 2).calls_shutdown_write().says_nothing();
  t.hears(fin()).says(ack(t.irs + 2_B)).is(State::Closing);
  t.window_of_peer(65408);
  t.hears(ack()).says(data(t.largest_text())).says(data(t.largest_text()).fin());
}

SCENARIO_TEST("FIN-WAIT-1: a FIN alone waits for a window too [SA-ALL-14]") {
  auto t = peer::in_established({.window = 0});
  t.calls_shutdown_write().says_nothing().is(State::FinWait1);
  t.after_next_timer().says(window_probe(t)).hears(ack()).says_nothing();
  t.window_of_peer(65408);
  t.hears(ack()).says(fin());
}

SCENARIO_TEST("TIME-WAIT: the new ISS lies beyond what was sent faster than its clock [MAY-2]") {
  auto t = peer::in_established({.timestamps = false, .passive = true});
  for (int i = 0; i < 6; ++i) {
    t.calls_send(50'000_B);
    while (t.has_more_to_say()) t.may_have_said_anything().hears(ack());
  }
  t.calls_shutdown_write().says(fin()).hears(fin()).says(ack()).is(State::TimeWait);
  const Seq old = t.snd_nxt();
  const Seq number = t.rcv_nxt() + 1000_B;
  t.hears(t.syn_of_peer().seq(number)).says(syn().ack(number + 1_B));
  t.holds(after(t.heard().seq, old), "beyond the old SND.NXT");
}

// --- timers -------------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: a second sample moves RTTVAR by a quarter, then SRTT by an eighth "
    "[R6298-3]") {
  auto t = peer::in_syn_sent({.timestamps = false});
  t.after(80_ms).hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  t.holds(t.calls_status().srtt == 80_ms && t.calls_status().rttvar == 40_ms, "R and R/2");
  t.calls_send(kPiece).says(data(kPiece)).after(160_ms).hears(ack()).says_nothing();
  t.holds(t.calls_status().rttvar == 50_ms, "3/4 of 40 ms and 1/4 of |80 - 160| ms");
  t.holds(t.calls_status().srtt == 90_ms, "7/8 of 80 ms and 1/8 of 160 ms");
}

SCENARIO_TEST("ESTABLISHED: the doubled wait stays until there is a sample [MUST-18, R6298-6]") {
  auto t = peer::in_established({.timestamps = false});
  const Duration rto = t.calls_status().rto;
  t.calls_send(kPiece).says(data(kPiece)).after(rto).says(data(kPiece)).hears(ack());
  t.holds(t.calls_status().rto == rto * 2, "which of the two was acknowledged nobody knows");
  t.calls_send(kPiece).says(data(kPiece)).hears(ack()).says_nothing();
  t.holds(t.calls_status().rto <= rto, "this one was sent once");
}

SCENARIO_TEST("ESTABLISHED: text that follows does not put off the ACK of the first [MUST-40]") {
  auto t = peer::in_established(slow_acks());
  const Seq n = t.rcv_nxt();
  t.hears(text_at(t, n, 0)).after(30_ms).hears(text_at(t, n, 10)).says_nothing();
  t.after(10_ms).says(ack(n + 20_B));
}

// --- windows ------------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: a few octets read do not open a closed window, whoever asks "
    "[U-18, MUST-39]") {
  auto t = peer::in_established({.window_closed = true});
  t.calls_receive(10_B).says_nothing();
  t.hears(data(1_B)).says(ack(t.rcv_nxt()).win(0));
}

SCENARIO_TEST("ESTABLISHED: what goes again into a shrunken window ends at its edge [SHLD-16]") {
  auto t = peer::in_established();
  t.calls_send(t.largest_text() * 2).says(data(t.largest_text())).says(data(t.largest_text()));
  t.window_of_peer(512);
  t.hears(ack(t.iss + 1_B)).says_nothing();
  t.after_next_timer().says(data(512_B).seq(t.iss + 1_B)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: text beside SACK blocks is shorter by them [R6691-2, U-21]") {
  auto t = peer::in_established({.sack = true});
  const Seq n = t.rcv_nxt();
  for (const uint32_t from : {10U, 30U, 50U}) t.hears(text_at(t, n, from)).says(ack(n));
  t.calls_send(5000_B).says(data(ByteCount{1460U - (t.timestamps_agreed() ? 40U : 28U)}));
  t.holds(t.heard().option_octets + t.heard().text.size() <= 1460, "no more than the MSS");
  t.may_have_said_anything();
}

// --- defence ------------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: text of a stray SYN,ACK is not taken [SA-ESTAB-09]") {
  auto t = peer::in_established();
  t.hears(data(10_B).syn().seq(t.rcv_nxt())).says(ack(t.rcv_nxt()));
  t.calls_receive(Error::WouldBlock);
}

SCENARIO_TEST("ESTABLISHED: long text that was damaged is not taken [SA-ALL-04, MUST-3]") {
  auto t = peer::in_established();
  t.hears(data(1000_B).wrong_checksum()).says_nothing().dropped_as(DropReason::TcpChecksum);
  t.calls_receive(Error::WouldBlock);
  t.hears(data(1000_B)).says(ack()).calls_receive(1000_B);
}

SCENARIO_TEST("SYN-SENT: two SYNs of the same moment tell different times [R7323-24]") {
  auto t = peer::in_syn_sent();
  const uint32_t one = t.tsval_of_stack();
  const Endpoint elsewhere = another_port(t, 1);
  const tcp::Connect there{
      .remote = elsewhere, .local_address = {}, .local_port = t.local.port, .cookie = 0};
  t.holds(t.stack().command(there, t.now()).has_value(), "opened");
  t.calls_status();
  t.says(syn().to(elsewhere));
  t.holds(t.heard().options.tsval - one > 1, "their clocks are not the same");
}

}  // namespace rapport::scenario
