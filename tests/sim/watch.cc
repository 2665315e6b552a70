// The invariants of every moment.
#include "watch.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace rapport::random_lives {

namespace {

using tcp::State;

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

// How often the numbers of all connections are looked at: asking is a call and so is traced.
constexpr uint32_t kEvery = 16;

}  // namespace

void WindowWatch::heard(const TraceSegment& s, Flow& flow) {
  if (has(s, wire::kRst) || !(has(s, wire::kAck) || has(s, wire::kSyn))) return;
  const uint32_t octets = uint32_t{s.window} << (has(s, wire::kSyn) ? 0 : flow.shift);
  const Seq from = has(s, wire::kAck) ? Seq{s.ack} : flow.iss + 1_B;
  const Seq edge = from + ByteCount{octets};
  flow.edge = flow.known ? later(flow.edge, edge) : edge;
  flow.known = true;
}

std::string WindowWatch::sent(const TraceSegment& s, Flow& flow) {
  if (has(s, wire::kSyn)) flow.iss = Seq{s.seq};
  if ((s.text_length == 0 && !has(s, wire::kFin)) || has(s, wire::kSyn)) return {};
  // A FIN takes a number of the window too; a keep-alive's octet lies before SND.NXT.
  const Seq behind = Seq{s.seq} + ByteCount{s.text_length + (has(s, wire::kFin) ? 1U : 0U)};
  if (flow.known && at_or_before(behind, flow.edge)) return {};
  return "text up to " + std::to_string(behind.v) + " is sent, the window ends at "
         + std::to_string(flow.edge.v);
}

std::string WindowWatch::recorded(const HostRecord& r) {
  const TraceHeader& h = r.record.header;
  Flow& flow = flows_[{r.host, h.local, h.key.local_port, h.key.remote, h.key.remote_port}];
  if (h.kind == TraceKind::Options) {
    const auto o = r.record.as<TraceOptions>();
    flow.shift = o.scaling_on != 0 ? std::min<uint8_t>(o.window_scale_received, 14) : 0;
  } else if (h.kind == TraceKind::Transition) {
    const auto t = r.record.as<TraceTransition>();
    const bool begins = !tcp::is_synchronized(static_cast<State>(t.from))
                        && static_cast<State>(t.to) == State::SynSent;
    if (begins) flow = {};
  } else if (h.kind == TraceKind::Segment) {
    const auto s = r.record.as<TraceSegment>();
    if (static_cast<Direction>(s.direction) == Direction::Sent) return sent(s, flow);
    heard(s, flow);
  }
  return {};
}

void Watch::note(uint32_t host, const std::string& what) {
  if (!breach_.empty()) return;
  breach_ =
      "t=" + std::to_string(world_->now().ns) + "ns host " + std::to_string(host) + ": " + what;
}

void Watch::recorded(const HostRecord& record) {
  const std::string breach = window_.recorded(record);
  if (!breach.empty()) note(record.host, breach);
}

void Watch::settled(Instant /*now*/) {
  if (!breach_.empty()) return;
  ++settlings_;
  for (uint32_t h = 0; h < world_->hosts(); ++h) {
    audit(h);
    if (world_->stack(h).next_deadline() == kNever) nothing_is_owed(h);
    if (settlings_ % kEvery == 0) numbers_are_in_order(h);
  }
}

void Watch::audit(uint32_t h) {
  const std::string_view broken = world_->stack(h).audit();
  if (!broken.empty()) note(h, "the auditor says: " + std::string(broken));
}

void Watch::nothing_is_owed(uint32_t h) {
  stack::Stack& stack = world_->stack(h);
  const auto population = stack.population();
  if (population.half_open > 0) note(h, "a handshake is under way without a timer");
  if (population.time_wait > 0) note(h, "TIME-WAIT without a timer");
  handles_.clear();
  stack.connections(handles_);
  for (const Handle handle : handles_) {
    const auto s = stack.command(tcp::GetStatus{handle}, world_->now());
    if (!s) continue;
    const bool waits_for_peer = s->state == State::Established
                                || (s->state == State::FinWait2 && !s->orphan)
                                || s->state == State::CloseWait;
    // A connection that has ended may wait for its reader to take the rest.
    const bool waits_for_reader = s->receive_queue > 0_B && !s->orphan;
    if (!waits_for_peer && !waits_for_reader) {
      note(h, "no timer runs in " + std::string(tcp::name(s->state)));
    }
    if (s->send_queue > 0_B) {
      note(h, "no timer runs with " + std::to_string(s->send_queue.v) + " octets to be sent in "
                  + std::string(tcp::name(s->state)));
    }
  }
}

void Watch::numbers_are_in_order(uint32_t h) {
  stack::Stack& stack = world_->stack(h);
  handles_.clear();
  stack.connections(handles_);
  for (const Handle handle : handles_) {
    const auto s = stack.command(tcp::GetStatus{handle}, world_->now());
    if (!s || s->state == State::Closed) continue;
    if (!at_or_before(s->iss, s->snd_una) || !at_or_before(s->snd_una, s->snd_nxt)) {
      note(h, "ISS =< SND.UNA =< SND.NXT does not hold");
    }
    if (s->state != State::SynSent && !before(s->irs, s->rcv_nxt)) {
      note(h, "IRS < RCV.NXT does not hold");
    }
  }
}

void Watch::all_is_over() {
  for (uint32_t h = 0; h < world_->hosts(); ++h) {
    const auto p = world_->stack(h).population();
    const uint32_t alive = p.connections + p.half_open + p.time_wait + p.listeners;
    const uint32_t memory = p.transfers + p.extras + p.blocks + p.pieces;
    if (alive > 0) {
      note(h, "left alive: " + std::to_string(p.connections) + " connections, "
                  + std::to_string(p.half_open) + " half-open, " + std::to_string(p.time_wait)
                  + " TIME-WAIT, " + std::to_string(p.listeners) + " listeners");
    }
    if (memory > 0) {
      note(h, "left over: " + std::to_string(p.transfers) + " transfers, "
                  + std::to_string(p.extras) + " extras, " + std::to_string(p.blocks) + " blocks, "
                  + std::to_string(p.pieces) + " pieces");
    }
    if (world_->pool(h).in_use() > 0) {
      note(h, std::to_string(world_->pool(h).in_use()) + " frames are not given back");
    }
    if (world_->stack(h).next_deadline() != kNever) note(h, "a timer runs for nothing");
  }
}

}  // namespace rapport::random_lives
