// Options that mean nothing are refused, by each call that takes options, and change nothing; and
// urgent text that cannot be marked is not sent as plain text.
#include "scenario.hh"

#include <cstdint>
#include <expected>
#include <functional>

namespace rapport::scenario {

namespace {

using Options = tcp::ConnectionOptions;

struct Bad {
  const char* what;
  std::function<void(Options&)> make;
};

const std::vector<Bad>& bad_ones() {
  static const std::vector<Bad> all = {
      {"urgent text out of the stream", [](Options& o) { o.urgent_inline = false; }},
      {"no receive buffer", [](Options& o) { o.receive_buffer = 0_B; }},
      {"a receive buffer beyond 16 MiB", [](Options& o) { o.receive_buffer = 16384_KiB + 1_B; }},
      {"no send buffer", [](Options& o) { o.send_buffer = 0_B; }},
      {"keep-alive at once", [](Options& o) { o.keep_alive_idle = 0_s; }},
      {"keep-alive without pause", [](Options& o) { o.keep_alive_interval = 0_s; }},
      {"keep-alive within a tick", [](Options& o) { o.keep_alive_interval = 999_us; }},
      {"keep-alive in the past", [](Options& o) { o.keep_alive_idle = 0_s - 1_s; }},
      {"keep-alive without a probe", [](Options& o) { o.keep_alive_probes = 0; }},
      {"TTL 0", [](Options& o) { o.ttl = 0; }},
      {"an MSS of 63", [](Options& o) { o.mss_clamp = 63; }},
  };
  return all;
}

Error refused(Peer& t, const std::expected<void, Error>& result, const char* what) {
  t.holds(!result.has_value(), std::string(what) + " is refused");
  return result.error();
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: options out of their bounds are refused and nothing changes [MUST-49]") {
  for (const Bad& bad : bad_ones()) {
    auto t = peer::in_established();
    const Options before = t.calls_status().options;
    Options o = before;
    bad.make(o);
    const auto set = t.stack().command(tcp::SetOptions{.target = t.handle, .options = o}, t.now());
    t.holds(refused(t, set, bad.what) == Error::NotAllowed, "with NotAllowed");
    t.holds(t.calls_status().options == before, "the options are what they were");
  }
}

SCENARIO_TEST("CLOSED: options out of their bounds open nothing [UC-OPEN-06]") {
  for (const Bad& bad : bad_ones()) {
    auto t = peer::in_closed();
    Options o;
    bad.make(o);
    t.calls_listen({.local_address = {}, .port = 80, .remote = {}, .options = &o},
                   Error::NotAllowed);
    t.calls_connect({.remote = t.remote, .local_address = {}, .options = &o}, Error::NotAllowed);
    t.says_nothing().is(State::Closed);
  }
}

SCENARIO_TEST("ESTABLISHED: keep-alive may go by single ticks [MUST-27]") {
  auto t = peer::in_established();
  Options o = t.calls_status().options;
  o.keep_alive = true;
  o.keep_alive_idle = o.keep_alive_interval = 1_ms;
  o.keep_alive_probes = 3;
  t.calls_set_options(o);
  for (int i = 0; i < 3; ++i) t.after_next_timer().says(ack().seq(t.snd_nxt() - 1_B));
  t.after_next_timer().says(rst().ack(t.rcv_nxt())).is_gone();
}

SCENARIO_TEST(
    "ESTABLISHED: urgent text that cannot be marked is not queued [MUST-62, UC-SEND-11]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.max_extras = 1; }});
  tcp::ConnectionOptions other;
  other.keep_alive = true;  // takes the only Extras
  const auto second = t.stack().command(
      tcp::Connect{.remote = {t.remote.address, 4711}, .local_address = {}, .options = &other},
      t.now());
  t.holds(second.has_value(), "another connection opens");
  const uint8_t octets[10] = {};
  const auto sent = t.stack().command(
      tcp::Send{.connection = t.handle, .bytes = octets, .urgent = true}, t.now());
  t.holds(!sent && sent.error() == Error::InsufficientResources, "the call tells why");
  t.holds(t.calls_status().send_queue == 0_B, "nothing is queued");
  t.holds(t.stack().command(tcp::Abort{*second}, t.now()).has_value(), "the other goes");
  t.may_have_said_anything().after(1_ms).may_have_said_anything();
  t.calls_send_urgent(10_B).says(data(10_B).urg(10));
}

}  // namespace rapport::scenario
