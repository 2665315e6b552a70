// What leaves, what is kept, and how frames look from outside.
#include "rapport/sim/explore/wire.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rapport::sim::explore {

namespace {

std::optional<wire::Segment> segment_of(std::span<const uint8_t> packet) {
  const auto ip = wire::parse_ipv4(packet);
  if (!ip || ip->protocol != wire::kProtocolTcp) return std::nullopt;
  wire::Segment s;
  const DropReason fault =
      wire::parse_tcp(ip->payload, ip->source, ip->destination, wire::Checksum::AlreadyVerified, s);
  if (fault != DropReason::None) return std::nullopt;
  return s;
}

class Hash {
 public:
  void add(uint64_t value) {
    h_ = siphash24_words({0x6578'706c'6f72'6521ULL, 0x7769'7265'0000'0000ULL}, h_, value);
  }

  [[nodiscard]] uint64_t value() const { return h_; }

 private:
  uint64_t h_ = 0;
};

}  // namespace

void Wire::learn(HostId from, std::span<const uint8_t> packet) {
  const auto s = segment_of(packet);
  if (!s) return;
  Base& base = bases_.at(from);
  if (s->flags.any(wire::kSyn) && s->seq != base.iss) {
    base.iss = s->seq;
    base.since = world_->now();
  }
  if (s->options.has_timestamps) {
    base.clock = s->options.tsval - world_->now().tick().v;
  }
}

Passage Wire::carry(const WireRecord& wire, std::span<const uint8_t> packet) {
  learn(wire.from_host, packet);
  Passage p;
  const Fate fate = chooser_->fate(wire);
  if (fate == Fate::Copy || fate == Fate::Keep) {
    kept_.push_back({wire, {packet.begin(), packet.end()}, fate == Fate::Copy});
  }
  if (fate == Fate::Keep) p.count = 0;
  if (fate == Fate::Lose) p.copies[0].fate = rapport::Fate::Lost;
  if (fate != Fate::Deliver && fate != Fate::Copy) return p;
  p.copies[0].arrival = due(wire);
  flights_.push_back({wire.from_host, wire.serial, due(wire), {packet.begin(), packet.end()}});
  return p;
}

void Wire::arrived(const WireRecord& wire) {
  const auto at = std::ranges::find_if(flights_, [&](const Flight& f) {
    return f.from == wire.from_host && f.serial == wire.serial && f.arrival == wire.arrived;
  });
  if (at != flights_.end()) flights_.erase(at);
}

void Wire::recorded(const HostRecord& record) {
  if (record.record.header.kind != TraceKind::Timer) return;
  const auto timer = static_cast<TimerKind>(record.record.as<TraceTimer>().timer);
  const bool resends = timer == TimerKind::Retransmission || timer == TimerKind::SynRetransmission
                       || timer == TimerKind::HalfOpen;
  if (!resends) return;
  for (Kept& k : kept_) k.timer_fired = true;
}

bool Wire::may_arrive(const Kept& k) const {
  const Instant now = world_->now();
  return now >= due(k.wire) && now <= k.wire.sent + msl_;
}

void Wire::release(size_t i) {
  Kept k = std::move(kept_.at(i));
  kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
  k.wire.arrived = world_->now();
  k.wire.held = k.wire.arrived - due(k.wire);
  k.wire.fate = k.copy ? rapport::Fate::Duplicated : rapport::Fate::Delivered;
  world_->deliver(k.wire, k.packet);
}

void Wire::expire() {
  for (const Kept& k : kept_) {
    if (k.copy || may_arrive(k) || world_->now() < due(k.wire)) continue;
    WireRecord lost = k.wire;
    lost.fate = rapport::Fate::Lost;
    world_->deliver(lost, k.packet);
  }
  std::erase_if(kept_,
                [&](const Kept& k) { return !may_arrive(k) && world_->now() >= due(k.wire); });
}

stack::Origin Wire::origin(HostId h) const {
  const Base& own = bases_.at(h);
  const Base& peer = bases_.at(1 - h);
  const uint32_t tick = world_->now().tick().v;
  stack::Origin o;
  o.remote = h == kClient ? kServerAt : kClientAt;
  o.local_port = h == kClient ? kClientAt.port : kServerAt.port;
  o.iss = own.iss;
  o.irs = peer.iss;
  o.clock = own.clock + tick;
  o.peer_clock = peer.clock + tick;
  return o;
}

uint64_t Wire::hash_of(HostId from, std::span<const uint8_t> packet) const {
  Hash h;
  h.add(from);
  const auto s = segment_of(packet);
  ASSERT(s.has_value());
  const stack::Origin o = origin(from);
  h.add(uint64_t{s->flags.v} << 16 | s->window);
  h.add((s->seq - o.iss).v);
  if (s->flags.any(wire::kAck)) h.add((s->ack - o.irs).v);
  const wire::Options& p = s->options;
  h.add(uint64_t{p.has_mss} << 32 | uint64_t{p.mss} << 16 | uint64_t{p.has_window_scale} << 8
        | p.window_scale);
  h.add(uint64_t{p.sack_permitted} << 8 | uint64_t{p.has_timestamps});
  if (p.has_timestamps) {
    h.add(p.tsval - o.clock);
    h.add(s->flags.any(wire::kAck) ? p.tsecr - o.peer_clock : 0);
  }
  h.add(s->text.size());
  if (!s->text.empty()) h.add(s->text.front());  // all octets of one text are alike
  // What is left of the options has no numbers of its own but SACK blocks.
  for (uint32_t i = 0; i < p.sack_count; ++i) {
    h.add((p.sack[i].left - o.irs).v);
    h.add((p.sack[i].right - o.irs).v);
  }
  return h.value();
}

uint64_t Wire::fingerprint() const {
  Hash h;
  const Instant now = world_->now();
  for (const Flight& f : flights_) {
    h.add(static_cast<uint64_t>((f.arrival - now).ns));
    h.add(hash_of(f.from, f.packet));
  }
  h.add(flights_.size());
  for (const Kept& k : kept_) {
    h.add(static_cast<uint64_t>((now - k.wire.sent).ns) << 1 | uint64_t{k.copy});
    h.add(hash_of(k.wire.from_host, k.packet));
  }
  return h.value();
}

// std::stable_sort asks for memory in a way that clang 19 warns of.
void by_departure(std::vector<WireRecord>& wires) {
  for (auto it = wires.begin(); it != wires.end(); ++it) {
    const auto at = std::ranges::upper_bound(wires.begin(), it, it->sent, {}, &WireRecord::sent);
    std::rotate(at, it, it + 1);
  }
}

}  // namespace rapport::sim::explore
