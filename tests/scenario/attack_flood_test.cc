// Floods (docs/security.md): SYNs, FINs, fragments and connections by the thousand against the
// tables that hold them. What the tables hold and what each packet draws is counted.
#include "attacker.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "scenario.hh"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace rapport::scenario {

namespace {

constexpr uint32_t kQueue = 128;
constexpr uint32_t kMsPerClient = 20;

With flooded() {
  return {.backlog = kQueue, .config = [](stack::Config& c) {
            c.tcp.max_half_open = kQueue;
            c.tcp.max_connections = 4096;
          }};
}

Seg syn_from(const Peer& t, const Endpoint& e) {
  return t.syn_of_peer().from(e);
}

// The third segment, after the SYN,ACK `heard`.
Seg completes(const Peer& t, const Endpoint& e, const wire::Segment& heard) {
  Seg s = ack(heard.seq + 1_B).seq(heard.ack).from(e);
  if (heard.options.has_timestamps) s.ts(t.tsval_now(), heard.options.tsval);
  return s;
}

bool is_accepted(Peer& t) {
  const auto r = t.stack().command(tcp::Accept{.listener = t.listener}, t.now());
  if (!r) return false;
  (void)t.stack().command(tcp::Abort{*r}, t.now());
  return true;
}

struct Outcome {
  uint32_t clients = 0, accepted = 0, most_half_open = 0;
};

// One spoofed SYN a millisecond for two seconds; an honest client each 20 ms, `rtt` away.
Outcome floods(Peer& t, Attacker& a, Duration rtt) {
  struct Answer {
    Instant due;
    Endpoint from;
    wire::Segment heard;
  };

  Outcome all;
  std::deque<Answer> answers;
  uint32_t next = 0;
  for (uint32_t ms = 0; ms < 2000; ++ms) {
    a.sends(syn_from(t, here(stranger(next++))));
    if (ms % kMsPerClient == 0) {
      const Endpoint client = here(stranger(1'000'000 + next++));
      a.sends(syn_from(t, client));
      answers.push_back({t.now() + rtt, client, a.last()});
      ++all.clients;
    }
    while (!answers.empty() && answers.front().due <= t.now()) {
      a.sends(completes(t, answers.front().from, answers.front().heard));
      if (is_accepted(t)) ++all.accepted;
      answers.pop_front();
    }
    all.most_half_open = std::max(all.most_half_open, t.stack().population().half_open);
    a.waits(1_ms);
  }
  all.clients -= static_cast<uint32_t>(answers.size());
  return all;
}

// The first of two fragments of a datagram with this number, or one that lies further behind.
std::vector<uint8_t> fragment(const Peer& t, uint32_t id, uint16_t offset, uint16_t octets) {
  if (t.local.address.is_v4()) {
    wire::Ipv4 ip;
    ip.source = t.remote.address;
    ip.destination = t.local.address;
    ip.protocol = wire::kProtocolTcp;
    ip.dont_fragment = false;
    ip.more_fragments = true;
    ip.fragment_offset = offset;
    ip.id = static_cast<uint16_t>(id);
    std::vector<uint8_t> packet(wire::kIpv4Header + octets);
    wire::build_ipv4(packet.data(), ip, octets);
    return packet;
  }
  wire::Ipv6 ip;
  ip.source = t.remote.address;
  ip.destination = t.local.address;
  ip.next_header = wire::kProtocolTcp;
  ip.more_fragments = true;
  ip.fragment_offset = offset;
  ip.id = id;
  std::vector<uint8_t> packet(wire::kIpv6Header + wire::kFragmentHeader + octets);
  wire::build_fragment_header(packet.data() + wire::kIpv6Header, ip);
  ip.next_header = wire::kProtocolFragment;
  wire::build_ipv6(packet.data(), ip, static_cast<uint16_t>(wire::kFragmentHeader + octets));
  return packet;
}

}  // namespace

// An entry lives for queue / rate seconds: 128 of 1,050 a second are 121 ms.
SCENARIO_TEST(
    "LISTEN: through a SYN flood whoever answers within queue / rate gets in "
    "[R4987-1, R4987-4, SA-LISTEN-09]") {
  auto t = peer::in_listen(flooded());
  Attacker a(t);
  const Outcome near = floods(t, a, 100_ms);
  t.holds(near.clients >= 90 && near.accepted == near.clients,
          "of clients 100 ms away " + std::to_string(near.accepted) + " of "
              + std::to_string(near.clients) + " got in");
  t.holds(near.most_half_open <= kQueue, "the queue is never longer than its cap");
  t.holds(a.most_drawn() <= 1, "one SYN,ACK for a SYN");
  const uint64_t again = a.counters().syn_ack_retransmissions - a.before().syn_ack_retransmissions;
  t.holds(again == 0, "and none goes out again, for nobody stays as long");
  const Outcome far = floods(t, a, 200_ms);
  t.holds(far.accepted == 0, "clients 200 ms away do not: the queue is too short for this flood");
}

