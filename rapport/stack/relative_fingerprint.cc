// Stack::relative_fingerprint(): two stacks of equal settings with equal values behave alike from
// now on: to the same segments at the same distances in time they answer the same, but for names.
// Left out, because nothing that follows depends on it:
//   - counters, trace, cookies, handles, IP identifiers, slots' numbers: names and history;
//   - the state of the random numbers, keys and port steps: they choose values (an ISS, a port, an
//     offset) that an outsider must not guess, and no step asks for more than their order;
//   - how far the clock of RFC 6528 has run since an ISS: a later ISS is larger than every number
//     of a connection that sent fewer than 250 octets a millisecond, and only that is asked;
//   - ages that no rule asks for: of the last segment heard without keep-alive (but for whole
//     hours, R7323-22), of the last text sent once nothing new can follow, of a challenge longer
//     ago than its interval, of a stall while nothing is outstanding;
//   - the text itself, which the numbers and the programs' positions stand for;
//   - the allowance of ICMP errors, and of challenge ACKs while this second has many left.
// Not relative: datagrams, fragments, path MTUs and neighbours; they are added as they are, when
// there are any. Connections are added up, so that their slots' order does not matter.
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/field_hash.hh"
#include "rapport/stack/stack.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

namespace rapport::stack {

namespace {

// Beyond so many challenge ACKs left in this second their number does not count.
constexpr uint32_t kManyChallenges = 64;
constexpr int64_t kTickNs = 1'000'000;

// What all ages and distances are measured by.
struct View {
  const tcp::Context& cx;
  Instant now;
  std::span<const Origin> origins;

  [[nodiscard]] uint32_t until(Tick t) const { return t - now.tick(); }

  [[nodiscard]] uint32_t until(Micros m) const { return m - now.micros(); }

  [[nodiscard]] uint32_t since(Tick t) const { return now.tick() - t; }

