// SYN-RECEIVED, after a simultaneous open (active) and behind a listener (passive): what is special
// to it in RFC 9293 3.10.7.4. Rows that it shares with later states are in common_rows_test.cc.
#include "scenario.hh"

namespace rapport::scenario {

namespace {

const std::vector<Start> kBoth = {Start::SynReceivedActive, Start::SynReceivedPassive};

bool is_passive(const Row& row) {
  return row.start == Start::SynReceivedPassive;
}

// A small receive buffer: the window in our SYN is all that there is.
constexpr uint32_t kBuffer = 8192;

With small_window() {
  return {.options = [](tcp::ConnectionOptions& o) { o.receive_buffer = ByteCount{kBuffer}; }};
}

void has_opened(Peer& t, const Row& row) {
  t.is(State::Established);
  if (is_passive(row)) {
    t.is_told(What::Acceptable).calls_accept();
  } else {
    t.is_told(What::Connected);
  }
}

// Two others wait to be accepted, which is all that the backlog allows, and t is half-open.
void fills_the_accept_queue(Peer& t) {
  std::vector<Seg> completions;
  for (const uint16_t which : {uint16_t{1}, uint16_t{2}}) {
    const Endpoint other{t.remote.address, static_cast<uint16_t>(t.remote.port + which)};
    t.hears(t.syn_of_peer().from(other)).says(syn().ack(t.irs + 1_B).to(other));
    completions.push_back(completion(t, other));
    if (which == 1) t.hears(completions.back()).says_nothing();
  }
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.hears(completions.back()).says_nothing();
  t.is(State::SynReceived).forgets_what_was_told();
}

}  // namespace

SCENARIO_TEST(
    "SYN-RECEIVED (passive): an exact reset leads silently back to LISTEN "
    "[SA-SYNRCVD-06, MUST-11]") {
  auto t = peer::in_syn_received_passive();
  t.hears(rst().seq(t.irs + 1_B)).says_nothing();
  t.is(State::Listen).is_told_nothing();
  t.holds(t.stack().population().half_open == 0, "the entry is gone");
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.is(State::SynReceived);
}

SCENARIO_TEST("SYN-RECEIVED (active): an exact reset is a refusal [SA-SYNRCVD-07, MUST-11]") {
  auto t = peer::in_syn_received_active();
  t.hears(rst().seq(t.irs + 1_B)).says_nothing();
  t.is_told_ended(CloseReason::Refused).is_gone().and_pools_are_empty();
}

SCENARIO_ROWS("a resent SYN is answered by the same SYN,ACK", rows_of("SA-SYNRCVD-10", kBoth)) {
  auto t = row.begins();
  const Seq iss = t.iss;
  t.after(600_ms);
  t.hears(t.syn_of_peer()).says(syn().seq(iss).ack(t.irs + 1_B));
  t.hears(t.syn_of_peer()).says_nothing();  // throttled
  t.is(State::SynReceived);
  t.hears(ack(iss + 1_B)).says_nothing();
  has_opened(t, row);
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): a SYN in the window leads silently back to LISTEN "
    "[SA-SYNRCVD-11]") {
  auto t = peer::in_syn_received_passive();
  t.hears(t.syn_of_peer().seq(t.irs + 1_B)).says_nothing();
  t.is(State::Listen).is_told_nothing();
  t.holds(t.stack().population().half_open == 0, "the entry is gone");
  t.after(5_s).says_nothing();
}

SCENARIO_TEST("SYN-RECEIVED (active): a SYN in the window is challenged [SA-SYNRCVD-12]") {
  auto t = peer::in_syn_received_active();
  t.hears(t.syn_of_peer().seq(t.irs + 1_B)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::SynReceived);
}

SCENARIO_TEST(
    "SYN-RECEIVED (active): the crossing SYN,ACK establishes without an answer "
    "[SA-SYNRCVD-13, MUST-10]") {
  auto t = peer::in_syn_received_active();
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says_nothing();
  t.is(State::Established).is_told(What::Connected);
}

