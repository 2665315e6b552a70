// The harness shown at work: a life from SYN to 2MSL and a few more. Rules of their own have their
// files; these are told for those who write the next ones.
#include "scenario.hh"

namespace rapport::scenario {

SCENARIO_TEST("FIN-WAIT-1: a FIN that also acknowledges ours leads to TIME-WAIT [SA-FW1-18]") {
  auto t = peer::in_fin_wait_1({.full_close = true});
  t.hears(fin().seq(t.irs + 1_B).ack(t.iss + 2_B));
  t.says(ack(t.irs + 2_B));
  t.is(State::TimeWait);
  t.after(2 * msl - 1_ms).is(State::TimeWait);
  t.after(1_ms).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("LISTEN: the ISS is a clock of 4 us plus a hash of the tuple [MUST-8, U-3]") {
  auto t = peer::in_syn_received_passive();
  // That the harness could place it shows how it moves.
  if (dressing() == Dressing::NearWrap) {
    t.holds(t.iss.v >= 0xfffffffd && t.irs.v >= 0xfffffffd, "both numbers lie just before 2^32");
  }
}

// Rules that repeat over the states are rows: SCENARIO_ROWS in common_rows_test.cc.
SCENARIO_TEST("ESTABLISHED: text in order is acknowledged and read [SA-ESTAB-17]") {
  auto t = peer::in_established();
  t.hears(data(100_B)).says(ack(t.irs + 101_B).seq(t.iss + 1_B));
  t.is_told(What::Readable).calls_receive(100_B).calls_receive(Error::WouldBlock);
  t.is(State::Established);
}

}  // namespace rapport::scenario
