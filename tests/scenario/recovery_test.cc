// Which ACKs tell of a loss (RFC 5681 2, RFC 6675 2) when the window changes meanwhile, as Linux's
// does with each segment that it takes out of order.
#include "scenario.hh"

#include <cstdint>

namespace rapport::scenario {

namespace {

void has_sent(Peer& t, uint32_t segments) {
  t.calls_send(t.largest_text() * segments);
  for (uint32_t i = 0; i < segments; ++i) {
    t.says(data(t.largest_text()).seq(t.iss + 1_B + t.largest_text() * i));
  }
}

// An ACK for all before the first segment that reports the second one and `more` behind it.
Seg reports(Peer& t, uint32_t more, uint16_t window) {
  const Seq una = t.iss + 1_B;
  const Seq left = una + t.largest_text();
  return ack(una).sack({{left, left + t.largest_text() * (1 + more)}}).win(window);
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: where SACK is agreed a duplicate counts by what it reports, whatever its window "
    "says "
    "[SA-ESTAB-29, R6675-4]") {
  auto t = peer::in_established({.sack = true});
  has_sent(t, 5);
  t.hears(reports(t, 0, 60'001)).says_nothing();
  t.hears(reports(t, 1, 60'002)).says_nothing();
  t.hears(reports(t, 2, 60'003)).says(data(t.largest_text()).seq(t.iss + 1_B)).says_nothing();
}

SCENARIO_TEST(
    "ESTABLISHED: an update of the window that repeats what was reported is no duplicate "
    "[SA-ESTAB-29]") {
  auto t = peer::in_established({.sack = true});
  has_sent(t, 5);
  for (uint16_t i = 0; i < 5; ++i) {
    t.hears(reports(t, 0, static_cast<uint16_t>(60'001 + i))).says_nothing();
  }
}

SCENARIO_TEST(
    "ESTABLISHED: without SACK an ACK with another window is no duplicate "
    "[SA-ESTAB-29, R5681-9]") {
  auto t = peer::in_established({.sack = false});
  has_sent(t, 5);
  for (uint16_t i = 0; i < 5; ++i) {
    t.hears(ack(t.iss + 1_B).win(static_cast<uint16_t>(60'001 + i))).says_nothing();
  }
}

}  // namespace rapport::scenario
