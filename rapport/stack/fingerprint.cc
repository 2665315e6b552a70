// Stack::fingerprint(): a hash of every protocol field, the same for the same history on every
// machine. Left out are text, which the numbers stand for, counters and trace,
// and what only says where in memory something lies.
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/stack/field_hash.hh"
#include "rapport/stack/stack.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <optional>
#include <variant>

namespace rapport::stack {

namespace {

void add_options(FieldHash& f, const tcp::ConnectionOptions& o) {
  f.add(o.no_delay, o.cork, o.quick_ack, o.keep_alive, o.keep_alive_octet, o.urgent_inline,
        o.soft_errors, o.linger, o.dscp, o.ttl, o.keep_alive_probes, o.mss_clamp);
  f.add(o.keep_alive_idle.ns, o.keep_alive_interval.ns, o.linger_time.ns, o.user_timeout.ns,
        o.send_buffer.v, o.receive_buffer.v);
}

void add_receive_queue(FieldHash& f, const tcp::Transfer& x, const tcp::Connection& c,
                       const tcp::Context& cx) {
  const tcp::ReceiveQueue& q = x.receive;
  f.add(tcp::unread(x, c).v, q.runs, q.recent_count, q.fin_waits);
  if (q.fin_waits) f.add(q.fin_at.v);
  for (uint32_t i = 0; i < q.runs; ++i) {
    const SeqRange r = tcp::run_at(q, i, cx);
    f.add(r.left.v, r.right.v);
  }
  for (uint32_t i = 0; i < q.recent_count; ++i) f.add(q.recent[i].v);
}

void add_transfer(FieldHash& f, const tcp::Transfer& x, const tcp::Connection& c,
                  const tcp::Context& cx) {
  f.add(x.send.queued.v, x.send.pieces, x.in_recovery, x.partial_seen, x.resending, x.timing,
        x.measured, x.recover_valid, x.window_limited, x.ack_pending);
  f.add(x.sacked_left.v, x.sacked_right.v, x.limited, x.nxt_before_dups.v);
  if (x.recover_valid) f.add(x.recover.v);
  f.add(x.largest_sent, x.largest_acked, x.deferred_mtu);
  if (x.largest_sent > x.largest_acked) f.add(x.largest_end.v);
  if (x.deferred_mtu != 0) f.add(x.deferred_at.v);
  if (x.resending) f.add(x.resend.v, x.resend_end.v);
  if (x.timing) f.add(x.timed_at.v);
  if (x.timing || x.measured) f.add(x.timed_seq.v);
  f.add(std::visit([](const auto& algorithm) { return algorithm.counted(); }, x.controller));
  add_receive_queue(f, x, c, cx);
}

void add_extras(FieldHash& f, const tcp::Extras& e) {
  f.add(e.snd_urgent, e.rcv_urgent, e.lingering, e.keep_alives_sent, e.keep_alive_at.v,
        e.soft_error);
  if (e.snd_urgent) f.add(e.snd_up.v);
  if (e.rcv_urgent) f.add(e.rcv_up.v);
  if (e.lingering) f.add(e.linger_until.v);
  add_options(f, e.options);
}

// What the handshake agreed on, and what the application asked for.
void add_terms(FieldHash& f, const tcp::Connection& c) {
  f.add(c.mss, c.peer_mss, c.snd_shift, c.rcv_shift, c.scaling_on, c.sack_on, c.timestamps_on,
        c.ts_offset, c.active_origin, c.syn_acked);
  f.add(c.no_delay, c.corked, c.quick_ack, c.keep_alive, c.dscp, c.path_proven, c.ttl, c.cookie);
}

void add_times(FieldHash& f, const tcp::Connection& c) {
  f.add(c.last_heard.v, c.heard_hour, c.last_sent.v, c.stalled_since.v, c.challenged);
  if (c.challenged != 0) f.add(c.challenged_at.v);
  if (c.waiting != tcp::Waiting::Nothing) f.add(c.short_at.v);
  if (c.ack_delayed != 0) f.add(c.ack_at.v);
}

void add_connection(FieldHash& f, const tcp::Connection& c, const tcp::Context& cx) {
  f.add_key(c.key);
  f.add(c.state, c.snd.una.v, c.snd.nxt.v, c.snd.wnd.v, c.snd.wl1.v, c.snd.wl2.v, c.snd.max_wnd.v,
        c.snd.iss.v, c.rcv.nxt.v, c.rcv.edge.v, c.rcv.irs.v, c.rcv.last_ack_sent.v);
  f.add(c.ts_recent, c.srtt, c.rttvar, c.cwnd, c.ssthresh, c.retries, c.dup_acks, c.waiting,
        c.backoff, c.quick_acks, c.reason, c.events, c.orphan, c.unaccepted, c.gone, c.fin_queued,
        c.fin_sent, c.owes_ack, c.ack_delayed, c.owes_syn);
  f.add(c.wants_room, c.syn_timed_out, c.told_trouble, c.override_due, c.called);
  add_terms(f, c);
  add_times(f, c);
  if (c.transfer != kNone) add_transfer(f, cx.transfers[c.transfer], c, cx);
  if (c.extras != kNone) add_extras(f, cx.extras[c.extras]);
}

void add_half_open(FieldHash& f, const tcp::HalfOpen& h) {
  f.add_key(h.key);
  f.add(h.irs.v, h.iss.v, h.deadline.v, h.retries, h.ts_recent, h.window, h.offered, h.peer_mss,
        h.snd_shift, h.rcv_shift, h.scaling_on, h.sack_on, h.timestamps_on, h.resent, h.listener,
        h.suspended != kNone, h.challenged, h.challenge_at);
}

void add_time_wait(FieldHash& f, const tcp::TimeWait& w) {
  f.add_key(w.key);
  f.add(w.snd_nxt.v, w.rcv_nxt.v, w.expiry.v, w.ts_recent, w.window, w.shift, w.max_wnd,
        w.snd_shift, w.timestamps_on, w.ttl, w.dscp, w.owner != kNone, w.challenged,
        w.challenge_at);
}

void add_listener(FieldHash& f, const tcp::Listener& l, const tcp::Context& cx) {
  f.add_address(l.local);
  f.add_address(l.remote.address);
  f.add(l.remote.port, l.port, l.backlog, l.waiting, l.half_open, l.cookie, l.in_events);
  for (uint32_t i = l.accept_head; i != kNone; i = cx.connections[i].listener_or_next) f.add(i);
  add_options(f, l.options);
}

// What belongs to no connection: draws, allowances, steps.
void add_host(FieldHash& f, const tcp::Context& cx) {
  for (const uint64_t word : cx.random.state()) f.add(word);
  for (const uint32_t step : cx.port_steps) f.add(step);
  f.add(cx.challenges_left, cx.challenge_second, cx.half_open_wait.ns, cx.draining,
        cx.drain_until.ns, cx.drain_next);
}

// What IP knows of the network around.
void add_network(FieldHash& f, const World& w) {
  const auto add = [](void* to, uint64_t field) { static_cast<FieldHash*>(to)->add(field); };
  f.add(w.next_ip_id, w.checks_begun, w.datagrams_wait, w.sweep_next);
  for (const uint16_t id : w.message_ids) f.add(id);
  w.sockets.fingerprint(add, &f);
  w.reassembly.fingerprint(add, &f);
  w.paths.mtus().fingerprint(add, &f);
  w.error_limit.fingerprint(add, &f);
  for (const std::optional<Link>& link : w.links) {
    if (link) link->neighbours.fingerprint(add, &f);
  }
}

// Alive, or kept for an application that has still to hear of its end or to read the rest.
bool counts(const tcp::Connection& c) {
  return c.gone == 0 ? c.state != tcp::State::Closed : c.orphan == 0;
}

}  // namespace

uint64_t Stack::fingerprint() const {
  const tcp::Context& cx = world_->cx;
  FieldHash f;
  f.add(cx.connections.used(), cx.half_open.used(), cx.time_wait.used(), cx.listeners.used());
  add_host(f, cx);
  add_network(f, *world_);
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    if (counts(cx.connections[i])) add_connection(f, cx.connections[i], cx);
  }
  for (const tcp::HalfOpenList& list : cx.half_open_lists) {
    for (uint32_t i = list.head; i != kNone; i = cx.half_open[i].links.next) {
      add_half_open(f, cx.half_open[i]);
    }
  }
  for (uint32_t i = cx.time_wait_list.head; i != kNone; i = cx.time_wait[i].links.next) {
    add_time_wait(f, cx.time_wait[i]);
  }
  for (const uint32_t bucket : cx.listener_buckets) {
    for (uint32_t i = bucket; i != kNone; i = cx.listeners[i].next) {
      add_listener(f, cx.listeners[i], cx);
    }
  }
  return f.value();
}

}  // namespace rapport::stack
