// Numbers that an outsider must not guess: initial sequence numbers (RFC 9293 3.4.1, RFC 6528),
// timestamp offsets (RFC 7323 7) and ephemeral ports (RFC 6056).
#include "scenario.hh"

#include <algorithm>
#include <cstdint>
#include <set>

namespace rapport::scenario {

namespace {

With seeded(uint64_t seed) {
  return {.config = [seed](stack::Config& c) { c.tcp.seed = seed; }};
}

Endpoint from_port(const Peer& t, uint32_t port) {
  return {t.remote.address, static_cast<uint16_t>(port)};
}

// The ISS that a SYN from this port draws; the handshake is then taken back.
Seq iss_towards(Peer& t, const Endpoint& from) {
  t.hears(syn().seq(Seq{7}).from(from)).says(syn().ack(Seq{8}).to(from));
  const Seq iss = t.heard().seq;
  t.hears(rst().seq(Seq{8}).from(from)).says_nothing();
  return iss;
}

std::vector<uint32_t> isses(Peer& t, uint32_t count) {
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < count; ++i) all.push_back(iss_towards(t, from_port(t, 5000 + i)).v);
  return all;
}

bool all_differ(std::vector<uint32_t> values) {
  std::ranges::sort(values);
  return std::ranges::adjacent_find(values) == values.end();
}

// The steps from each value to the next.
std::vector<uint32_t> steps_of(const std::vector<uint32_t>& values) {
  std::vector<uint32_t> steps;
  for (size_t i = 1; i < values.size(); ++i) steps.push_back(values[i] - values[i - 1]);
  return steps;
}

std::vector<uint32_t> differences_of(const std::vector<uint32_t>& a,
                                     const std::vector<uint32_t>& b) {
  std::vector<uint32_t> all;
  for (size_t i = 0; i < a.size(); ++i) all.push_back(a[i] - b[i]);
  return all;
}

// The nth other host; each is another destination.
Endpoint host(uint32_t n) {
  return here({IpAddress::v4(10, 0, 0, static_cast<uint8_t>(10 + n)), 80});
}

// The port that an OPEN without one gets; 0: none was free.
uint32_t port_towards(Peer& t, const Endpoint& remote) {
  const auto h = t.stack().command(tcp::Connect{.remote = remote, .local_address = {}}, t.now());
  if (!h) {
    t.holds(h.error() == Error::NoFreePort, "it says why");
    return 0;
  }
  return t.stack().command(tcp::GetStatus{.target = *h}, t.now())->local.port;
}

std::vector<uint32_t> ports_towards_hosts(Peer& t, uint32_t count) {
  std::vector<uint32_t> ports;
  for (uint32_t i = 0; i < count; ++i) ports.push_back(port_towards(t, host(i)));
  return ports;
}

// Eight ports, of which two are reserved.
With with_few_ports() {
  return {.config = [](stack::Config& c) {
    c.tcp.ephemeral_first = 2000;
    c.tcp.ephemeral_last = 2007;
    c.tcp.reserved_ports = {2003, 2005};
  }};
}

const std::set<uint32_t> kFew{2000, 2001, 2002, 2004, 2006, 2007};

std::set<uint32_t> takes_all_ports(Peer& t, const Endpoint& remote) {
  std::set<uint32_t> taken;
  for (size_t i = 0; i < kFew.size(); ++i) taken.insert(port_towards(t, remote));
  return taken;
}

}  // namespace

// --- initial sequence numbers -------------------------------------------------------------------