SCENARIO_ROWS("without an ACK bit nothing is taken", rows_of("SA-SYNRCVD-14", kBoth)) {
  auto t = row.begins();
  t.hears(data(10_B).no_ack()).says_nothing();
  t.hears(none()).says_nothing();
  t.is(State::SynReceived);
  t.hears(ack(t.iss + 1_B)).says_nothing();
  has_opened(t, row);
  t.calls_receive(Error::WouldBlock);
}

SCENARIO_ROWS("an ACK from long ago is reset (choice 29)", rows_of("SA-SYNRCVD-15", kBoth)) {
  auto t = row.begins();
  const Seq old = t.iss - 1'000'000_B;
  t.hears(ack(old)).says(rst().seq(old));
  t.is(State::SynReceived);
}

SCENARIO_ROWS("where the strict profile checks the range an ACK from long ago is challenged",
              rows_of("SA-SYNRCVD-15", kBoth, {.config = [](stack::Config& c) {
                        c.tcp.check_ack_in_syn_received = true;
                      }})) {
  auto t = row.begins();
  t.hears(ack(t.iss - 1'000'000_B)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::SynReceived);
}

SCENARIO_ROWS("the ACK of our SYN establishes", rows_of("SA-SYNRCVD-16", kBoth)) {
  auto t = row.begins();
  t.hears(ack(t.iss + 1_B).win(t.window_field(2048))).says_nothing();
  has_opened(t, row);
  const auto s = t.calls_status();
  t.holds(s.snd_una == t.iss + 1_B, "SND.UNA = SEG.ACK");
  t.holds(s.snd_wnd == 2048_B, "SND.WND is that of the ACK, scaled");
}

SCENARIO_ROWS("an ACK that is not acceptable is reset, the state kept",
              also("U-8", rows_of("SA-SYNRCVD-17", kBoth))) {
  auto t = row.begins();
  t.hears(ack(t.iss)).says(rst().seq(t.iss));
  t.hears(ack(t.iss + 2_B)).says(rst().seq(t.iss + 2_B));
  t.is(State::SynReceived);
  t.hears(ack(t.iss + 1_B)).says_nothing();
  has_opened(t, row);
}

SCENARIO_ROWS("text that comes with the ACK is taken", rows_of("SA-SYNRCVD-18", kBoth)) {
  auto t = row.begins();
  t.hears(data(10_B)).says(ack(t.irs + 11_B).seq(t.iss + 1_B));
  has_opened(t, row);
  t.calls_receive(10_B);
}

SCENARIO_ROWS("a FIN that comes with the ACK leads to CLOSE-WAIT",
              rows_of("SA-SYNRCVD-19", kBoth)) {
  auto t = row.begins();
  t.hears(fin()).says(ack(t.irs + 2_B).seq(t.iss + 1_B));
  t.is(State::CloseWait);
  if (is_passive(row)) t.calls_accept();
  t.calls_receive(Error::Closing);
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): the ACK is dropped while the accept queue is full "
    "[SA-SYNRCVD-20]") {
  auto t = peer::in_listen({.backlog = 2});
  fills_the_accept_queue(t);
  t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B)).says_nothing();
  t.dropped_as(DropReason::AcceptQueueFull).is(State::SynReceived);
  t.calls_accept().calls_accept().calls_accept(Error::WouldBlock);
  t.after(1_s).says(syn().seq(t.iss).ack(t.irs + 1_B));
  t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B)).says_nothing();
  t.is_told(What::Acceptable).calls_accept().is(State::Established);
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): where asked for, a full accept queue resets "
    "[SA-SYNRCVD-20]") {
  auto t = peer::in_listen(
      {.backlog = 2, .config = [](stack::Config& c) { c.tcp.reset_on_accept_overflow = true; }});
  fills_the_accept_queue(t);
  t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B)).says(rst().seq(t.iss + 1_B));
  t.is(State::Listen);
}

