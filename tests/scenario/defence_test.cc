// What an attacker may make us do: challenge ACKs within the host's allowance (RFC 5961 7),
// half-open entries that go sooner when there are many (RFC 4987 3.3).
#include "answers.hh"
#include "scenario.hh"

#include <cstdint>
#include <set>

namespace rapport::scenario {

namespace {

constexpr uint32_t kCap = 20;  // a second: drawn anew from [10, 30)

// No throttle but the host's.
With with_cap() {
  return {.config = [](stack::Config& c) {
    c.tcp.challenge_interval = 0_ms;
    c.tcp.challenge_cap = kCap;
  }};
}

// How many of `n` provocations in this instant are answered.
uint32_t answers(Peer& t, const Seg& provocation, uint32_t n) {
  uint32_t answered = 0;
  for (uint32_t i = 0; i < n; ++i) {
    t.hears(provocation);
    if (!t.has_more_to_say()) continue;
    ++answered;
    t.says(current_ack(t)).says_nothing();
  }
  return answered;
}

Endpoint host(uint8_t last) {
  return {IpAddress::v4(10, 0, 0, last), 3000};
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: the host answers so many challenges a second and no more "
    "[R5961-4, SA-ALL-05]") {
  auto t = peer::in_established(with_cap());
  t.after(1_s);  // a second of its own
  const uint32_t answered = answers(t, rst().seq(t.rcv_nxt() + 5_B), 100);
  t.holds(answered >= kCap / 2 && answered < kCap * 3 / 2, "between half and one and a half");
  t.holds(t.stack().counters().challenges_throttled == 100 - answered, "the others are counted");
  t.hears(syn()).says_nothing().dropped_as(DropReason::ChallengeThrottled);
  t.hears(ack(t.snd_una() - 2'000'000_B)).says_nothing();  // one allowance for all kinds
  t.after(1_s);
  t.holds(answers(t, syn(), 100) >= kCap / 2, "the next second has its own");
}

SCENARIO_TEST(
    "ESTABLISHED: the allowance is drawn anew, so that nobody can count with it "
    "[R5961-5]") {
  auto t = peer::in_established(with_cap());
  std::set<uint32_t> drawn;
  for (int i = 0; i < 20; ++i) {
    t.after(1_s);
    drawn.insert(answers(t, rst().seq(t.rcv_nxt() + 5_B), 40));
  }
  t.holds(drawn.size() >= 5, "at least five different ones in twenty seconds");
  t.holds(*drawn.begin() >= kCap / 2 && *drawn.rbegin() < kCap * 3 / 2, "all in the range");
}

SCENARIO_TEST("SYN-RECEIVED: a half-open entry takes from the same allowance [R5961-4]") {
  auto t = peer::in_syn_received_passive(with_cap());
  t.after(500_ms);
  const uint32_t answered = answers(t, rst().seq(t.rcv_nxt() + 5_B), 100);
  t.holds(answered >= kCap / 2 && answered < kCap * 3 / 2, "between half and one and a half");
}

SCENARIO_TEST("TIME-WAIT: so does an entry in TIME-WAIT [R5961-4]") {
  auto t = peer::in_time_wait(with_cap());
  t.after(1_s);
  const uint32_t answered = answers(t, rst().seq(t.rcv_nxt() + 5_B), 100);
  t.holds(answered >= kCap / 2 && answered < kCap * 3 / 2, "between half and one and a half");
}

SCENARIO_TEST(
    "ESTABLISHED: a peer that lost its memory is told, and its reset then counts "
    "[R5961-6, U-13]") {
  auto t = peer::in_established();
  t.hears(syn().seq(Seq{12345})).says(current_ack(t)).is(State::Established);
  t.hears(rst().seq(t.heard().ack)).says_nothing();
  t.is_told_ended(CloseReason::ResetByPeer).is_gone().and_pools_are_empty();
}

// --- half-open entries under pressure -----------------------------------------------------------

SCENARIO_TEST(
    "SYN-RECEIVED: with the SYN queue over half full SYN,ACK goes out fewer times "
    "[R4987-5]") {
  const auto few = [](stack::Config& c) {
    c.tcp.max_half_open = 4;
    c.tcp.syn_ack_retries_under_pressure = 2;
  };
  auto t = peer::in_listen({.config = few});
  for (uint8_t i = 10; i < 13; ++i) {  // three of four
    t.hears(syn().seq(Seq{100}).from(host(i))).says(syn().ack(Seq{101}).to(host(i)));
  }
  for (const auto wait : {1_s, 2_s}) {
    t.after(wait);
    for (uint8_t i = 10; i < 13; ++i) t.says(syn().ack(Seq{101}).to(host(i)));
  }
  t.after(4_s - 1_ms).says_nothing();
  t.holds(t.stack().population().half_open == 3, "their answer may still come");
  t.after(1_ms);
  // The oldest had to go; the others find the queue calm again.
  for (uint8_t i = 11; i < 13; ++i) t.says(syn().ack(Seq{101}).to(host(i)));
  t.says_nothing().holds(t.stack().population().half_open == 2, "two are left");
}

SCENARIO_TEST(
    "SYN-RECEIVED: with the SYN queue half full or less nobody goes sooner "
    "[R4987-5, MUST-23]") {
  const auto few = [](stack::Config& c) {
    c.tcp.max_half_open = 4;
    c.tcp.syn_ack_retries_under_pressure = 0;
  };
  auto t = peer::in_listen({.config = few});
  for (uint8_t i = 10; i < 12; ++i) {  // two of four
    t.hears(syn().seq(Seq{100}).from(host(i))).says(syn().ack(Seq{101}).to(host(i)));
  }
  for (const auto wait : {1_s, 2_s, 4_s, 8_s, 16_s, 32_s, 64_s}) {
    t.after(wait);
    for (uint8_t i = 10; i < 12; ++i) t.says(syn().ack(Seq{101}).to(host(i)));
  }
  t.after(120_s - 1_ms).says_nothing();
  t.holds(t.stack().population().half_open == 2, "both wait it out");
  t.after(1_ms).says_nothing().and_pools_are_empty();
}

}  // namespace rapport::scenario
