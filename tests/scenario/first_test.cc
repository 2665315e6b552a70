// The harness shown at work: the story of DESIGN §7 and a few more. Rules of their own have their
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

SCENARIO_TEST("ESTABLISHED: text in order is acknowledged and read [SA-ESTAB-17]") {
  auto t = peer::in_established();
  t.hears(data(100_B)).says(ack(t.irs + 101_B).seq(t.iss + 1_B));
  t.is_told(What::Readable).calls_receive(100_B).calls_receive(Error::WouldBlock);
  t.is(State::Established);
}

// One test for each row, here over all states with the same number in the table.
SCENARIO_ROWS("a reset outside the window is met with silence", rows_of_all_states("05")) {
  auto t = row.begins();
  t.hears(rst().seq(t.rcv_nxt() + t.rcv_wnd()));
  t.says_nothing().is(row.state());
  t.hears(rst().seq(t.rcv_nxt() - 1_B));
  t.says_nothing().is(row.state());
}

}  // namespace rapport::scenario
