// How many ACKs a burst draws (RFC 9293 3.8.6.3, 3.10.7.4; RFC 5681 4.2), and what they say.
#include "scenario.hh"

#include <cstdint>
#include <vector>

namespace rapport::scenario {

namespace {

std::vector<Seg> full_segments(const Peer& t, uint32_t n) {
  std::vector<Seg> burst;
  burst.reserve(n);
  for (uint32_t i = 0; i < n; ++i) {
    burst.push_back(data(t.largest_text()).seq(t.irs + 1_B + t.largest_text() * i));
  }
  return burst;
}

With with(bool sack, tcp::AckPolicy policy) {
  return {.sack = sack, .config = [policy](stack::Config& c) {
            c.tcp.ack_policy = policy;
            c.tcp.quick_acks = 0;
          }};
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: a burst of ten full segments is acknowledged once where SACK is agreed "
    "[MUST-58, MUST-59]") {
  auto t = peer::in_established(with(true, tcp::AckPolicy::PerBurst));
  t.hears_burst(full_segments(t, 10)).says(ack(t.irs + 1_B + t.largest_text() * 10));
  t.says_nothing();
}

SCENARIO_TEST(
    "ESTABLISHED: a peer without SACK counts ACKs: one for every second segment "
    "[SHLD-19, R2525-2]") {
  auto t = peer::in_established(with(false, tcp::AckPolicy::PerBurst));
  t.hears_burst(full_segments(t, 10));
  for (uint32_t i = 2; i <= 10; i += 2) t.says(ack(t.irs + 1_B + t.largest_text() * i));
  t.says_nothing();
}

SCENARIO_TEST("ESTABLISHED: told so, every second segment is acknowledged to anybody [SHLD-19]") {
  auto t = peer::in_established(with(true, tcp::AckPolicy::EverySecond));
  t.hears_burst(full_segments(t, 10));
  for (uint32_t i = 2; i <= 10; i += 2) t.says(ack(t.irs + 1_B + t.largest_text() * i));
  t.says_nothing();
}

SCENARIO_TEST(
    "ESTABLISHED: the odd segment at the end waits for its companion or for 40 ms "
    "[SHLD-19, MUST-40]") {
  auto t = peer::in_established(with(false, tcp::AckPolicy::PerBurst));
  t.hears_burst(full_segments(t, 3)).says(ack(t.irs + 1_B + t.largest_text() * 2)).says_nothing();
  t.after(40_ms - 1_ms).says_nothing();
  t.after(1_ms).says(ack(t.irs + 1_B + t.largest_text() * 3));
}

SCENARIO_TEST(
    "ESTABLISHED: text that goes out carries the ACK that was put off "
    "[MUST-58, SHLD-18]") {
  auto t = peer::in_established(with(true, tcp::AckPolicy::PerBurst));
  t.hears(data(10_B)).says_nothing();
  t.calls_send(10_B).says(data(10_B).ack(t.irs + 11_B)).after(40_ms).says_nothing();
}

SCENARIO_TEST(
    "ESTABLISHED: text beyond a hole and text that fills it are answered at once "
    "[R5681-11, MAY-13]") {
  auto t = peer::in_established(with(true, tcp::AckPolicy::PerBurst));
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next + 10_B)).says(ack(next)).says_nothing();
  t.hears(data(10_B).seq(next + 30_B)).says(ack(next)).says_nothing();
  t.hears(data(10_B).seq(next)).says(ack(next + 20_B)).says_nothing();  // fills it in part
  t.hears(data(10_B).seq(next + 20_B)).says(ack(next + 40_B)).says_nothing();
}

SCENARIO_TEST(
    "ESTABLISHED: each segment beyond a hole draws its own ACK, also in one burst "
    "[R5681-11, R2018-3]") {
  auto t = peer::in_established({.sack = true});
  const Seq next = t.rcv_nxt();
  t.hears_burst(
      {data(10_B).seq(next + 10_B), data(10_B).seq(next + 30_B), data(10_B).seq(next + 50_B)});
  t.says(ack(next)).says(ack(next)).says(ack(next)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: a peer that did not permit SACK gets no blocks [R2018-2]") {
  auto t = peer::in_established({.sack = false});
  t.hears(data(10_B).seq(t.rcv_nxt() + 10_B)).says(ack(t.rcv_nxt()).no_sack().no_sackp());
}

SCENARIO_TEST("ESTABLISHED: while a hole is open text that we send reports it too [R2018-3]") {
  auto t = peer::in_established({.sack = true});
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next + 10_B)).says(ack(next).sack({{next + 10_B, next + 20_B}}));
  t.calls_send(10_B).says(data(10_B).sack({{next + 10_B, next + 20_B}}).no_sackp());  // R2018-1
}

}  // namespace rapport::scenario
