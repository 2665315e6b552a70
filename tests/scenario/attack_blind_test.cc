// Attackers who do not see the connection (docs/security.md): resets, SYNs, text and ICMP by guess,
// and what our answers to others would tell them. Tries are counted and compared with what the
// rules of RFC 5961 promise.
#include "answers.hh"
#include "attacker.hh"
#include "scenario.hh"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace rapport::scenario {

namespace {

constexpr uint64_t kNumbers = uint64_t{1} << 32;

// Without text beside: one number in each stretch of `step`, over the whole space; the first lies
// half a step behind `from`.
template <class F>
void sweeps(Seq from, uint64_t step, F&& f) {
  for (uint64_t o = step / 2; o < kNumbers; o += step) {
    f(Seq{from.v + static_cast<uint32_t>(o)});
  }
}

struct Stranger {
  Endpoint at;
  Seq iss;
};

// A connection of the attacker's own, from a host of its own.
Stranger opens_own(Peer& t, uint32_t n) {
  const Endpoint at = here(stranger(n));
  t.hears(t.syn_of_peer().from(at)).says(syn().ack(t.irs + 1_B).to(at));
  const Seq iss = t.heard().seq;
  t.hears(completion(t, at)).says_nothing();
  return {at, iss};
}

// How well a threshold tells apart where the two samples come from: 0 not at all, 1 always.
double advantage(const std::vector<uint32_t>& with, const std::vector<uint32_t>& without) {
  double best = 0;
  for (uint32_t k = 0; k < 100; ++k) {
    const auto below = [&](const std::vector<uint32_t>& all) {
      const auto n = std::ranges::count_if(all, [&](uint32_t v) { return v <= k; });
      return static_cast<double>(n) / static_cast<double>(all.size());
    };
    best = std::max(best, std::abs(below(with) - below(without)));
  }
  return best;
}

}  // namespace

// By guess 2^32 / RCV.WND resets were enough before RFC 5961; now it takes RCV.NXT itself: 2^31 on
// average.
SCENARIO_TEST(
    "ESTABLISHED: blind resets a window apart, over all numbers, end nothing "
    "[R5961-1, U-30]") {
  auto t = peer::in_established();
  t.after(1_s);
  Attacker a(t);
  sweeps(t.rcv_nxt(), t.rcv_wnd().v, [&](Seq s) { a.sends(rst().seq(s)); });
  t.holds(a.sent() >= kNumbers / t.rcv_wnd().v, "as many as would have hit a window");
  t.holds(a.dropped(DropReason::RstChallenged) == 1, "one fell into it");
  t.holds(a.dropped(DropReason::RstOutsideWindow) == a.sent() - 1, "the others did not");
  t.holds(a.drawn() == 1 && a.counters().challenges_sent - a.before().challenges_sent == 1,
          "one challenge is all that it drew");
  for (uint32_t d = 1; d <= 1000; ++d) {  // nearer than anybody can guess
    a.sends(rst().seq(t.rcv_nxt() + ByteCount{d}));
    a.sends(rst().seq(t.rcv_nxt() - ByteCount{d}));
  }
  t.holds(a.drawn() == 1, "once an interval").is(State::Established);
  t.hears(rst()).says_nothing().is_told_ended(CloseReason::ResetByPeer).is_gone();
}

SCENARIO_TEST("ESTABLISHED: blind SYNs with any number end nothing [R5961-2, U-31]") {
  auto t = peer::in_established();
  t.after(1_s);
  Attacker a(t);
  sweeps(t.rcv_nxt(), uint64_t{1} << 19, [&](Seq s) { a.sends(syn().seq(s)); });
  sweeps(t.rcv_nxt(), uint64_t{1} << 22, [&](Seq s) { a.sends(syn().seq(s).ack(s)); });
  for (uint32_t d = 0; d < 100; ++d) a.sends(syn().seq(t.rcv_nxt() + ByteCount{d}));
  t.holds(
      a.dropped(DropReason::SynChallenged) + a.dropped(DropReason::ChallengeThrottled) >= a.sent(),
      "each is met in the same way");
  t.holds(a.drawn() == 1, "one challenge an interval").is(State::Established);
  t.hears(data(10_B)).says(ack()).calls_receive(10_B);
}

// RFC 5961 5: who knows not even the window has 2^32 / RCV.WND * 2^32 / (MAX.SND.WND + flight)
// tries before it; here the first half was found.
SCENARIO_TEST(
    "ESTABLISHED: blind text with a good SEQ needs an ACK within MAX.SND.WND too "
    "[R5961-3, U-32, MAY-12]") {
  auto t = peer::in_established();
  t.after(1_s);
  Attacker a(t);
  const uint32_t widest = std::min<uint32_t>(t.with().window, 65535);
  const Seg text = data(10_B).seq(t.rcv_nxt() + 100_B);
  sweeps(t.snd_nxt() - ByteCount{widest}, widest, [&](Seq s) { a.sends(Seg{text}.ack(s)); });
  t.holds(a.sent() >= kNumbers / widest, "over all numbers");
  t.holds(a.counters().octets_received - a.before().octets_received == 10, "one was taken");
  t.holds(a.dropped(DropReason::AckTooOld) + a.dropped(DropReason::AckTooNew)
                  + a.dropped(DropReason::ChallengeThrottled)
              >= a.sent() - 1,
          "the others were not looked at");
  t.holds(a.drawn() <= 2, "the ACK of the text, and one challenge").is(State::Established);
}

