// What happens when a pool of the stack is used up by others (choices 52 and 53): nothing that was
// acknowledged is lost, and whoever waits is told when there may be some.
#include "scenario.hh"

#include <cstdint>

namespace rapport::scenario {

namespace {

constexpr ByteCount kBlock{4096};

// Another host's connection to our listener, accepted. It takes whatever the pools have.
struct Second {
  Endpoint at{IpAddress::v4(10, 0, 0, 77), 7777};
  Seq irs{5000}, iss;
  Handle handle;
};

Second opens_second(Peer& t) {
  Second s;
  t.hears(syn().seq(s.irs).from(s.at)).says(syn().ack(s.irs + 1_B).to(s.at));
  s.iss = t.heard().seq;
  t.hears(completion(t, s.at)).says_nothing();
  s.handle = t.stack().command(tcp::Accept{.listener = t.listener}, t.now()).value_or(Handle{});
  t.holds(s.handle != Handle{}, "the second connection is accepted");
  return s;
}

void second_sends(Peer& t, const Second& s, ByteCount n) {
  t.hears(data(n).seq(s.irs + 1_B).ack(s.iss + 1_B).from(s.at));
  if (!t.has_more_to_say()) t.after_next_timer();
  t.says(ack(s.irs + 1_B + n).to(s.at));
}

void second_resets(Peer& t, const Second& s, ByteCount after_text) {
  t.hears(rst().seq(s.irs + 1_B + after_text).from(s.at)).says_nothing();
}

With with_pool(void (*shrink)(tcp::Config&), bool passive = false) {
  return {.passive = passive, .config = [shrink](stack::Config& c) { shrink(c.tcp); }};
}

tcp::ConnectionOptions unusual() {
  tcp::ConnectionOptions o;
  o.no_delay = true;
  o.ttl = 17;
  return o;
}

}  // namespace

SCENARIO_TEST("ESTABLISHED: SEND that finds no block is told when there may be some [UC-SEND-10]") {
  auto t = peer::in_established(with_pool([](tcp::Config& c) { c.max_blocks = 2; }));
  for (uint32_t i = 0; i < 8; ++i) t.hears(data(kBlock / 4)).says(ack());
  for (int i = 0; i < 3; ++i) {  // nobody has read: none is free
    t.calls_send(100_B, Error::WouldBlock).says_nothing();
    t.after(200_ms - 1_ms).says_nothing().is_not_told(What::Writable);
    t.after(1_ms).says_nothing().is_told(What::Writable);
  }
  t.calls_receive(kBlock * 2).calls_send(100_B).says(data(100_B));
}

SCENARIO_TEST(
    "ESTABLISHED: SEND cut short by memory is told with the ACK that frees some "
    "[UC-SEND-10]") {
  auto t = peer::in_established(with_pool([](tcp::Config& c) { c.max_blocks = 1; }));
  t.calls_send(kBlock).may_have_said_anything();
  t.calls_send(100_B, Error::WouldBlock).is_not_told(What::Writable);
  t.hears(ack()).may_have_said_anything();
  t.hears(ack()).may_have_said_anything();
  t.is_told(What::Writable).calls_send(100_B).says(data(100_B));
}

SCENARIO_TEST("ESTABLISHED: SEND that finds no Transfer waits in the same way [UC-SEND-10]") {
  auto t = peer::in_established(with_pool([](tcp::Config& c) { c.max_transfers = 1; }, true));
  const Second s = opens_second(t);
  second_sends(t, s, 10_B);  // nobody reads it
  t.calls_send(100_B, Error::WouldBlock).says_nothing();
  t.after(200_ms).says_nothing().is_told(What::Writable);
  t.calls_send(100_B, Error::WouldBlock).says_nothing();
  second_resets(t, s, 10_B);
  t.after(200_ms).is_told(What::Writable).calls_send(100_B).says(data(100_B));
}

SCENARIO_TEST("FIN-WAIT-1: a FIN that finds no Transfer leaves when there is one [UC-CLOSE-07]") {
  auto t = peer::in_established(with_pool([](tcp::Config& c) { c.max_transfers = 1; }, true));
  const Second s = opens_second(t);
  second_sends(t, s, 10_B);
  t.calls_shutdown_write().says_nothing().after(5_s).says_nothing().is(State::FinWait1);
  second_resets(t, s, 10_B);
  t.after(200_ms).says(fin().seq(t.iss + 1_B)).says_nothing();
  t.hears(ack()).says_nothing().is(State::FinWait2);
}

SCENARIO_TEST(
    "ESTABLISHED: text that finds no memory is not acknowledged, and taken later "
    "[SA-ESTAB-17]") {
  auto t = peer::in_established(with_pool([](tcp::Config& c) { c.max_blocks = 1; }, true));
  const Second s = opens_second(t);
  second_sends(t, s, 10_B);
  t.hears(data(10_B)).says_nothing().dropped_as(DropReason::BufferFull);
  t.after(1_s).says_nothing().calls_receive(Error::WouldBlock);
  second_resets(t, s, 10_B);
  t.hears(data(10_B)).says(ack(t.irs + 11_B)).calls_receive(10_B);
}

SCENARIO_TEST("CLOSED: an active OPEN whose options cannot be kept fails [UC-OPEN-05]") {
  auto t = peer::in_closed(with_pool([](tcp::Config& c) { c.max_extras = 1; }));
  const tcp::ConnectionOptions o = unusual();
  tcp::Connect first{.remote = t.remote, .local_address = {}, .local_port = t.local.port};
  first.options = &o;
  tcp::Connect second = first;
  second.remote.port = static_cast<uint16_t>(t.remote.port + 1);
  t.handle = t.stack().command(first, t.now()).value_or(Handle{});
  t.calls_connect(second, Error::InsufficientResources).says(syn()).is(State::SynSent);
  t.holds(t.heard_ip().ttl == 17, "the first has its options");
  t.holds(t.stack().population().connections == 1, "the second left nothing behind");
  t.calls_abort().is_gone().and_pools_are_empty();
}

SCENARIO_TEST(
    "SYN-RECEIVED: a child whose listener's options cannot be kept waits "
    "[UC-OPEN-05]") {
  auto t = peer::in_closed(with_pool([](tcp::Config& c) { c.max_extras = 1; }));
  const tcp::ConnectionOptions o = unusual();
  tcp::Listen listen;
  listen.port = t.local.port;
  listen.options = &o;
  t.listener = t.stack().command(listen, t.now()).value_or(Handle{});
  const Second s = opens_second(t);
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.hears(ack()).says_nothing().dropped_as(DropReason::TableFull).is(State::SynReceived);
  t.after(1_s).says(syn().seq(t.iss).ack(t.irs + 1_B));
  second_resets(t, s, 0_B);
  t.hears(ack()).says_nothing().calls_accept().is(State::Established);
  t.holds(t.calls_status().options == o, "it has its listener's options");
  t.calls_send(10_B).says(data(10_B)).calls_send(10_B).says(data(10_B));
  t.holds(t.heard_ip().ttl == 17, "and shows them");
}

SCENARIO_TEST(
    "ESTABLISHED: options that cannot be kept are refused, the old ones stay "
    "[SHLD-21, MUST-17]") {
  auto t = peer::in_established(with_pool([](tcp::Config& c) { c.max_extras = 0; }));
  const tcp::ConnectionOptions before = t.calls_status().options;
  const auto r =
      t.stack().command(tcp::SetOptions{.target = t.handle, .options = unusual()}, t.now());
  t.holds(!r && r.error() == Error::InsufficientResources, "SET OPTIONS fails");
  t.holds(t.calls_status().options == before, "nothing has changed");
  t.calls_send(10_B).says(data(10_B)).calls_send(10_B).says_nothing();
}

}  // namespace rapport::scenario