SCENARIO_TEST(
    "LISTEN: where the 32 oldest are another listener's a SYN is dropped [SA-LISTEN-09]") {
  auto t = peer::in_listen({.backlog = 1});
  tcp::Listen other;
  other.port = static_cast<uint16_t>(t.local.port + 1);
  t.holds(t.stack().command(other, t.now()).has_value(), "a second listener");
  const Endpoint there{t.local.address, other.port};
  Attacker a(t);
  for (uint32_t n = 0; n < 32; ++n) a.sends(t.syn_of_peer().from(here(stranger(n))).to(there));
  a.sends(syn_from(t, here(stranger(32))));
  t.hears(t.syn_of_peer()).says_nothing().dropped_as(DropReason::SynQueueFull);
  t.hears(rst().seq(t.irs + 1_B).from(here(stranger(0))).to(there)).says_nothing();
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B)).is(State::SynReceived);
}

SCENARIO_TEST(
    "TIME-WAIT: a forged newer SYN that a flood pushes out ends no TIME-WAIT "
    "[SA-TW-14, R4987-4]") {
  auto t = peer::in_time_wait(
      {.passive = true, .config = [](stack::Config& c) { c.tcp.max_half_open = 2; }});
  const Seq newer = t.rcv_nxt() + 100'000_B;
  Seg forged = t.syn_of_peer().seq(newer);
  if (t.timestamps_agreed()) forged.ts(t.tsval_now() + 10, 0);
  t.hears(forged).says(syn().ack(newer + 1_B));
  const auto there = [&] { return t.stack().state_of(t.local, t.remote); };
  t.holds(there() == State::SynReceived, "TIME-WAIT gives way for now");
  Attacker a(t);
  for (uint32_t n = 0; n < 3; ++n) a.sends(syn_from(t, here(stranger(n))));
  t.holds(there() == State::TimeWait, "it is back");
  t.holds(t.stack().population().half_open == 2, "and the queue is full");
}

SCENARIO_TEST(
    "CLOSED: what is sent to nobody draws no more than it costs [SA-CLOSED-01, SA-CLOSED-02]") {
  auto t = peer::in_listen();
  Attacker a(t);
  const Endpoint nobody{t.local.address, static_cast<uint16_t>(t.local.port + 1)};
  const Endpoint itself = t.local;
  for (uint32_t n = 0; n < 500; ++n) {
    a.sends(fin().seq(Seq{n}).ack(Seq{n}).from(here(stranger(n))));
    a.sends(fin().seq(Seq{n}).ack(Seq{n}).from(here(stranger(n))).to(nobody));
    a.sends(rst().seq(Seq{n}).from(here(stranger(n))).to(nobody));
    a.sends(syn().seq(Seq{n}).from(here(stranger(n))).to(nobody));
    a.sends(syn().seq(Seq{n}).from(itself));  // LAND
  }
  t.holds(a.most_drawn() <= 1 && a.octets_drawn() <= a.octets_sent(), "nothing is multiplied");
  t.holds(a.drawn() == 3 * 500, "resets and LAND draw nothing");
  const auto p = t.stack().population();
  t.holds(p.connections == 0 && p.half_open == 0 && p.time_wait == 0, "nothing is remembered");
}

SCENARIO_TEST("TIME-WAIT: thousands of ended connections hold no more than the cap [MUST-13]") {
  auto t = peer::in_listen();  // with 64 of them in these stories
  Attacker a(t);
  constexpr uint32_t connections = 300;
  for (uint32_t n = 0; n < connections; ++n) {
    const Endpoint e = here(stranger(n));
    a.sends(syn_from(t, e));
    const wire::Segment syn_ack = a.last();
    a.sends(completes(t, e, syn_ack));
    const auto handle = t.stack().command(tcp::Accept{.listener = t.listener}, t.now());
    t.holds(handle.has_value(), "accepted");
    t.holds(t.stack().command(tcp::Close{*handle}, t.now()).has_value(), "closed");
    a.sends(completes(t, e, syn_ack));  // collects our FIN
    a.sends(completes(t, e, syn_ack).fin().ack(syn_ack.seq + 2_B));
  }
  const auto p = t.stack().population();
  t.holds(p.time_wait == 64 && p.connections == 0, "the cap, and nothing else");
  t.holds(a.counters().time_wait_evicted == connections - 64, "the oldest went, counted");
  t.holds(p.transfers == 0 && p.blocks == 0, "without any buffer");
}

SCENARIO_TEST("ESTABLISHED: a flood of fragments keeps 16 datagrams and no more [R1122-3]") {
  auto t = peer::in_established();
  Attacker a(t);
  for (uint32_t id = 0; id < 3000; ++id) {
    // Of the last ones the first fragment is missing: nobody is told when their time is up.
    a.sends_packet(fragment(t, id, id < 2900 ? 0 : 64, 1400));
    t.holds(t.stack().population().fragmented <= 16, "at most 16 at once");
  }
  t.holds(a.drawn() == 0, "nothing is said of it");
  t.holds(a.dropped(DropReason::FragmentEvicted) == 3000 - 16, "the oldest went, counted");
  for (uint16_t n = 0; n < 1000; ++n) {  // of one datagram, with holes
    a.sends_packet(fragment(t, 9'999, static_cast<uint16_t>(64 + n * 16), 8));
  }
  t.holds(a.dropped(DropReason::FragmentCap) == 1, "one more than 256 and it is given up");
  t.hears(data(10_B)).says(ack()).calls_receive(10_B);
  t.after(61_s).may_have_said_anything();
  t.holds(t.stack().population().fragmented == 0, "after 60 s nothing is left");
}

}  // namespace rapport::scenario
