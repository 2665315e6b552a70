// A corked connection sends full segments only (RFC 9293 3.8.6.2.1, whose override it keeps), and
// what an application may change of its listener.
#include "scenario.hh"

namespace rapport::scenario {

namespace {

using Options = tcp::ConnectionOptions;

With corked(bool no_delay = false) {
  return {.options = [no_delay](Options& o) {
    o.cork = true;
    o.no_delay = no_delay;
  }};
}

void takes_the_cork_out(Peer& t) {
  Options o = t.calls_status().options;
  o.cork = false;
  t.calls_set_options(o);
}

}  // namespace

SCENARIO_TEST("ESTABLISHED: corked text waits until it fills a segment [U-19]") {
  auto t = peer::in_established(corked());
  const Seq una = t.iss + 1_B;
  const ByteCount full = t.largest_text();
  t.calls_send(10_B).says_nothing();
  t.calls_send(full).says(data(full).seq(una)).says_nothing();
  t.hears(ack(una + full)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: the cork counts more than Nagle switched off [U-19, MUST-17]") {
  auto t = peer::in_established(corked(true));
  t.calls_send(10_B).says_nothing();
  takes_the_cork_out(t);
  t.says(data(10_B).seq(t.iss + 1_B));
}

SCENARIO_TEST("ESTABLISHED: corked text leaves after the override's time [U-17]") {
  auto t = peer::in_established(corked());
  t.calls_send(10_B).after(199_ms).says_nothing();
  t.after(1_ms).says(data(10_B).seq(t.iss + 1_B));
}

SCENARIO_TEST("ESTABLISHED: a FIN and urgent text take along what is corked [U-19]") {
  auto t = peer::in_established(corked());
  t.calls_send(10_B).says_nothing();
  t.calls_shutdown_write().says(data(10_B).fin().seq(t.iss + 1_B)).is(State::FinWait1);
  auto u = peer::in_established(corked());
  u.calls_send(10_B).says_nothing();
  u.calls_send_urgent(1_B).says(data(11_B).seq(u.iss + 1_B).urg(11));
}

SCENARIO_TEST("LISTEN: a longer queue keeps more handshakes [SA-LISTEN-05]") {
  auto t = peer::in_listen();
  auto& stack = t.stack();
  t.holds(stack.command(tcp::SetBacklog{t.listener, 0}, t.now()).error() == Error::InvalidArgument,
          "a queue of nobody is refused");
  t.holds(stack.command(tcp::SetBacklog{t.listener, 1}, t.now()).has_value(), "one may wait");
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  const Endpoint other{t.remote.address, static_cast<uint16_t>(t.remote.port + 1)};
  t.hears(t.syn_of_peer().from(other)).says(syn().ack(t.irs + 1_B).to(other));
  t.is(State::Listen).holds(stack.population().half_open == 1, "the first has given way");
  t.holds(stack.command(tcp::SetBacklog{t.listener, 2}, t.now()).has_value(), "two may wait");
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B)).is(State::SynReceived);
  t.holds(stack.population().half_open == 2, "both are under way");
}

}  // namespace rapport::scenario
