// LISTEN: SEGMENT ARRIVES (RFC 9293 3.10.7.2) in the order RST, ACK, SYN, other.
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/isn.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>

namespace rapport::tcp {

namespace {

// How well a listener fits: 0 not at all, more for each field that it names.
// Another remote than the one that was named finds nobody here (SA-LISTEN-13).
int fitness(const Listener& l, const FlowKey& key, const Context& cx) {
  int score = 1;
  if (!l.local.is_unspecified()) {
    if (l.local != cx.locals[key.local]) return 0;
    score += 1;
  } else if (l.local.is_v4() && !key.remote.is_v4()) {
    return 0;  // 0.0.0.0: any of ours in IPv4 only
  }
  if (!l.remote.address.is_unspecified()) {
    if (l.remote.address != key.remote) return 0;
    score += 2;
  }
  if (l.remote.port != 0) {
    if (l.remote.port != key.remote_port) return 0;
    score += 4;
  }
  return score;
}

// Why this segment opens nothing, before resources are asked for; None when it is a proper SYN.
// SA-LISTEN-08, -11, -15; U-34.
DropReason unfit_for_opening(const FlowKey& key, const wire::Segment& seg, const Context& cx) {
  if (!seg.flags.any(wire::kSyn)) return DropReason::ListenNotSyn;
  if (seg.flags.any(wire::kFin) && cx.config.drop_syn_fin) return DropReason::ListenSynFin;
  const bool land = key.remote == cx.locals[key.local] && key.remote_port == key.local_port;
  return land ? DropReason::ListenLand : DropReason::None;
}

}  // namespace

uint32_t find_listener(const FlowKey& key, const Context& cx) {
  uint32_t best = kNone;
  int best_score = 0;
  uint32_t i = cx.listener_buckets[key.local_port % kListenerBuckets];
  for (; i != kNone; i = cx.listeners[i].next) {
    if (cx.listeners[i].port != key.local_port) continue;
    const int score = fitness(cx.listeners[i], key, cx);
    if (score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

// Where the SYN queue is full its oldest entry gives way (RFC 4987 3.4; choice 66).
// SA-LISTEN-09, -10; R4987-1, -4.
DropReason refusal(uint32_t listener, Context& cx) {
  const Listener& l = cx.listeners[listener];
  if (l.waiting >= l.backlog) return DropReason::AcceptQueueFull;  // choice 7
  if (l.half_open >= l.backlog) {
    return evict_half_open(listener, cx) ? DropReason::None : DropReason::SynQueueFull;
  }
  if (!cx.half_open.full()) return DropReason::None;
  return evict_half_open(kNone, cx) ? DropReason::None : DropReason::SynQueueFull;
}

// SA-LISTEN-01, -02, -05.
void segment_arrives_at_listener(uint32_t listener, const FlowKey& key, FlowHash hash,
                                 const wire::Segment& seg, Context& cx) {
  if (seg.flags.any(wire::kRst)) {  // first
    dropped(key, DropReason::ListenRst, cx);
    return;
  }
  if (seg.flags.any(wire::kAck)) {  // second
    reset_unacceptable_ack(key, State::Listen, {.ttl = cx.config.defaults.ttl}, seg, cx);
    return;
  }
  ++cx.counters.syn_received;
  DropReason why = unfit_for_opening(key, seg, cx);
  if (why == DropReason::None) why = refusal(listener, cx);
  if (why == DropReason::None && !open_half({listener, kNone}, key, hash, seg, cx)) {
    why = DropReason::TableFull;
  }
  if (why != DropReason::None) dropped(key, why, cx);
}

}  // namespace rapport::tcp
