// What goes wrong, when it does.
#include "rapport/sim/lives/mishaps.hh"

#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/craft.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rapport::lives {

namespace {

// The control bits of a TCP packet of either family without extension headers; none for others.
wire::Flags flags_of(std::span<const uint8_t> packet) {
  constexpr size_t kFlags = 13;
  const bool v4 = !packet.empty() && packet[0] >> 4 == 4;
  const size_t header = v4 ? wire::kIpv4Header : wire::kIpv6Header;
  if (packet.size() < header + wire::kTcpHeader) return {};
  if (packet[v4 ? 9 : 6] != wire::kProtocolTcp) return {};
  return wire::Flags{packet[header + kFlags]};
}

// An address of the network of `own` that no host has.
IpAddress stranger(IpAddress own, uint32_t number) {
  own.octets[15] = static_cast<uint8_t>(100 + number % 100);
  return own;
}

}  // namespace

Mishaps::Mishaps(const Plan& plan, sim::World& world, sim::Invariants& watch, Fallen fallen)
    : plan_(plan), world_(world), watch_(watch), fallen_(std::move(fallen)), chance_(plan.seed) {
  for (size_t i = 0; i < plan_.mishaps.size(); ++i) {
    const Mishap& m = plan_.mishaps[i];
    strays_ |= m.kind == MishapKind::Strays;
    due_.push_back({m.at, i, false});
    const bool ends = m.kind == MishapKind::Partition || m.kind == MishapKind::Crash;
    if (ends) due_.push_back({m.at + m.lasts, i, true});
  }
  std::ranges::sort(due_, [](const Due& a, const Due& b) {
    return a.at != b.at ? a.at > b.at : a.mishap > b.mishap;
  });
}

Instant Mishaps::next() const {
  if (!forged_.empty() || !due_strays_.empty()) return world_.now();
  return due_.empty() ? kNever : due_.back().at;
}

void Mishaps::act() {
  for (const auto& [mishap, tuple] : std::exchange(due_strays_, {})) stray(*mishap, tuple);
  for (const Forged& f : std::exchange(forged_, {})) {
    world_.inject(kNoHost, f.to, f.packet, world_.now() + f.after);
  }
  while (!due_.empty() && due_.back().at <= world_.now()) {
    const Due due = due_.back();
    due_.pop_back();
    happen(plan_.mishaps[due.mishap], due.over);
  }
}

void Mishaps::happen(const Mishap& m, bool over) {
  const auto kind = static_cast<size_t>(m.kind);
  switch (m.kind) {
    case MishapKind::Partition:
      world_.partition(m.a, m.b, !over);
      counts_[kind] += over ? 0 : 1;
      break;
    case MishapKind::Crash: crash(m, over); break;
    case MishapKind::SynFlood: flood(m); break;
    case MishapKind::Drain: drain(m); break;
    case MishapKind::Refusals:
    case MishapKind::Strays:
    case MishapKind::OldSyn: break;  // act as things happen
  }
}

void Mishaps::crash(const Mishap& m, bool over) {
  if (over && !world_.is_up(m.a)) {
    world_.restart(m.a);
    fallen_(m.a, true);
  } else if (!over && world_.is_up(m.a)) {
    ++counts_[static_cast<size_t>(m.kind)];
    world_.crash(m.a);
    fallen_(m.a, false);
  }
}

// As a process that is asked to end: its stack closes what is open, its programs are gone.
void Mishaps::drain(const Mishap& m) {
  if (!world_.is_up(m.a)) return;
  ++counts_[static_cast<size_t>(m.kind)];
  const Instant now = world_.time_of(m.a);
  world_.stack(m.a).drain(now, now + m.lasts);
  watch_.draining(m.a, now + m.lasts);
  world_.host(m.a).kill();
  fallen_(m.a, false);
}

void Mishaps::flood(const Mishap& m) {
  if (!world_.is_up(m.a)) return;
  Random random(plan_.seed + m.port);
  const IpAddress own = plan_.hosts[m.a].stack.interfaces[0].addresses[0].address;
  for (uint32_t i = 0; i < m.amount; ++i) {
    wire::SegmentHead head;
    head.seq = Seq{random.next32()};
    head.flags = wire::kSyn;
    head.window = 1000;
    const auto port = static_cast<uint16_t>(1024 + random.below(60'000));
    const auto packet = sim::craft_segment({stranger(own, i), port}, {own, m.port}, head);
    world_.inject(kNoHost, m.a, packet, world_.now() + Duration{m.lasts.ns / m.amount * i});
    ++counts_[static_cast<size_t>(m.kind)];
  }
}

void Mishaps::forge_syn(const Mishap& m, const sim::Tuple& tuple, uint32_t seq, Duration after) {
  wire::SegmentHead head;
  head.seq = Seq{seq};
  head.flags = wire::kSyn;
  head.window = 1000;
  // A forged SYN may begin a handshake, and draw the next.
  constexpr uint64_t kMost = 40;
  if (counts_[static_cast<size_t>(m.kind)] >= kMost) return;
  forged_.push_back({m.a, after, sim::craft_segment(tuple.remote, tuple.local, head)});
  ++counts_[static_cast<size_t>(m.kind)];
}

void Mishaps::recorded(const HostRecord& r) {
  const TraceHeader& h = r.record.header;
  const sim::Tuple tuple{{h.local, h.key.local_port}, {h.key.remote, h.key.remote_port}};
  if (h.kind == TraceKind::Segment) {
    const auto s = r.record.as<TraceSegment>();
    const bool is_sent = static_cast<Direction>(s.direction) == Direction::Sent;
    if (is_sent && wire::Flags{s.flags}.has(wire::kAck)) rcv_nxt_[tuple] = s.ack;
    if (!is_sent && wire::Flags{s.flags}.has(wire::kSyn)) rcv_nxt_[tuple] = s.seq + 1;
    if (strays_) note(r.host, tuple, s);
  }
  if (h.kind == TraceKind::Options && strays_) {
    const auto o = r.record.as<TraceOptions>();
    seen_[tuple].shift = o.scaling_on != 0 ? o.window_scale_sent : uint8_t{0};
  }
  if (h.kind != TraceKind::Transition) return;
  const auto to = static_cast<tcp::State>(r.record.as<TraceTransition>().to);
  for (const Mishap& m : plan_.mishaps) {
    if (m.kind != MishapKind::OldSyn || m.a != r.host || !rcv_nxt_.contains(tuple)) continue;
    const uint32_t seq = rcv_nxt_[tuple] + m.amount;
    if (to == tcp::State::TimeWait) forge_syn(m, tuple, seq, m.amount * 20_ms);
    if (to == tcp::State::SynReceived && m.amount % 2 == 1) forge_syn(m, tuple, seq, 1_us);
  }
}

void Mishaps::passed(sim::HostId host, sim::Passing way, Instant /*at*/,
                     std::span<const uint8_t> packet) {
  if (way != sim::Passing::Out || !flags_of(packet).has(wire::kSyn)) return;
  for (const Mishap& m : plan_.mishaps) {
    if (m.kind != MishapKind::Refusals || m.a != host) continue;
    forged_.push_back({host, 10_us * m.amount, sim::craft_port_unreachable(packet)});
    ++counts_[static_cast<size_t>(m.kind)];
  }
}

}  // namespace rapport::lives