  [[nodiscard]] const Origin* origin_of(const FlowKey& k) const {
    const auto at = std::ranges::find_if(origins, [&](const Origin& o) {
      return o.remote.address == k.remote && o.remote.port == k.remote_port
             && o.local_port == k.local_port;
    });
    return at == origins.end() ? nullptr : &*at;
  }
};

// A Seq that counts from another one.
uint32_t from(Seq base, Seq s) {
  return s.v - base.v;
}

void add_options(FieldHash& f, const tcp::ConnectionOptions& o) {
  f.add(o.no_delay, o.cork, o.quick_ack, o.keep_alive, o.keep_alive_octet, o.urgent_inline,
        o.soft_errors, o.linger, o.dscp, o.ttl, o.keep_alive_probes, o.mss_clamp);
  f.add(o.keep_alive_idle.ns, o.keep_alive_interval.ns, o.linger_time.ns, o.user_timeout.ns,
        o.send_buffer.v, o.receive_buffer.v);
}

// RFC 5961 7: how long the last challenge still forbids another.
void add_challenge(FieldHash& f, const tcp::Connection& c, const View& v) {
  const auto interval = static_cast<uint32_t>(v.cx.config.challenge_interval.to_ms());
  const bool counts = c.challenged != 0 && v.since(c.challenged_at) < interval;
  f.add(counts);
  if (counts) f.add(v.since(c.challenged_at));
}

// The same for entries that keep a mark in steps of 64 ms: passive.hh, is_throttled().
template <class E>
void add_short_challenge(FieldHash& f, const E& e, const View& v) {
  constexpr uint32_t most = 1023;
  const auto interval = static_cast<uint32_t>(v.cx.config.challenge_interval.to_ms());
  const uint32_t steps = ((v.now.tick().v >> 6) - e.challenge_at) & most;
  const bool counts = e.challenged != 0 && steps < std::min((interval + 63) / 64 + 1, most);
  f.add(counts);
  if (counts) f.add(steps, v.now.tick().v & 63U);
}

void add_receive_queue(FieldHash& f, const tcp::Transfer& x, const tcp::Connection& c,
                       const View& v) {
  const tcp::ReceiveQueue& q = x.receive;
  f.add(tcp::unread(x, c).v, q.runs, q.recent_count, q.fin_waits);
  if (q.fin_waits) f.add(from(c.rcv.irs, q.fin_at));
  for (uint32_t i = 0; i < q.runs; ++i) {
    const SeqRange r = tcp::run_at(q, i, v.cx);
    f.add(from(c.rcv.irs, r.left), from(c.rcv.irs, r.right));
  }
  for (uint32_t i = 0; i < q.recent_count; ++i) f.add(from(c.rcv.irs, q.recent[i]));
}

void add_transfer(FieldHash& f, const tcp::Transfer& x, const tcp::Connection& c, const View& v) {
  const Seq iss = c.snd.iss;
  f.add(x.send.queued.v, x.send.pieces, x.in_recovery, x.partial_seen, x.resending, x.timing,
        x.measured, x.recover_valid, x.window_limited, x.ack_pending, x.limited);
  const bool sacked = x.sacked_left != x.sacked_right;
  f.add(sacked);
  if (sacked) f.add(from(iss, x.sacked_left), from(iss, x.sacked_right));
  if (c.dup_acks > 0 || x.in_recovery) f.add(from(iss, x.nxt_before_dups));
  if (x.recover_valid) f.add(from(iss, x.recover));
  f.add(x.largest_sent, x.largest_acked, x.deferred_mtu);
  if (x.largest_sent > x.largest_acked) f.add(from(iss, x.largest_end));
  if (x.deferred_mtu != 0) f.add(from(iss, x.deferred_at));
  if (x.resending) f.add(from(iss, x.resend), from(iss, x.resend_end));
  if (x.timing) f.add(v.until(x.timed_at));
  if (x.timing || x.measured) f.add(from(iss, x.timed_seq));
  f.add(std::visit([](const auto& algorithm) { return algorithm.counted(); }, x.controller));
  add_receive_queue(f, x, c, v);
}

void add_extras(FieldHash& f, const tcp::Extras& e, const tcp::Connection& c, const View& v) {
  f.add(e.snd_urgent, e.rcv_urgent, e.lingering, e.keep_alives_sent, e.soft_error);
  if (c.keep_alive != 0) {
    f.add(v.since(e.keep_alives_sent == 0 ? c.last_heard : e.keep_alive_at));
  }
  if (e.snd_urgent) f.add(from(c.snd.iss, e.snd_up));
  if (e.rcv_urgent) f.add(from(c.rcv.irs, e.rcv_up));
  if (e.lingering) f.add(v.until(e.linger_until));
  add_options(f, e.options);
}

// What the handshake agreed on, and what the application asked for.
void add_terms(FieldHash& f, const tcp::Connection& c) {
  f.add(c.mss, c.peer_mss, c.snd_shift, c.rcv_shift, c.scaling_on, c.sack_on, c.timestamps_on,
        c.active_origin, c.syn_acked);
  f.add(c.no_delay, c.corked, c.quick_ack, c.keep_alive, c.dscp, c.path_proven, c.ttl);
}

void add_times(FieldHash& f, const tcp::Connection& c, const View& v) {
  const auto hour = static_cast<uint16_t>(v.now.ns / (3'600'000 * kTickNs));
  f.add(static_cast<uint16_t>(hour - c.heard_hour) > 1 ? hour - c.heard_hour : 0);
  const bool outstanding = c.waiting == tcp::Waiting::Retransmission
                           || c.waiting == tcp::Waiting::Persist || c.state == tcp::State::SynSent;
  if (outstanding) f.add(v.since(c.stalled_since));
  if (c.fin_sent == 0) f.add(v.since(c.last_sent));
  if (c.waiting != tcp::Waiting::Nothing) f.add(v.until(c.short_at));
  if (c.ack_delayed != 0) f.add(v.until(c.ack_at));
  add_challenge(f, c, v);
}

// Where the flow's numbers and clocks stand to what the outsider counts from.
void add_place(FieldHash& f, const tcp::Connection& c, const View& v) {
  const Origin* const o = v.origin_of(c.key);
  if (o == nullptr) return;
  f.add(from(o->iss, c.snd.iss));
  const bool heard = c.state != tcp::State::SynSent;
  if (heard) f.add(from(o->irs, c.rcv.irs));
  if (heard && c.timestamps_on != 0) f.add(c.ts_recent - o->peer_clock);
  f.add(v.now.tick().v + c.ts_offset - o->clock);
}

void add_numbers(FieldHash& f, const tcp::Connection& c) {
  const Seq iss = c.snd.iss;
  f.add(from(iss, c.snd.una), from(iss, c.snd.nxt), c.snd.wnd.v, c.snd.max_wnd.v);
  if (c.state == tcp::State::SynSent) return;  // nothing of the peer's is known
  const Seq irs = c.rcv.irs;
  f.add(from(irs, c.snd.wl1), from(iss, c.snd.wl2), from(irs, c.rcv.nxt), from(irs, c.rcv.edge),
        from(irs, c.rcv.last_ack_sent));
}

// Out of the tables: only an event, or a reader, is left.
void add_gone(FieldHash& f, const tcp::Connection& c, const View& v) {
  f.add_key(c.key);
  f.add(c.reason, c.events, c.in_events);
  if (c.transfer != kNone) f.add(tcp::unread(v.cx.transfers[c.transfer], c).v);
}

uint64_t hash_of(const tcp::Connection& c, const View& v) {
  FieldHash f;
  f.add(c.gone);
  if (c.gone != 0) {
    add_gone(f, c, v);
    return f.value();
  }
  f.add_key(c.key);
  f.add(c.state, c.srtt, c.rttvar, c.cwnd, c.ssthresh, c.retries, c.dup_acks, c.waiting, c.backoff,
        c.quick_acks, c.reason, c.events, c.in_events);
  f.add(c.orphan, c.unaccepted, c.fin_queued, c.fin_sent, c.owes_ack, c.ack_delayed, c.owes_syn,
        c.wants_room, c.syn_timed_out, c.told_trouble, c.override_due, c.called);
  add_numbers(f, c);
  add_place(f, c, v);
  add_terms(f, c);
  add_times(f, c, v);
  if (c.transfer != kNone) add_transfer(f, v.cx.transfers[c.transfer], c, v);
  if (c.extras != kNone) add_extras(f, v.cx.extras[c.extras], c, v);
  return f.value();
}

void add_time_wait(FieldHash& f, const tcp::TimeWait& w, const View& v) {
  f.add_key(w.key);
  f.add(w.window, w.shift, w.max_wnd, w.snd_shift, w.timestamps_on, w.ttl, w.dscp,
        w.owner != kNone);
  add_short_challenge(f, w, v);
  const Origin* const o = v.origin_of(w.key);
  if (o == nullptr) return;
  f.add(from(o->iss, w.snd_nxt), from(o->irs, w.rcv_nxt));
  if (w.timestamps_on != 0) f.add(w.ts_recent - o->peer_clock);
}

void add_half_open(FieldHash& f, const tcp::HalfOpen& h, const View& v) {
  f.add_key(h.key);
  f.add(v.until(h.deadline), h.retries, h.window, h.offered, h.peer_mss, h.snd_shift, h.rcv_shift,
        h.scaling_on, h.sack_on, h.timestamps_on, h.resent, v.cx.listeners[h.listener].port);
  add_short_challenge(f, h, v);
  if (const Origin* const o = v.origin_of(h.key)) {
    f.add(from(o->iss, h.iss), from(o->irs, h.irs));
    if (h.timestamps_on != 0) f.add(h.ts_recent - o->peer_clock);
  }
  f.add(h.suspended != kNone);
  if (h.suspended != kNone) add_time_wait(f, v.cx.time_wait[h.suspended], v);
}

void add_listener(FieldHash& f, const tcp::Listener& l, const tcp::Context& cx) {
  f.add_address(l.local);
  f.add_address(l.remote.address);
  f.add(l.remote.port, l.port, l.backlog, l.waiting, l.half_open, l.in_events);
  for (uint32_t i = l.accept_head; i != kNone; i = cx.connections[i].listener_or_next) {
    f.add_key(cx.connections[i].key);
  }
  add_options(f, l.options);
}

// What belongs to no connection.
void add_host(FieldHash& f, const View& v) {
  const tcp::Context& cx = v.cx;
  f.add(v.now.ns % kTickNs);  // timers and ages are rounded to ticks
  const bool spent =
      cx.challenge_second == v.now.ns / 1'000'000'000 && cx.challenges_left < kManyChallenges;
  f.add(spent);
  if (spent) f.add(cx.challenges_left, v.now.ns % 1'000'000'000);
  f.add(std::max<int64_t>((cx.half_open_wait - v.now).ns, 0), cx.draining);
  if (cx.draining) f.add((cx.drain_until - v.now).ns, cx.drain_next);
}

void add_network(FieldHash& f, const World& w) {
  const auto add = [](void* to, uint64_t field) { static_cast<FieldHash*>(to)->add(field); };
  f.add(w.checks_begun, w.datagrams_wait, w.sweep_next == kNone);
  if (w.sockets.population().sockets > 0) w.sockets.fingerprint(add, &f);
  if (w.reassembly.datagrams() > 0) w.reassembly.fingerprint(add, &f);
  w.paths.mtus().fingerprint(add, &f);
  for (const std::optional<Link>& link : w.links) {
    if (link) link->neighbours.fingerprint(add, &f);
  }
}

}  // namespace

uint64_t Stack::relative_fingerprint(Instant now, std::span<const Origin> origins) const {
  const tcp::Context& cx = world_->cx;
  const View v{cx, now, origins};
  FieldHash f;
  add_host(f, v);
  add_network(f, *world_);
  uint64_t connections = 0;
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    const tcp::Connection& c = cx.connections[i];
    const bool counts = c.gone == 0 ? c.state != tcp::State::Closed : c.orphan == 0;
    if (counts) connections += hash_of(c, v);
  }
  f.add(connections, cx.half_open.used(), cx.time_wait.used(), cx.listeners.used());
  for (const tcp::HalfOpenList& list : cx.half_open_lists) {
    for (uint32_t i = list.head; i != kNone; i = cx.half_open[i].links.next) {
      add_half_open(f, cx.half_open[i], v);
    }
  }
  for (uint32_t i = cx.time_wait_list.head; i != kNone; i = cx.time_wait[i].links.next) {
    f.add(v.until(cx.time_wait[i].expiry));
    add_time_wait(f, cx.time_wait[i], v);
  }
  for (const uint32_t bucket : cx.listener_buckets) {
    for (uint32_t i = bucket; i != kNone; i = cx.listeners[i].next) {
      add_listener(f, cx.listeners[i], cx);
    }
  }
  return f.value();
}

}  // namespace rapport::stack
