// Hostile peers (docs/security.md): whoever completed a handshake may lie about what it received,
// send text in the worst order, and keep us waiting. Memory, work for each segment and segments for
// each octet are counted.
#include "answers.hh"
#include "attacker.hh"
#include "rapport/tcp/transfer.hh"
#include "scenario.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace rapport::scenario {

namespace {

constexpr uint32_t kRuns = 256;  // Config::max_out_of_order

// Blocks that a window may ask for: its own, one cut at each end, the list of runs, directories.
uint32_t most_blocks(const Peer& t) {
  return t.rcv_wnd().v / tcp::kBlockOctets + 2 + 1 + 2;
}

std::vector<uint8_t> unread(Peer& t) {
  const auto text = t.stack().readable(t.handle);
  return {text.begin(), text.end()};
}

std::vector<uint8_t> letters(std::string_view s) {
  return {s.begin(), s.end()};
}

// The peer's text at an offset from RCV.NXT, all of one letter.
Seg letter(Seq base, uint32_t at, uint32_t n, char c) {
  return data(ByteCount{n}).seq(base + ByteCount{at}).filled_with(static_cast<uint8_t>(c));
}

With until(Duration user_timeout) {
  return {.options = [=](tcp::ConnectionOptions& o) { o.user_timeout = user_timeout; }};
}

}  // namespace

// --- ACK storms ----------------------------------------------------------------------------------

