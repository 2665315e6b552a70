// TTL and DiffServ field (MUST-48, MUST-49): what an application chose goes with every segment of
// its connection, in every state: SYN, text, FIN, probes, resets, and the answers of TIME-WAIT.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

constexpr uint8_t kTtl = 7;
constexpr uint8_t kDscp = 46;

With marked() {
  return {.options = [](tcp::ConnectionOptions& o) {
    o.ttl = kTtl;
    o.dscp = kDscp;
  }};
}

void is_marked(Peer& t) {
  t.holds(t.heard_ip().ttl == kTtl, "the packet has the TTL that was asked for");
  t.holds(t.heard_ip().dscp == kDscp, "the packet has the DiffServ field that was asked for");
}

}  // namespace

SCENARIO_ROWS("the answer to what is not acceptable carries TTL and DiffServ field",
              rows_of("MUST-48",
                      {Start::SynReceivedActive, Start::SynReceivedPassive, Start::Established,
                       Start::EstablishedPassive, Start::FinWait1, Start::FinWait2,
                       Start::CloseWait, Start::Closing, Start::LastAck, Start::TimeWait},
                      marked())) {
  auto t = row.begins();
  is_marked(t);  // the last segment on the way here
  t.hears(ack(t.snd_una()).seq(t.rcv_nxt() - 1_B)).says(current_ack(t));
  is_marked(t);
  t.after(600_ms).may_have_said_anything();
  t.hears(rst().seq(t.rcv_nxt() + 5_B)).says(current_ack(t));
  is_marked(t);
}

SCENARIO_TEST("TIME-WAIT: the ACK of the FIN that comes again is marked [MUST-49, SA-TW-18]") {
  auto t = peer::in_time_wait(marked());
  t.after(1_s).hears(fin().seq(t.rcv_nxt() - 1_B)).says(current_ack(t));
  is_marked(t);
}

SCENARIO_TEST("the reset of an ABORT is marked [MUST-48, MUST-49]") {
  auto t = peer::in_established(marked());
  t.calls_abort().says(rst().seq(t.snd_nxt()).ack(t.rcv_nxt()));
  is_marked(t);
}

SCENARIO_ROWS("the reset that an unacceptable ACK draws is marked",
              rows_of("MUST-49",
                      {Start::SynSent, Start::SynReceivedActive, Start::SynReceivedPassive},
                      marked())) {
  auto t = row.begins();
  t.hears(ack(t.iss + 2_B)).says(rst().seq(t.iss + 2_B));
  is_marked(t);
}

SCENARIO_TEST("the reset that text draws after a full close is marked [MUST-48, SA-FW2-20]") {
  With with = marked();
  with.full_close = true;
  auto t = peer::in_fin_wait_2(with);
  t.hears(data(10_B)).says(rst().seq(t.snd_nxt()));
  is_marked(t);
}

}  // namespace rapport::scenario