SCENARIO_ROWS("a FIN without ACK is dropped", rows_of("SA-SYNRCVD-21", kBoth)) {
  auto t = row.begins();
  t.hears(fin().no_ack()).says_nothing();
  t.is(State::SynReceived);
  t.hears(ack(t.iss + 1_B)).says_nothing();
  has_opened(t, row);
}

SCENARIO_ROWS("SYN,ACK is sent again at doubling intervals", rows_of("SA-SYNRCVD-22", kBoth)) {
  auto t = row.begins();
  for (Duration rto = 1_s; rto <= 16_s; rto = rto * 2) {
    t.after(rto - 1_ms).says_nothing();
    t.after(1_ms).says(syn().seq(t.iss).ack(t.irs + 1_B)).is(State::SynReceived);
  }
  t.hears(ack(t.iss + 1_B)).says_nothing();
  has_opened(t, row);
}

SCENARIO_TEST(
    "SYN-RECEIVED (active): the urgent pointer of the ACK is noted, nothing said "
    "[SA-SYNRCVD-23]") {
  auto t = peer::in_syn_received_active();
  t.hears(ack(t.iss + 1_B).urg(5)).says_nothing();
  t.is(State::Established).is_told(What::Urgent);
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): the urgent pointer comes along, text is acknowledged "
    "[SA-SYNRCVD-23]") {
  auto t = peer::in_syn_received_passive();
  t.hears(data(5_B).urg(5)).says(ack(t.irs + 6_B));
  t.is(State::Established).calls_accept();
  t.holds(t.calls_status().urgent_ahead == 5_B, "five octets are urgent");
}

SCENARIO_TEST(
    "SYN-RECEIVED (active): a CLOSE that waits for queued text is carried out "
    "[SA-SYNRCVD-24]") {
  auto t = peer::in_syn_received_active();
  t.calls_send(10_B).calls_shutdown_write().says_nothing();
  t.is(State::SynReceived);
  t.hears(ack(t.iss + 1_B)).says(data(10_B).fin().seq(t.iss + 1_B).ack(t.irs + 1_B));
  t.is(State::FinWait1);
}

SCENARIO_ROWS("of a resent SYN with text only the SYN is answered",
              rows_of("SA-SYNRCVD-25", kBoth)) {
  auto t = row.begins();
  t.after(600_ms);
  t.hears(t.syn_of_peer().text(10_B)).says(syn().seq(t.iss).ack(t.irs + 1_B));
  t.is(State::SynReceived);
  t.hears(ack(t.iss + 1_B)).says_nothing();
  has_opened(t, row);
  t.calls_receive(Error::WouldBlock);
}

SCENARIO_TEST("SYN-RECEIVED (passive): SYN,ACK at IRS draws an ACK [SA-SYNRCVD-26]") {
  auto t = peer::in_syn_received_passive();
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::SynReceived);
}

SCENARIO_TEST(
    "SYN-RECEIVED (passive): SYN,ACK in the window leads back to LISTEN "
    "[SA-SYNRCVD-26, SA-SYNRCVD-11]") {
  auto t = peer::in_syn_received_passive();
  t.hears(t.syn_of_peer().seq(t.irs + 1_B).ack(t.iss + 1_B)).says_nothing();
  t.is(State::Listen).is_told_nothing();
}

SCENARIO_ROWS("text beyond a hole is kept and answered at once", rows_of("SA-SYNRCVD-27", kBoth)) {
  auto t = row.begins();
  Seg wanted = ack(t.irs + 1_B).seq(t.iss + 1_B);
  if (t.sack_agreed()) wanted.sack({{t.irs + 11_B, t.irs + 21_B}});
  t.hears(data(10_B).seq(t.irs + 11_B)).says(wanted);
  has_opened(t, row);
  t.hears(data(10_B).seq(t.irs + 1_B)).says(ack(t.irs + 21_B).no_sack());
  t.calls_receive(20_B);
}

