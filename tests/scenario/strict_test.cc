// strict_profile(): the choices that follow the letter of the RFCs (docs/rules/choices.md).
#include "answers.hh"
#include "scenario.hh"

#include <cstdint>
#include <vector>

namespace rapport::scenario {

namespace {

// The profile, in tables as small as the harness wants them.
void be_strict(stack::Config& c) {
  tcp::Config strict = tcp::strict_profile();
  strict.seed = c.tcp.seed;
  strict.max_connections = c.tcp.max_connections;
  strict.max_half_open = c.tcp.max_half_open;
  strict.max_time_wait = c.tcp.max_time_wait;
  strict.max_listeners = c.tcp.max_listeners;
  strict.max_transfers = c.tcp.max_transfers;
  strict.max_extras = c.tcp.max_extras;
  strict.max_blocks = c.tcp.max_blocks;
  strict.max_pieces = c.tcp.max_pieces;
  c.tcp = strict;
}

const With kStrict{.config = be_strict};

}  // namespace

SCENARIO_TEST("TIME-WAIT: in the strict profile 2MSL is four minutes [SA-TW-22, MUST-13]") {
  auto t = peer::in_time_wait(kStrict);
  t.after(240_s - 1_ms).says_nothing().is(State::TimeWait).after(1_ms).is_gone();
}

SCENARIO_TEST("TIME-WAIT: the strict profile honours a reset [R1337-1, SA-TW-06]") {
  auto t = peer::in_time_wait(kStrict);
  t.hears(rst()).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("ESTABLISHED: in the strict profile no RTO is shorter than 1 s [R6298-4, MUST-18]") {
  auto t = peer::in_established(kStrict);
  t.calls_send(10_B).says(data(10_B));
  t.after(1_s - 1_ms).says_nothing().after(1_ms).says(data(10_B));
}

SCENARIO_ROWS("the strict profile answers an ACK out of range with an ACK",
              (std::vector<Row>{{Start::SynReceivedActive, "MAY-12"},
                                {Start::SynReceivedPassive, "MAY-12"}})) {
  auto t = row.begins(kStrict);
  t.hears(ack(t.iss + 100_B).seq(t.irs + 1_B)).says(current_ack(t)).is(row.state());
}

SCENARIO_TEST(
    "ESTABLISHED: the strict profile acknowledges every second full segment "
    "[SHLD-19, R2525-2]") {
  auto t = peer::in_established({.sack = true, .config = be_strict});
  const ByteCount full = t.largest_text();
  std::vector<Seg> burst;
  burst.reserve(10);
  for (uint32_t i = 0; i < 10; ++i) burst.push_back(data(full).seq(t.irs + 1_B + full * i));
  t.hears_burst(burst);
  for (uint32_t i = 2; i <= 10; i += 2) t.says(ack(t.irs + 1_B + full * i));
  t.says_nothing();
}

}  // namespace rapport::scenario
