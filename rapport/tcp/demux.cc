// To whom a segment belongs: Connection, HalfOpen, TimeWait, Listener or nobody.
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/early_text.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/handshake.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>

namespace rapport::tcp {

namespace {

// CLOSED (RFC 9293 3.10.7.1): text is discarded, anything but a reset is answered by one.
// SA-CLOSED-01 to -04, -07; U-7.
void segment_arrives_for_nobody(const FlowKey& key, const wire::Segment& seg, Context& cx) {
  if (seg.flags.any(wire::kRst)) {
    dropped(key, DropReason::ClosedRst, cx);
  } else {
    answer_with_reset(key, seg, cx);
  }
}

void segment_arrives_at_entry(const FlowKey& key, FlowHash hash, const wire::Segment& seg,
                              Context& cx) {
  const uint32_t listener = find_listener(key, cx);
  if (cx.trace.enabled()) {
    record_received(key, seg, nullptr, listener == kNone ? State::Closed : State::Listen, cx);
  }
  if (seg.options.malformed) ++cx.counters.malformed_options;
  if (listener == kNone) {
    segment_arrives_for_nobody(key, seg, cx);
  } else {
    segment_arrives_at_listener(listener, key, hash, seg, cx);
  }
}

void segment_arrives_at_connection(Connection& c, FlowHash hash, const wire::Segment& seg,
                                   Context& cx) {
  if (c.state == State::Closed) {  // ended in this burst: its place is free (choice 55)
    const FlowKey key = c.key;
    retire(c, cx);
    segment_arrives_at_entry(key, hash, seg, cx);
    return;
  }
  if (cx.trace.enabled()) record_received(c.key, seg, &c, c.state, cx);
  if (seg.options.malformed) ++cx.counters.malformed_options;
  switch (c.state) {
    case State::SynSent: segment_arrives_in_syn_sent(c, seg, cx); return;
    case State::TimeWait: segment_arrives_at_shadow(as_time_wait(c, cx), seg, cx); return;
    default: segment_arrives(c, seg, cx);
  }
}

}  // namespace

void segment_arrives_at(const FlowKey& key, FlowHash hash, wire::Segment& seg, Context& cx) {
  const Entry e = cx.table.find(key, hash.tag);
  if (!seg.verified && !text_is_right(e, seg, cx)) {
    cx.drop(DropReason::TcpChecksum);
    return;
  }
  ++cx.counters.segments_received;
  switch (e.tier) {
    case Tier::Connection:
      segment_arrives_at_connection(cx.connections[e.index], hash, seg, cx);
      return;
    case Tier::HalfOpen: segment_arrives_half_open(e.index, hash, seg, cx); return;
    case Tier::TimeWait: segment_arrives_in_time_wait(e.index, seg, cx); return;
    case Tier::Nobody: segment_arrives_at_entry(key, hash, seg, cx); return;
  }
}

}  // namespace rapport::tcp