SCENARIO_TEST("LISTEN: a tuple's ISS goes by a clock of 4 us [MUST-8, SHLD-1, R6528-1, R6528-2]") {
  auto t = peer::in_listen();
  const Endpoint from = from_port(t, 5000);
  const Seq first = iss_towards(t, from);
  uint32_t steps = 0;
  for (const Duration d : {4_us, 8_us, 1000_us, 1'000'000_us, 7'200'000'000_us}) {
    t.after(d);
    steps += static_cast<uint32_t>(d.ns / 4000);
    t.holds(iss_towards(t, from) == first + ByteCount{steps}, "one step each 4 us, the key stays");
  }
}

// `rapport sim --seeds 91565`: the ACK of a SYN,ACK completed the handshake of an old SYN that had
// come a microsecond later.
SCENARIO_TEST("LISTEN: a tuple that opens again at once has another ISS [MUST-8, R6528-1]") {
  auto t = peer::in_listen();
  const Endpoint from = from_port(t, 5000);
  const Seq first = iss_towards(t, from);
  t.holds(iss_towards(t, from) == first + 1_B, "the clock of 4 us has not moved, the number has");
}

SCENARIO_TEST(
    "LISTEN: what one tuple's ISS is tells nothing of another's [MUST-9, SHLD-1, R6528-1]") {
  auto t = peer::in_listen(seeded(1));
  const auto a = isses(t, 64);
  t.holds(all_differ(a), "each tuple has its own");
  t.holds(all_differ(steps_of(a)), "with no pattern in the ports");
  auto u = peer::in_listen(seeded(2));
  const auto b = isses(u, 64);
  t.holds(all_differ(differences_of(a, b)),
          "with another key all are others, each by another step");
}

SCENARIO_TEST(
    "SYN-SENT: who begins anew needs no quiet time: its numbers are others [U-14, R6528-2]") {
  auto t = peer::in_syn_sent(seeded(3));  // the SYN leaves at the world's first instant
  auto u = peer::in_syn_sent(seeded(4));
  const int32_t apart = static_cast<int32_t>(t.iss.v - u.iss.v);
  t.holds(dressing() == Dressing::NearWrap || apart > 100'000 || apart < -100'000,
          "the numbers lie far apart, though time and tuple are the same");
}

// --- timestamps ---------------------------------------------------------------------------------

SCENARIO_TEST("SYN-SENT: each connection's clock has an offset of its own [R7323-24]") {
  const auto clocks = [](uint64_t seed) {
    auto t = peer::in_closed(seeded(seed));
    std::vector<uint32_t> all;
    for (uint32_t i = 0; i < 8; ++i) {
      const auto h = t.stack().command(
          tcp::Connect{.remote = host(i), .local_address = {}, .local_port = t.local.port},
          t.now());
      t.holds(h.has_value(), "it opens");
      t.calls_connect(tcp::Connect{}, Error::RemoteUnspecified);
      t.says(syn().ts().to(host(i)));
      all.push_back(t.heard().options.tsval);
    }
    t.holds(all_differ(all) && all_differ(steps_of(all)), "all clocks are apart");
    t.after(1_s);
    for (uint32_t i = 0; i < 8; ++i) t.says(syn().ts(all[i] + 1000, 0).to(host(i)));
    return all;
  };
  const auto a = clocks(5);
  const auto b = clocks(6);
  auto u = peer::in_closed();
  u.holds(all_differ(differences_of(a, b)), "another seed does not shift all alike");
}

// --- ephemeral ports ----------------------------------------------------------------------------

SCENARIO_TEST("CLOSED: an ephemeral port cannot be foretold [R6056-1, R5927-4]") {
  auto t = peer::in_closed(seeded(7));
  const auto a = ports_towards_hosts(t, 40);
  const auto steps = steps_of(a);
  t.holds(std::ranges::count(steps, 1U) <= 2, "they are no sequence");
  t.holds(std::ranges::max(a) - std::ranges::min(a) > 32'000, "and lie far apart");
  auto u = peer::in_closed(seeded(8));
  const auto b = ports_towards_hosts(u, 40);
  int same = 0;
  for (size_t i = 0; i < a.size(); ++i) same += a[i] == b[i] ? 1 : 0;
  t.holds(same <= 2, "another secret chooses others");
}

SCENARIO_TEST("CLOSED: ephemeral ports go from 1024 to 65535 but for those reserved [R6056-2]") {
  auto t = peer::in_closed();
  const auto ports = ports_towards_hosts(t, 60);
  t.holds(std::ranges::min(ports) >= 1024, "none is well known");
  t.holds(std::ranges::min(ports) < 20'000 && std::ranges::max(ports) > 45'000, "all over it");
  auto u = peer::in_closed(with_few_ports());
  u.holds(takes_all_ports(u, host(0)) == kFew, "each but the reserved ones");
}

SCENARIO_TEST(
    "CLOSED: towards one destination ports follow each other, each goes its way [R6056-3]") {
  auto t = peer::in_closed();
  const uint32_t first = port_towards(t, host(0));
  const auto next = [](uint32_t port) { return port == 65535 ? 1024U : port + 1; };
  t.holds(port_towards(t, host(0)) == next(first), "the next one");
  t.holds(port_towards(t, host(0)) == next(next(first)), "and the next");
  std::vector<uint32_t> away;
  for (uint32_t i = 1; i <= 8; ++i) away.push_back(port_towards(t, host(i)) - first);
  t.holds(std::ranges::count_if(away, [](uint32_t d) { return d + 16 < 32; }) <= 1,
          "other destinations begin elsewhere");
}

SCENARIO_TEST("CLOSED: a tuple in use is never chosen, when all are there is none [R6056-4]") {
  auto t = peer::in_closed(with_few_ports());
  t.holds(takes_all_ports(t, host(0)) == kFew, "six ports, six tuples");
  t.holds(port_towards(t, host(0)) == 0, "there is no seventh");
  t.holds(takes_all_ports(t, host(1)) == kFew, "they are free towards another host");
  std::vector<Handle> all;
  t.stack().connections(all);
  const auto freed = t.stack().command(tcp::GetStatus{.target = all[2]}, t.now());
  t.holds(t.stack().command(tcp::Abort{all[2]}, t.now()).has_value(), "one goes");
  t.calls_connect(tcp::Connect{}, Error::RemoteUnspecified).may_have_said_anything();
  t.holds(port_towards(t, freed->remote) == freed->local.port, "and its port is chosen again");
}

}  // namespace rapport::scenario
