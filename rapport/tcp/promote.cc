// From HalfOpen to Connection: what a passive handshake knows when it is complete (RFC 9293
// 3.10.7.4, fifth, SYN-RECEIVED), and the queue of those who wait for ACCEPT.
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/isn.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/rtt.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>

namespace rapport::tcp {

namespace {

void fill_connection(Connection& c, const HalfOpen& h, Context& cx) {
  c.state = State::SynReceived;
  c.snd.iss = c.snd.una = h.iss;
  c.snd.nxt = h.iss + 1_B;
  c.snd.wnd = c.snd.max_wnd = ByteCount{h.window};
  c.snd.wl1 = h.irs;
  c.snd.wl2 = h.iss;
  c.rcv.irs = h.irs;
  c.rcv.nxt = c.rcv.last_ack_sent = h.irs + 1_B;
  c.rcv.edge = c.rcv.nxt + ByteCount{h.offered};
  c.scaling_on = h.scaling_on;
  c.sack_on = h.sack_on;
  c.timestamps_on = h.timestamps_on;
  c.snd_shift = h.snd_shift;
  c.rcv_shift = h.rcv_shift;
  c.ts_recent = h.ts_recent;
  c.ts_offset = timestamp_offset(h.key, cx);
  c.peer_mss = h.peer_mss;
  c.retries = h.retries;
  c.syn_timed_out = h.retries > 0 ? 1 : 0;
  c.heard_hour = cx.hour;
  c.last_heard = c.stalled_since = cx.tick_up;
}

void link_accept(Listener& l, uint32_t connection, Context& cx) {
  cx.connections[connection].listener_or_next = kNone;
  if (l.accept_tail == kNone) {
    l.accept_head = connection;
  } else {
    cx.connections[l.accept_tail].listener_or_next = connection;
  }
  l.accept_tail = connection;
  ++l.waiting;
}

}  // namespace

// SA-SYNRCVD-16, -18, -19, -23, -27 to -29: the segment goes through the steps of arrival.cc.
void promote(uint32_t index, FlowHash hash, const wire::Segment& seg, Context& cx) {
  const HalfOpen h = cx.half_open[index];
  Listener& l = cx.listeners[h.listener];
  const bool fits = may_have_options(l.options, cx);
  const uint32_t i = fits ? cx.connections.allocate() : kNone;
  if (i == kNone) {  // the SYN,ACK goes out again, and the peer's ACK with it
    dropped(h.key, DropReason::TableFull, cx);
    return;
  }
  Connection& c = cx.connections[i];
  c.key = h.key;
  c.tag = hash.tag;
  fill_connection(c, h, cx);
  apply_options(c, l.options, cx);
  c.mss = agreed_mss(h.key, h.peer_mss, l.options, cx);
  record_options(c, offered_mss(h.key, l.options, cx), cx);
  if (h.retries == 0 && h.resent == 0 && h.timestamps_on == 0) {  // sent once: Karn's rule
    const Tick sent{h.deadline.v - syn_ack_interval_ms(0, cx)};   // rounded up to a whole tick
    sample_rtt(c, before(cx.tick, sent) ? 0 : (cx.tick - sent) * 1'000);
  }
  cx.table.replace(hash.tag, {Tier::HalfOpen, index}, {Tier::Connection, i});
  cx.half_open_lists[h.retries].remove(index, cx.half_open);
  if (h.suspended != kNone) forget_suspended(h.suspended, cx);
  cx.half_open.release(index);
  --l.half_open;
  c.unaccepted = 1;
  link_accept(l, i, cx);
  segment_arrives(c, seg, cx);
  tell_acceptable(h.listener, cx);
}

}  // namespace rapport::tcp
