// Rows that read the same in several states: the sequence check, RST, SYN, the ACK bit and number,
// the window (RFC 9293 3.10.7.4, first to fifth). Each state has a test of its own for each row.
#include "scenario.hh"

namespace rapport::scenario {

namespace {

std::vector<Row> list(std::initializer_list<std::pair<Start, const char*>> rows) {
  std::vector<Row> all;
  for (const auto& [start, rule] : rows) all.push_back({start, rule});
  return all;
}

// SA-ESTAB-number, SA-FW1-number …: the states from ESTABLISHED to LAST-ACK number alike up to 12.
std::vector<Row> alike(std::string_view number, const char* in_time_wait) {
  auto all = rows_of_all_states(
      number, {Start::SynReceivedActive, Start::SynReceivedPassive, Start::TimeWait});
  if (in_time_wait != nullptr) all.push_back({Start::TimeWait, in_time_wait});
  return all;
}

// The answer to what is not acceptable: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.
Seg answer(const Peer& t) {
  return ack(t.rcv_nxt()).seq(t.snd_nxt());
}

// As long ago as an ACK must be for RFC 5961 5.2, whatever window the peer has offered.
constexpr ByteCount kLongAgo{2'000'000};

}  // namespace

SCENARIO_ROWS("an empty segment aside of a closed window draws an ACK",
              also("U-5, U-9", rows_of_all_states("01", {}, {.window_closed = true}))) {
  for (const auto aside : {1_B, 100_B}) {
    auto t = row.begins();
    t.holds(t.rcv_wnd() == 0_B, "our window is closed");
    t.hears(ack(t.snd_una()).seq(t.rcv_nxt() + aside)).says(answer(t)).is(row.state());
    auto u = row.begins();
    u.hears(ack(u.snd_una()).seq(u.rcv_nxt() - aside)).says(answer(u)).is(row.state());
  }
}

SCENARIO_ROWS("an empty segment outside an open window draws an ACK",
              also("U-5, U-9", rows_of_all_states("02"))) {
  auto t = row.begins();
  t.hears(ack(t.snd_una()).seq(t.rcv_nxt() - 1_B)).says(answer(t)).is(row.state());
  auto u = row.begins();
  u.hears(ack(u.snd_una()).seq(u.rcv_nxt() + u.rcv_wnd())).says(answer(u)).is(row.state());
}

SCENARIO_ROWS("text against a closed window is refused with an ACK",
              also("U-5, U-16", rows_of_all_states("03", {}, {.window_closed = true}))) {
  auto t = row.begins();
  t.hears(data(10_B).seq(t.rcv_nxt() + 5_B).ack(t.snd_una())).says(answer(t)).is(row.state());
  auto u = row.begins();
  u.hears(data(1_B).no_ack()).says(answer(u)).is(row.state());
  auto v = row.begins();
  v.hears(fin().no_ack()).says(answer(v)).is(row.state());
}

SCENARIO_ROWS("text quite outside an open window draws an ACK",
              also("U-5, U-6", rows_of_all_states("04"))) {
  auto t = row.begins();
  t.hears(data(10_B).seq(t.rcv_nxt() - 20_B).ack(t.snd_una())).says(answer(t)).is(row.state());
  auto u = row.begins();
  u.hears(data(10_B).seq(u.rcv_nxt() + u.rcv_wnd()).ack(u.snd_una()));
  u.says(answer(u)).is(row.state());
}

SCENARIO_ROWS("a reset outside the window is met with silence",
              also("U-30, R5961-1", rows_of_all_states("05"))) {
  auto t = row.begins();
  t.hears(rst().seq(t.rcv_nxt() + t.rcv_wnd())).says_nothing().is(row.state());
  t.hears(rst().seq(t.rcv_nxt() - 1_B)).says_nothing().is(row.state());
  t.hears(rst().seq(t.rcv_nxt() + 0x80000000_B)).says_nothing().is(row.state());
}

SCENARIO_ROWS("an exact reset ends the connection",
              also("U-30, R5961-1",
                   rows_of_all_states("06", {Start::SynReceivedActive, Start::SynReceivedPassive,
                                             Start::TimeWait}))) {
  auto t = row.begins();
  t.hears(rst()).says_nothing();
  t.is_told_ended(CloseReason::ResetByPeer).is_gone();
  t.calls_receive(Error::DoesNotExist).calls_send(1_B, Error::DoesNotExist).and_pools_are_empty();
}

SCENARIO_TEST("TIME-WAIT: an exact reset is ignored [SA-TW-06, R1337-1]") {
  auto t = peer::in_time_wait();
  t.after(1_s).hears(rst()).says_nothing().is(State::TimeWait);
  t.after(2 * msl - 1_s - 1_ms).is(State::TimeWait);
  t.after(1_ms).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("TIME-WAIT: in the strict profile an exact reset deletes the TCB [SA-TW-06]") {
  auto t =
      peer::in_time_wait({.config = [](stack::Config& c) { c.tcp.time_wait_ignores_rst = false; }});
  t.hears(rst()).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("a reset in the window but not exact is challenged", also("U-30, R5961-1", [] {
                auto rows =
                    rows_of_all_states("07", {Start::SynReceivedActive, Start::SynReceivedPassive});
                rows.push_back({Start::SynReceivedActive, "SA-SYNRCVD-08"});
                rows.push_back({Start::SynReceivedPassive, "SA-SYNRCVD-08"});
                return rows;
              }())) {
  auto t = row.begins();
  t.hears(rst().seq(t.rcv_nxt() + 1_B)).says(answer(t)).is(row.state());
  auto u = row.begins();
  u.hears(rst().seq(u.rcv_nxt() + u.rcv_wnd() - 1_B)).says(answer(u)).is(row.state());
}

SCENARIO_ROWS("a SYN is challenged, wherever it lies",
              also("U-31, R5961-2", alike("09", nullptr))) {
  for (const auto where : {0_B, 100_B, 0x40000000_B, 0x80000000_B}) {
    auto t = row.begins();
    t.hears(syn().seq(t.rcv_nxt() + where)).says(answer(t)).is(row.state());
    auto u = row.begins();
    u.hears(syn().seq(u.rcv_nxt() + where).ack(u.snd_nxt())).says(answer(u)).is(row.state());
  }
}

SCENARIO_ROWS("without an ACK bit nothing is taken", alike("10", "SA-TW-15")) {
  auto t = row.begins();
  t.hears(data(10_B).no_ack()).says_nothing().is(row.state());
  t.hears(fin().no_ack()).says_nothing().is(row.state());
  // Nor is it said what of it lay outside of the window.
  t.hears(data(10_B).no_ack().seq(t.rcv_nxt() - 5_B)).says_nothing().is(row.state());
  const Seq edge = t.rcv_nxt() + t.rcv_wnd();
  t.hears(data(10_B).no_ack().seq(edge - 5_B)).says_nothing().is(row.state());
  t.hears(none()).says_nothing().is(row.state()).is_told_nothing();
}

SCENARIO_ROWS("an ACK from long ago is challenged", alike("11", "SA-TW-16")) {
  auto t = row.begins();
  const Seq old = t.snd_una() - kLongAgo;
  t.hears(data(10_B).ack(old)).says(answer(t)).is(row.state()).is_told_nothing();
}

// MAX.SND.WND is the largest window that the peer has offered (RFC 5961 5.2).
SCENARIO_ROWS("an ACK is old by one octet more than the largest window",
              also("MAY-12, R5961-3", alike("11", "SA-TW-16"))) {
  auto t = row.begins();
  const Seq oldest = t.snd_una() - ByteCount{t.with().window};
  t.hears(ack(oldest)).says_nothing().is(row.state());
  t.hears(ack(oldest - 1_B)).says(answer(t)).is(row.state());
  auto u = row.begins();
  u.window_of_peer(1024);  // a smaller one later changes nothing
  u.hears(ack(u.snd_una())).says_nothing();
  u.hears(ack(oldest + (u.iss - t.iss))).says_nothing();
  u.hears(ack(oldest + (u.iss - t.iss) - 1_B)).says(answer(u)).is(row.state());
}

SCENARIO_TEST("ESTABLISHED: a larger window offered later widens the range [SA-ESTAB-11]") {
  auto t = peer::in_established({.window = 8192});
  t.window_of_peer(16384);
  t.hears(ack()).says_nothing();
  t.window_of_peer(1024);
  t.hears(ack()).says_nothing();
  t.hears(ack(t.snd_una() - 16384_B)).says_nothing();
  t.hears(ack(t.snd_una() - 16385_B)).says(answer(t)).is(State::Established);
}

SCENARIO_ROWS("an ACK of what was never sent draws an ACK, its text is dropped",
              also("U-9, U-32", alike("12", "SA-TW-17"))) {
  auto t = row.begins();
  t.hears(data(10_B).ack(t.snd_nxt() + 1_B)).says(answer(t)).is(row.state()).is_told_nothing();
  auto u = row.begins();
  u.hears(ack(u.snd_nxt() + 1000_B)).says(answer(u)).is(row.state());
}

SCENARIO_ROWS("an ACK of new text moves SND.UNA and is not answered",
              list({{Start::Established, "SA-ESTAB-13"},
                    {Start::EstablishedPassive, "SA-ESTAB-13"},
                    {Start::CloseWait, "SA-CW-13"}})) {
  auto t = row.begins();
  t.calls_send(100_B).says(data(100_B).seq(t.iss + 1_B));
  t.hears(ack(t.iss + 41_B)).says_nothing().is(row.state());
  t.holds(t.calls_status().snd_una == t.iss + 41_B, "a part is acknowledged");
  t.hears(ack(t.iss + 101_B)).says_nothing().is(row.state());
  t.holds(t.calls_status().send_queue == 0_B, "all is acknowledged");
  t.after(60_s).says_nothing();  // and no timer sends it again
}

SCENARIO_TEST("FIN-WAIT-1: an ACK of our text but not of our FIN keeps the state [SA-FW1-13]") {
  auto t = peer::in_established();
  t.calls_send(100_B).says(data(100_B));
  t.calls_shutdown_write().says(fin().seq(t.iss + 101_B));
  t.hears(ack(t.iss + 101_B)).says_nothing().is(State::FinWait1);
  t.holds(t.calls_status().snd_una == t.iss + 101_B, "the text is acknowledged");
}

SCENARIO_ROWS("an ACK of nothing new is not answered",
              list({{Start::Established, "SA-ESTAB-14"},
                    {Start::EstablishedPassive, "SA-ESTAB-14"},
                    {Start::FinWait1, "SA-FW1-14"},
                    {Start::FinWait2, "SA-FW2-14"},
                    {Start::CloseWait, "SA-CW-14"}})) {
  auto t = row.begins();
  const Seq una = t.snd_una();
  t.hears(ack(una)).says_nothing().is(row.state());
  t.hears(ack(una - 1_B)).says_nothing().is(row.state());
  t.holds(t.calls_status().snd_una == una, "SND.UNA stays");
}

SCENARIO_ROWS("text with an old ACK is taken all the same",
              also("U-33", list({{Start::Established, "SA-ESTAB-14"},
                                 {Start::FinWait1, "SA-FW1-14"},
                                 {Start::FinWait2, "SA-FW2-14"}}))) {
  auto t = row.begins();
  t.hears(data(10_B).ack(t.snd_una() - 1_B)).says(ack(t.irs + 11_B)).is(row.state());
  t.calls_receive(10_B);
}

SCENARIO_ROWS("a newer segment updates the window",
              list({{Start::Established, "SA-ESTAB-15"},
                    {Start::EstablishedPassive, "SA-ESTAB-15"},
                    {Start::FinWait1, "SA-FW1-15"},
                    {Start::FinWait2, "SA-FW2-15"},
                    {Start::CloseWait, "SA-CW-15"}})) {
  auto t = row.begins();
  const Seq una = t.snd_una();
  for (const uint32_t octets : {2048U, 1024U, 4096U}) {
    t.hears(ack(una).win(t.window_field(octets))).says_nothing().is(row.state());
    t.holds(t.calls_status().snd_wnd == ByteCount{octets}, "SND.WND is updated");
  }
}

SCENARIO_ROWS("a segment older than the last window update does not touch the window",
              also("U-15", list({{Start::Established, "SA-ESTAB-16"},
                                 {Start::EstablishedPassive, "SA-ESTAB-16"},
                                 {Start::FinWait1, "SA-FW1-16"},
                                 {Start::FinWait2, "SA-FW2-16"},
                                 {Start::CloseWait, "SA-CW-16"}}))) {
  auto t = row.begins();
  const Seq una = t.snd_una();
  t.hears(ack(una).seq(t.rcv_nxt() + 10_B).win(t.window_field(2048))).says_nothing();
  t.holds(t.calls_status().snd_wnd == 2048_B, "the segment further on sets WL1");
  t.hears(ack(una).win(t.window_field(8192))).says_nothing().is(row.state());
  t.holds(t.calls_status().snd_wnd == 2048_B, "WL1 > SEQ: not updated");
}

SCENARIO_ROWS("a segment with an older ACK does not touch the window",
              list({{Start::Established, "SA-ESTAB-16"}, {Start::CloseWait, "SA-CW-16"}})) {
  auto t = row.begins();
  t.calls_send(100_B).says(data(100_B));
  t.hears(ack(t.iss + 101_B).win(t.window_field(2048))).says_nothing();
  t.hears(ack(t.iss + 51_B).win(t.window_field(8192))).says_nothing();
  t.holds(t.calls_status().snd_wnd == 2048_B, "WL1 = SEQ and WL2 > ACK: not updated");
}

SCENARIO_TEST(
    "SYN-RECEIVED: the ACK of a segment that a closed window refuses still counts "
    "[SA-SYNRCVD-03, MUST-66]") {
  auto t = peer::in_syn_received_active({.window_closed = true});
  t.hears(data(10_B)).says(ack(t.irs + 1_B).win(0));
  t.is(State::Established).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST(
    "ESTABLISHED: ACK and URG of a segment that a closed window refuses still count "
    "[SA-ESTAB-03, MUST-66]") {
  auto t = peer::in_established({.window_closed = true});
  t.calls_send(100_B).says(data(100_B));
  t.hears(data(1_B).urg(5)).says(answer(t)).is_told(What::Urgent);
  t.holds(t.calls_status().snd_una == t.iss + 101_B, "our text is acknowledged");
}

SCENARIO_TEST(
    "FIN-WAIT-1: the ACK of a segment that a closed window refuses still counts "
    "[SA-FW1-03, MUST-66]") {
  auto t = peer::in_fin_wait_1({.window_closed = true});
  t.hears(data(10_B)).says(answer(t)).is(State::FinWait2);
}

}  // namespace rapport::scenario