// The other end's numbers lie elsewhere, and it answers each ACK as the RFC asks for.
SCENARIO_ROWS("an end whose numbers have come apart is not answered for ever",
              rows_of("SA-ALL-17", synchronized_starts())) {
  auto t = row.begins();
  t.after(1_s).may_have_said_anything();
  Attacker a(t);
  for (int ms = 0; ms < 10'000; ++ms) {  // ten seconds at 1 ms away
    a.sends(ack(t.snd_una()).seq(t.rcv_nxt() - 1000_B));
    if (ms % 100 == 99) a.waits(100_ms);
  }
  t.holds(a.drawn() <= 10'000 / 500 + 6, std::to_string(a.drawn()) + " answers in ten seconds");
  t.holds(a.drawn() >= 10, "but it is told");
}

SCENARIO_ROWS("probes without end are answered as often as an RTO lets an honest peer ask",
              rows_of("SA-ALL-17", {Start::Established, Start::CloseWait, Start::FinWait2})) {
  auto t = row.begins();
  t.after(1_s).may_have_said_anything();
  Attacker a(t);
  for (int i = 0; i < 10'000; ++i) {
    a.sends(ack(t.snd_una()).seq(t.rcv_nxt() - 1_B));
    if (i % 100 == 99) a.waits(100_ms);
  }
  t.holds(a.drawn() <= 10'000 / 200 + 5, std::to_string(a.drawn()) + " answers in ten seconds");
  t.holds(a.drawn() >= 45, "an honest peer has its answer");
}

// --- text in the worst order
// -----------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: ten thousand holes of one octet cost bounded work and memory "
    "[SHLD-31, R2018-7]") {
  auto t = peer::in_established();
  const Seq base = t.rcv_nxt();
  Attacker a(t);
  uint64_t most = 0;
  for (uint32_t i = 10'000; i-- > 0;) {  // backwards: each goes before all others
    const uint64_t before = a.counters().runs_touched;
    a.sends(data(1_B).seq(base + ByteCount{2 * i + 1}));
    most = std::max(most, a.counters().runs_touched - before);
  }
  t.holds(most <= kRuns + 1, std::to_string(most) + " runs moved for one segment");
  t.holds(a.dropped(DropReason::ReassemblyFull) == 10'000 - kRuns, "beyond 256 runs: dropped");
  t.holds(a.most_drawn() == 1 && a.drawn() == a.sent(), "one ACK for each");
  t.holds(t.stack().population().blocks <= most_blocks(t),
          std::to_string(t.stack().population().blocks) + " blocks");
  t.hears(rst()).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: an octet in each block holds no more than the window [SHLD-31]") {
  auto t = peer::in_established();
  const Seq base = t.rcv_nxt();
  Attacker a(t);
  for (uint32_t at = 1; at < t.rcv_wnd().v; at += 512) a.sends(data(1_B).seq(base + ByteCount{at}));
  t.holds(t.stack().population().blocks <= most_blocks(t),
          std::to_string(t.stack().population().blocks) + " blocks");
  t.hears(rst()).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST(
    "ESTABLISHED: what overlaps is settled once: octets in order never change "
    "[U-29, SHLD-31]") {
  auto t = peer::in_established();
  const Seq base = t.rcv_nxt();
  Attacker a(t);
  a.sends(letter(base, 10, 10, 'a'));
  a.sends(letter(base, 5, 10, 'b'));  // beyond a hole the last copy counts
  a.sends(letter(base, 0, 8, 'c'));
  const auto first = unread(t);
  t.holds(first == letters("ccccccccbbbbbbbaaaaa"), "the last copy of each octet");
  for (uint32_t at = 0; at < 20; ++at) {
    a.sends(letter(base, at, 20 - at, 'x'));  // all of it again, otherwise
    a.sends(letter(base, at, 30 - at, 'y'));  // and with something new behind
  }
  auto behind = unread(t);
  t.holds(behind.size() == 30, "ten octets were new");
  behind.resize(20);
  t.holds(behind == first, "what was in order is as it was");
}

// --- lies about what was received
// -------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: SACK blocks that cannot be move nothing "
    "[R5681-9, R2018-7]") {
  auto t = peer::in_established();
  t.calls_send(60'000_B).may_have_said_anything();
  if (!t.sack_agreed()) return;
  const Seq una = t.snd_una();
  const Seq nxt = t.snd_nxt();
  Attacker a(t);
  for (uint32_t i = 0; i < 3000; ++i) {
    const ByteCount d{1 + i % 1400};
    std::vector<wire::SackBlock> lies;
    switch (i % 4) {
      case 0: lies = {{nxt + d, nxt + d + 10_B}}; break;        // beyond SND.NXT
      case 1: lies = {{una + 3000_B, una + 2000_B}}; break;     // reversed
      case 2: lies = {{una + d, nxt + d}}; break;               // half beyond
      default: lies = {{una, una + d}, {una, una + d}}; break;  // nothing is missing before it
    }
    // With another window each time it is no duplicate but by what its blocks say.
    a.sends(ack(una).win(static_cast<uint16_t>(400 + i % 50)).sack(std::move(lies)));
  }
  t.holds(a.counters().retransmissions == a.before().retransmissions, "nothing was sent again");
  t.holds(a.drawn() == 0, std::to_string(a.drawn()) + " segments drawn");
}

SCENARIO_TEST(
    "ESTABLISHED: a receiver that lies draws a segment an ACK, within its window "
    "[R5681-10, R5681-13]") {
  auto t = peer::in_established();
  t.calls_send(200'000_B).may_have_said_anything();
  const Seq una = t.snd_una();
  Attacker a(t);
  for (uint32_t i = 0; i < 3000; ++i) a.sends(ack(una));
  t.holds(a.most_drawn() <= 2, "a segment again and one beyond, for each ACK");
  t.holds(a.drawn() <= a.sent(), "no more segments than ACKs");
  const auto status = t.calls_status();
  t.holds(status.snd_nxt - status.snd_una <= ByteCount{t.with().window}, "within its window");
}

SCENARIO_TEST("ESTABLISHED: an ACK in a thousand pieces opens cwnd no further than one [R5681-1]") {
  auto t = peer::in_established();
  t.calls_send(200'000_B).may_have_said_anything();
  const Seq una = t.snd_una();
  const uint32_t before = t.calls_status().cwnd;
  Attacker a(t);
  for (uint32_t i = 1; i <= 1000; ++i) a.sends(ack(una + ByteCount{i}));
  const uint32_t grown = t.calls_status().cwnd - before;
  t.holds(grown <= 1000, "cwnd grew by " + std::to_string(grown) + " for 1000 octets");
  t.holds(a.drawn() <= 3, "and that much was sent");
}

// --- windows and sizes
// ------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: a window that shuts and opens all the time draws no more than it opens "
    "[MUST-34, SHLD-15]") {
  auto t = peer::in_established();
  t.calls_send(200'000_B).may_have_said_anything();
  const Seq una = t.snd_una();
  Attacker a(t);
  for (uint32_t i = 0; i < 1000; ++i) {
    a.sends(ack(una).win(0));
    a.sends(ack(una).win(t.window_field(t.with().window)));
    if (i % 10 == 9) a.waits(1_ms);
  }
  t.holds(a.drawn() <= 40, std::to_string(a.drawn()) + " segments for 2000 ACKs");
  const auto status = t.calls_status();
  t.holds(status.snd_nxt - status.snd_una <= ByteCount{t.with().window}, "within its window");
}

SCENARIO_TEST("ESTABLISHED: an MSS of one octet is read as 64 [SHLD-28, U-21]") {
  auto t = peer::in_established({.mss = uint16_t{1}});
  t.holds(t.calls_status().mss >= 64, "the least");
  const uint64_t before = t.stack().counters().segments_sent;
  t.calls_send(10'000_B).may_have_said_anything();
  for (int i = 0; i < 1000 && t.calls_status().send_queue > 0_B; ++i) {
    t.hears(ack()).may_have_said_anything();
  }
  t.holds(t.calls_status().send_queue == 0_B, "all of it went");
  const uint64_t segments = t.stack().counters().segments_sent - before;
  t.holds(segments <= 10'000 / (64 - 12) + 1, std::to_string(segments) + " segments");
}

SCENARIO_TEST("ESTABLISHED: a window of one octet draws one segment an ACK [MUST-38, R5681-13]") {
  auto t = peer::in_established({.window_scale = false, .window = 1});
  t.calls_send(1000_B).may_have_said_anything();
  Attacker a(t);
  for (uint32_t i = 1; i <= 300; ++i) a.sends(ack(t.snd_una() + ByteCount{i}).win(1));
  t.holds(a.drawn() <= a.sent(), std::to_string(a.drawn()) + " segments for 300 ACKs");
  t.holds(a.most_drawn() <= 1, "never two");
}

// --- those who never read
// ----------------------------------------------------------------------------

// A peer that shuts its window for ever and answers every probe (sockstress, CVE-2008-4609).
SCENARIO_TEST(
    "ESTABLISHED: with a user timeout a shut window is waited for that long [R6429-1, U-24]") {
  auto t = peer::in_established(until(30_s));
  t.hears(ack().win(0)).says_nothing().calls_send(1000_B).says_nothing();
  const Instant began = t.now();
  while (t.now() + t.until_next_timer() < began + 30_s) {
    t.after_next_timer().says(window_probe(t)).hears(ack().win(0)).says_nothing();
  }
  t.after(began + 30_s - t.now() - 1_ms).says_nothing().is(State::Established);
  t.after(1_ms).says_nothing();
  t.is_told_ended(CloseReason::UserTimedOut).is_gone().and_pools_are_empty();
}

SCENARIO_TEST(
    "ESTABLISHED: a shut window costs one probe a minute and what was queued [R6429-1, MUST-37]") {
  auto t = peer::in_established();
  t.hears(ack().win(0)).says_nothing().calls_send(100'000_B).says_nothing();
  const uint64_t before = t.stack().counters().frames_sent;
  const Instant began = t.now();
  while (t.now() < began + 3600_s) {
    t.after_next_timer().says(window_probe(t)).hears(ack().win(0)).says_nothing();
  }
  const uint64_t probes = t.stack().counters().frames_sent - before;
  t.holds(probes <= 60 + 12, std::to_string(probes) + " probes in an hour");
  t.holds(t.stack().population().blocks <= 100'000 / tcp::kBlockOctets + 1, "the text and no more");
  t.calls_abort().may_have_said_anything().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-2: keep-alives of a peer that never closes keep no orphan [SA-FW2-22]") {
  auto t = peer::in_fin_wait_2({.full_close = true});
  Attacker a(t);
  for (int i = 0; i < 60; ++i) {
    a.sends(ack(t.snd_una()).seq(t.rcv_nxt() - 1_B));
    a.sends(ack(t.snd_una()));
    a.waits(1_s);
  }
  t.holds(a.drawn() <= 60, "one answer a second at most");
  t.is_gone().and_pools_are_empty();
}

}  // namespace rapport::scenario
