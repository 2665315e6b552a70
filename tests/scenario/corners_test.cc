// Stories in the corners: what random mutations of the core (tests/sabotage) changed and no other
// story saw.
#include "answers.hh"
#include "rapport/wire/icmp_error.hh"
#include "scenario.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::scenario {

namespace {

using enum wire::IcmpKind;

constexpr ByteCount kPiece = 100_B;

}  // namespace

// --- opening ------------------------------------------------------------------------------------

SCENARIO_TEST("SYN-SENT: a SYN that found no frame leaves when there is one [SA-SYNSENT-27]") {
  auto t = peer::in_closed();
  t.takes_all_frames().calls_connect().says_nothing().gives_frames_back();
  t.after(1_s).says(syn()).is(State::SynSent);
}

SCENARIO_TEST("ESTABLISHED: an ACK that found no frame leaves when there is one [MUST-40]") {
  auto t = peer::in_established();
  t.takes_all_frames().hears(data(kPiece)).says_nothing().gives_frames_back();
  t.after(40_ms).says(ack(t.irs + 101_B)).after(10_s).says_nothing();
}

SCENARIO_TEST(
    "SYN-RECEIVED (active): an empty segment at the SYN's number draws an ACK "
    "[SA-SYNRCVD-02]") {
  auto t = peer::in_syn_received_active();
  t.hears(ack(t.iss + 1_B).seq(t.irs)).says(ack(t.irs + 1_B)).is(State::SynReceived);
}

SCENARIO_TEST("SYN-RECEIVED (passive): a SYN that comes too often is counted [SA-SYNRCVD-10]") {
  auto t = peer::in_syn_received_passive();
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.hears(t.syn_of_peer()).says_nothing().dropped_as(DropReason::ChallengeThrottled);
}

SCENARIO_TEST("SYN-RECEIVED (passive): options that are nonsense are counted, no others [MUST-7]") {
  auto t = peer::in_syn_received_passive({.timestamps = false});
  t.hears(ack().seq(t.irs)).says(ack(t.irs + 1_B));
  t.holds(t.stack().counters().malformed_options == 0, "none yet");
  t.hears(ack().seq(t.irs).option_octets({253, 0, 1, 1})).says_nothing();
  t.holds(t.stack().counters().malformed_options == 1, "an option without length");
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): a soft error is counted, for nobody can be told "
    "[SA-SYNRCVD-33]") {
  auto t = peer::in_syn_received_passive();
  t.hears_icmp(HostUnreachable, t.iss).says_nothing().is(State::SynReceived);
  t.holds(t.stack().counters().soft_errors == 1, "one");
}

SCENARIO_TEST("LISTEN: STATUS tells the cookie that came with the call [UC-STATUS-03]") {
  auto t = peer::in_closed();
  const tcp::Listen call{.local_address = {}, .port = 4711, .remote = {}, .cookie = 77};
  const auto h = t.stack().command(call, t.now());
  t.holds(h.has_value(), "it listens");
  const auto s = t.stack().command(tcp::GetStatus{*h}, t.now());
  t.holds(s.has_value() && s->cookie == 77 && s->state == State::Listen, "77");
}

// --- text ---------------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: a hole of whole blocks costs nothing at the end [UC-ABORT-06]") {
  auto t = peer::in_established();
  t.hears(data(kPiece).seq(t.rcv_nxt() + 20'000_B)).says(ack(t.rcv_nxt()));
  t.calls_abort().says(rst().ack(t.rcv_nxt()).seq(t.snd_nxt())).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: just what is worth telling opens a closed window [U-18, UC-RECV-06]") {
  auto t = peer::in_established({.window_closed = true});
  const ByteCount least = std::min(ByteCount{1460}, t.calls_status().receive_queue / 2);
  t.calls_receive(least - 1_B).says_nothing();
  t.calls_receive(1_B).says(ack(t.rcv_nxt()));
  t.holds(t.rcv_wnd() + 128_B > least, "by so much, rounded to the scale");
}

SCENARIO_TEST(
    "FIN-WAIT-1: a tail that fits the window leaves though its FIN does not "
    "[U-28, SA-ALL-14]") {
  auto t = peer::in_established({.window = 1024});
  t.calls_send(512_B).says(data(512_B)).calls_send(512_B).says_nothing();  // Nagle holds it
  t.calls_shutdown_write().says(data(512_B)).says_nothing();
  t.hears(ack()).says(fin());
}

// --- loss and time ------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: ACKs of nothing new do not put off R2 [MUST-20, SA-ESTAB-34]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.r2 = 100_s; }});
  const Instant begin = t.now();
  t.calls_send(kPiece).says(data(kPiece));
  for (int i = 0; i < 8; ++i) {
    t.after_next_timer().says(data(kPiece).seq(t.iss + 1_B));
    t.hears(ack(t.iss + 1_B)).says_nothing();
  }
  t.after(begin + 100_s - t.now() - 1_ms).says_nothing().is(State::Established);
  t.after(1_ms).is_told_ended(CloseReason::TimedOut).is_gone();
}

SCENARIO_TEST(
    "ESTABLISHED: an ACK without blocks is no news where SACK is agreed "
    "[R3042-3, R6675-4]") {
  auto t = peer::in_established({.sack = true});
  t.calls_send(200'000_B);
  while (t.has_more_to_say()) t.says(data(t.largest_text()));
  const Seq una = t.snd_una();
  const ByteCount full = t.largest_text();
  t.hears(ack(una).sack({{una + full, una + full * 2}})).says(data(full)).says_nothing();
  t.hears(ack(una)).says_nothing();
}

SCENARIO_TEST(
    "ESTABLISHED: duplicates of what a recovery covered let two segments out and no third "
    "[R3042-2, R6582-2]") {
  auto t = peer::in_established({.sack = false});
  t.calls_send(200'000_B);
  while (t.has_more_to_say()) t.says(data(t.largest_text()));
  const ByteCount full = t.largest_text();
  for (int i = 0; i < 3; ++i) t.hears(ack(t.snd_una())).may_have_said_anything();
  t.hears(ack(t.snd_nxt())).says(data(full)).says(data(full)).says_nothing();  // it is over
  const Seq una = t.snd_una();
  t.hears(ack(una)).says(data(full)).says_nothing();
  t.hears(ack(una)).says(data(full)).says_nothing();
  t.hears(ack(una)).says_nothing();
  t.holds(t.stack().counters().fast_retransmissions == 1, "the ACK is not beyond `recover`");
}

SCENARIO_TEST("ESTABLISHED: trouble is over with the first ACK of something [SHLD-25]") {
  auto t = peer::in_established();
  t.calls_send(kPiece).says(data(kPiece));
  t.hears_icmp(HostUnreachable, t.iss + 1_B).says_nothing();
  t.holds(t.calls_status().soft_error == HostUnreachable, "STATUS tells it");
  t.hears(ack()).says_nothing();
  t.holds(t.calls_status().soft_error == Unknown, "and no more");
}

}  // namespace rapport::scenario