// --- what our answers would tell -----------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: one connection cannot use up the challenges of the others "
    "[R5961-4, R5961-5]") {
  auto t = peer::in_established(
      {.passive = true, .config = [](stack::Config& c) { c.tcp.challenge_cap = 20; }});
  const Stranger own = opens_own(t, 0);
  t.after(1_s);
  Attacker a(t);
  for (int i = 0; i < 1000; ++i) a.sends(rst().seq(t.irs + 6_B).from(own.at));
  t.holds(a.drawn() == 1, "its own throttle comes first");
  t.hears(rst().seq(t.rcv_nxt() + 5_B)).says(current_ack(t));
}

// CVE-2016-5696: who has many connections counts the challenges that are left for them after a
// guess at another's. The allowance is drawn anew each second: one second tells next to nothing.
SCENARIO_TEST(
    "ESTABLISHED: what is left of the challenges tells nobody who else had one "
    "[R5961-5]") {
  constexpr uint32_t own = 40;
  auto t = peer::in_established(
      {.passive = true, .config = [](stack::Config& c) { c.tcp.challenge_cap = 20; }});
  std::vector<Stranger> strangers;
  for (uint32_t n = 0; n < own; ++n) strangers.push_back(opens_own(t, n));
  std::array<std::vector<uint32_t>, 2> left;  // without, with a guess that hit
  for (uint32_t second = 0; second < 200; ++second) {
    t.after(1_s).may_have_said_anything();
    Attacker a(t);
    const bool hit = second % 2 == 1;
    if (hit) t.holds(a.sends(rst().seq(t.rcv_nxt() + 5_B)) == 1, "the guess is answered");
    uint32_t answered = 0;
    for (const Stranger& s : strangers) answered += a.sends(rst().seq(t.irs + 6_B).from(s.at));
    left[hit ? 1 : 0].push_back(answered);
  }
  const double told = advantage(left[1], left[0]);
  t.holds(told < 0.5, "one second's count tells " + std::to_string(told));
  t.holds(std::ranges::max(left[1]) > std::ranges::min(left[0]), "the ranges overlap");
}

// An Identification that counts would tell a stranger how many packets leave, challenges included.
SCENARIO_TEST("ESTABLISHED: nobody counts our packets by their Identification [MAY-4]") {
  auto t = peer::in_established();
  if (!t.local.address.is_v4()) return;  // IPv6 has none
  std::vector<uint16_t> ids;
  for (int i = 0; i < 64; ++i) {
    t.hears(data(10_B).seq(t.rcv_nxt() - 10_B)).says(current_ack(t));
    const auto packet = t.heard_packet();
    ids.push_back(static_cast<uint16_t>(packet[4] << 8 | packet[5]));
  }
  uint32_t near = 0;
  for (size_t i = 1; i < ids.size(); ++i) {
    near += static_cast<uint16_t>(ids[i] - ids[i - 1]) <= 256 ? 1U : 0U;
  }
  t.holds(near <= 8, "the next is not near the last");  // a quarter is expected by chance
}

// --- ICMP ----------------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: ICMP by guess finds nothing in flight [R5927-1, R5927-3]") {
  auto t = peer::in_established();
  t.calls_send(100_B).says(data(100_B));
  const auto before = t.stack().counters();
  Seq guess = t.snd_nxt();
  for (int i = 0; i < 300; ++i) {
    t.hears_icmp(wire::IcmpKind::PortUnreachable, guess).says_nothing();
    t.hears_icmp(wire::IcmpKind::PacketTooBig, guess, 576).says_nothing();
    guess += 14'000'001_B;
  }
  const auto& now = t.stack().counters();
  t.holds(now.path_mtus_lowered == before.path_mtus_lowered, "no path was believed smaller");
  t.holds(now.soft_errors == before.soft_errors, "no error was believed");
  t.holds(now.segments_sent == before.segments_sent, "nothing was sent for it");
  t.is(State::Established).is_not_told(What::DeliveryTrouble);
}

SCENARIO_TEST(
    "ESTABLISHED: ICMP lies about what is in flight end and slow nothing [R5927-2, R5927-5]") {
  auto t = peer::in_established();
  t.calls_send(100_B).says(data(100_B));
  const uint32_t cwnd = t.calls_status().cwnd;
  using enum wire::IcmpKind;
  for (int i = 0; i < 100; ++i) {
    for (const auto kind : {PortUnreachable, ProtocolUnreachable, HostUnreachable}) {
      t.hears_icmp(kind, t.snd_una()).says_nothing();
    }
    if (t.local.address.is_v4()) t.hears_icmp(SourceQuench, t.snd_una()).says_nothing();
  }
  t.is(State::Established).holds(t.calls_status().cwnd == cwnd, "no congestion by hearsay");
  t.hears(ack()).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: the smallest MTU of a forger leaves segments of 64 octets [R1191-2]") {
  auto t = peer::in_established();
  t.calls_send(1000_B).says(data(1000_B));
  const auto sent = t.stack().counters().segments_sent;
  for (const uint32_t mtu : {600U, 300U, 100U, 68U, 40U, 20U}) {
    t.hears_icmp(wire::IcmpKind::PacketTooBig, t.snd_una(), mtu).may_have_said_anything();
  }
  t.holds(t.calls_status().mss >= 64, "an MSS of 64 at least");
  // Each time what is in flight goes out again, as far as one congestion window lets it.
  t.holds(t.stack().counters().segments_sent - sent <= 4 * 1000 / (64 - 12) + 10,
          "segments are as many as the text asks for");
  t.is(State::Established);
}

}  // namespace rapport::scenario
