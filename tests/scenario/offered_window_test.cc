// A window that was offered stays offered (SHLD-14, RFC 7323 2.4), whatever becomes of the options
// that it came from.
#include "answers.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

void listener_gets(Peer& t, uint32_t receive_buffer) {
  tcp::ConnectionOptions o;
  o.receive_buffer = ByteCount{receive_buffer};
  const auto set = t.stack().command(tcp::SetOptions{.target = t.listener, .options = o}, t.now());
  t.holds(set.has_value(), "the listener takes its new options");
}

}  // namespace

SCENARIO_TEST(
    "SYN-RECEIVED (passive): new options of the listener do not move the edge that was offered "
    "[SHLD-14, R7323-6, SA-SYNRCVD-27]") {
  auto t = peer::in_syn_received_passive();
  const Seq edge = t.rcv_nxt() + t.rcv_wnd();
  const uint16_t field = t.heard().window;
  listener_gets(t, 1000);
  t.after(1_s).says(syn().seq(t.iss).ack(t.irs + 1_B).win(field));
  t.hears(ack(t.snd_una()).seq(edge)).says(current_ack(t));  // the first number outside
  // The last octet of it is taken.
  t.hears(data(1_B).seq(edge - 1_B)).says(current_ack(t));
  t.calls_accept().is(State::Established);
  t.holds(t.calls_status().out_of_order == 1_B, "the octet was taken");
  t.holds(at_or_after(t.rcv_nxt() + t.rcv_wnd(), edge), "the edge has not moved back");
}

SCENARIO_TEST("LISTEN: the next SYN is offered what the new options say [SA-LISTEN-05]") {
  auto t = peer::in_listen();
  listener_gets(t, 1000);
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B).win(1000));
}

}  // namespace rapport::scenario