SCENARIO_ROWS("text that begins left of the window is trimmed", rows_of("SA-SYNRCVD-28", kBoth)) {
  auto t = row.begins();
  t.hears(data(20_B).seq(t.irs - 9_B)).says(ack(t.irs + 11_B));
  has_opened(t, row);
  t.calls_receive(10_B);
}

SCENARIO_ROWS("text and FIN beyond the window are trimmed",
              rows_of("SA-SYNRCVD-28", kBoth, small_window())) {
  auto t = row.begins();
  const Seq edge = t.rcv_nxt() + t.rcv_wnd();
  Seg wanted = ack(t.irs + 1_B);
  if (t.sack_agreed()) wanted.sack({{edge - 5_B, edge}});
  t.hears(data(20_B).fin().seq(edge - 5_B)).says(wanted);
  has_opened(t, row);
}

SCENARIO_ROWS("a FIN beyond a hole is remembered", rows_of("SA-SYNRCVD-29", kBoth)) {
  auto t = row.begins();
  t.hears(fin().seq(t.irs + 11_B)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  has_opened(t, row);
  t.hears(data(10_B).seq(t.irs + 1_B)).says(ack(t.irs + 12_B));
  t.is(State::CloseWait).calls_receive(10_B).calls_receive(Error::Closing);
}

SCENARIO_ROWS("a FIN left of the window draws an ACK", rows_of("SA-SYNRCVD-30", kBoth)) {
  auto t = row.begins();
  t.hears(fin().seq(t.irs - 10_B)).says(ack(t.irs + 1_B).seq(t.iss + 1_B));
  t.is(State::SynReceived);
}

SCENARIO_ROWS("text with an unacceptable ACK is not kept", rows_of("SA-SYNRCVD-31", kBoth)) {
  auto t = row.begins();
  t.hears(data(10_B).ack(t.iss + 2_B)).says(rst().seq(t.iss + 2_B));
  t.is(State::SynReceived);
  // The reset is the only answer, also to what lies partly outside of the window.
  t.hears(data(20_B).seq(t.irs - 9_B).ack(t.iss + 2_B)).says(rst().seq(t.iss + 2_B));
  const Seq edge = t.rcv_nxt() + t.rcv_wnd();
  t.hears(data(20_B).seq(edge - 5_B).ack(t.iss + 2_B)).says(rst().seq(t.iss + 2_B));
  t.is(State::SynReceived);
  t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B)).says_nothing();
  has_opened(t, row);
  t.calls_receive(Error::WouldBlock);
}

SCENARIO_TEST(
    "SYN-RECEIVED (active): after 180 s it gives up and says so "
    "[SA-SYNRCVD-34, MUST-23]") {
  auto t = peer::in_syn_received_active();
  t.after(180_s - 1_ms).may_have_said_anything().is(State::SynReceived).is_not_told(What::Ended);
  t.after(1_ms).says_nothing();
  t.is_told_ended(CloseReason::HandshakeTimedOut).is_gone().and_pools_are_empty();
}

// SYN,ACK is resent at 1, 3, 7, … 127 s; the answer to the last is waited for as long again, but
// no longer than max_rto (choice 31).
SCENARIO_TEST(
    "SYN-RECEIVED (passive): 120 s after its last SYN,ACK it goes silently back to LISTEN "
    "[SA-SYNRCVD-34, MUST-23]") {
  auto t = peer::in_syn_received_passive();
  for (const auto wait : {1_s, 2_s, 4_s, 8_s, 16_s, 32_s, 64_s}) {
    t.after(wait - 1_ms).says_nothing().after(1_ms).says(syn().ack(t.irs + 1_B));
  }
  t.after(120_s - 1_ms).says_nothing().is(State::SynReceived);
  t.after(1_ms).says_nothing();
  t.is(State::Listen).is_told_nothing().and_pools_are_empty();
}

}  // namespace rapport::scenario
