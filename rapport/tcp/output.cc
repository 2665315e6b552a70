// "What shall I send?" as a list of steps: SYN, text again, new text, FIN, ACK; then timers; then,
// at this one place, the finished retire (stop 7 of ARCHITECTURE.md).
#include "rapport/tcp/output.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/congestion/controller.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/handshake.hh"
#include "rapport/tcp/icmp.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/probe.hh"
#include "rapport/tcp/recovery.hh"
#include "rapport/tcp/send_queue.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <variant>

namespace rapport::tcp {

namespace {

constexpr uint32_t kRound = 64 * 1024;  // octets of text per connection and round

// One segment's text in the making.
struct Plan {
  uint32_t text = 0;
  uint32_t unsent = 0;  // octets behind SND.NXT before it goes, for new text
  bool fin = false;
  bool push = false;
  bool again = false;
};

bool may_send_text(const Connection& c) {
  if (c.syn_acked == 0 && c.state != State::FinWait1) return false;
  return is_one_of<State::Established, State::CloseWait, State::FinWait1, State::Closing,
                   State::LastAck>(c.state);
}

// Text between SND.UNA and SND.NXT: neither SYN nor FIN counts.
uint32_t text_in_flight(const Connection& c) {
  const uint32_t syn = c.syn_acked == 0 ? 1 : 0;
  return (c.snd.nxt - c.snd.una).v - c.fin_sent - syn;
}

// Octets of the window that lie beyond SND.NXT.
// None where it has shrunk (MUST-34, SHLD-15, SHLD-17).
uint32_t usable_window(const Connection& c) {
  const uint32_t flight = (c.snd.nxt - c.snd.una).v;
  return c.snd.wnd.v > flight ? c.snd.wnd.v - flight : 0;
}

uint32_t usable_cwnd(const Connection& c, const Transfer& x) {
  const uint32_t flight = (c.snd.nxt - c.snd.una).v;
  // RFC 3042: the first two duplicate ACKs each let one more segment out.
  const uint32_t limited = x.in_recovery || c.dup_acks == 0 ? 0 : uint32_t{x.limited} * c.mss;
  const uint64_t cwnd = uint64_t{c.cwnd} + limited;
  return cwnd > flight ? static_cast<uint32_t>(cwnd - flight) : 0;
}

bool urgent_is_ahead(const Connection& c, const Context& cx, Seq seq) {
  return c.extras != kNone && cx.extras[c.extras].snd_urgent
         && after(cx.extras[c.extras].snd_up, seq);
}

void mark_urgent(const Connection& c, Draft& d, const Context& cx) {
  if (!urgent_is_ahead(c, cx, d.seq)) return;
  const uint32_t pointer = (cx.extras[c.extras].snd_up - d.seq).v;
  d.flags = d.flags | wire::kUrg;
  d.urgent = static_cast<uint16_t>(std::min<uint32_t>(pointer, 65535));
}

// Every segment carries an ACK (U-27), and timestamps where they are agreed on (R7323-9).
bool send_piece(Connection& c, Seq seq, Cursor from, const Plan& p, Context& cx) {
  std::optional<wire::Options> room;
  wire::Flags flags = wire::kAck;
  if (p.fin) flags = flags | wire::kFin;
  if (p.push && p.text > 0) flags = flags | wire::kPsh;
  Draft d = draft_for(c, flags, cx);
  give_options(d, c, {}, room, cx);
  d.seq = seq;
  d.window = select_window(c, cx);
  d.retransmission = p.again;
  if (p.again) {
    d.cause = SendCause::Timer;
  } else if (c.called != 0 || p.fin) {
    d.cause = SendCause::Call;
  }
  mark_urgent(c, d, cx);
  if (!emit(d, from, p.text, cx)) return false;
  ack_was_sent(c, cx);
  return true;
}

// The options of this very segment are deducted (U-21, R6691-2).
uint32_t room_for_text(const Connection& c, const Context& cx) {
  if (!has_runs(c, cx)) return c.timestamps_on != 0 ? c.mss - 12U : c.mss;
  std::optional<wire::Options> room;
  Draft d;
  d.timestamps = c.timestamps_on != 0;
  give_options(d, c, {}, room, cx);
  return c.mss - wire::option_length(*d.options);
}

// --- text again ---------------------------------------------------------------------------------

// How much from `resend` on may go now: within the peer's window, and after a timeout within cwnd.
// SHLD-16, MAY-7.
uint32_t resendable(const Connection& c, const Transfer& x) {
  const uint32_t offset = (x.resend - c.snd.una).v;
  const uint32_t wanted = (x.resend_end - x.resend).v;
  uint32_t limit = c.snd.wnd.v > offset ? c.snd.wnd.v - offset : 0;
  if (!x.in_recovery) limit = std::min(limit, c.cwnd > offset ? c.cwnd - offset : 0);
  // The oldest octet may always go once: a shrunk window is answered by its ACK (R7323-7).
  if (offset == 0 && limit == 0) limit = 1;
  return std::min(wanted, limit);
}

// True when the next piece may follow.
bool resend_piece(Connection& c, Transfer& x, Context& cx) {
  if (before(x.resend, c.snd.una)) x.resend = c.snd.una;
  const uint32_t allowed = resendable(c, x);
  if (allowed == 0) return false;
  const uint32_t offset = (x.resend - c.snd.una).v;
  const uint32_t left = text_in_flight(c) - std::min(offset, text_in_flight(c));
  Plan p;
  p.again = true;
  p.text = std::min({allowed, left, room_for_text(c, cx)});
  p.fin = c.fin_sent != 0 && p.text == left && allowed > p.text;
  p.push = p.text == left;
  if (p.text == 0 && !p.fin) {
    x.resending = false;
    return false;
  }
  // Only whole segments follow the first: what is left of cwnd is no reason for a small one.
  if (offset > 0 && p.text < std::min(left, room_for_text(c, cx))) return false;
  if (offset == 0) x.send.again = front(x.send);
  if (!send_piece(c, x.resend, x.send.again, p, cx)) return false;
  advance(x.send.again, p.text, cx);
  x.resend += ByteCount{p.text + (p.fin ? 1U : 0U)};
  // In fast recovery one segment goes out for each duplicate or partial ACK that asks for it.
  if (x.in_recovery || at_or_after(x.resend, x.resend_end)) x.resending = false;
  return true;
}

void resend_text(Connection& c, Transfer& x, Context& cx) {
  while (x.resending) {
    if (!resend_piece(c, x, cx)) return;
  }
}

// --- new text -----------------------------------------------------------------------------------

// Sender-side silly-window avoidance and Nagle (RFC 9293 3.7.4, 3.8.6.2.1; U-19).
// MUST-38, SHLD-7, SHLD-27, SHLD-28, MAY-16; nothing waits for ever (MUST-60), a FIN pushes (U-28).
bool is_worth_sending(const Connection& c, const Plan& p, uint32_t full, const Context& cx) {
  if (p.text >= full || c.override_due != 0) return true;
  const bool idle = c.snd.una == c.snd.nxt;
  const bool no_delay = c.no_delay != 0 || c.fin_queued != 0 || urgent_is_ahead(c, cx, c.snd.nxt);
  if (p.text == p.unsent) {
    const bool corked = c.corked != 0 && c.fin_queued == 0 && !urgent_is_ahead(c, cx, c.snd.nxt);
    return !corked && (idle || no_delay);
  }
  return p.text > 0 && p.text >= c.snd.max_wnd.v / 2;
}

bool fin_is_unsent(const Connection& c) {
  return c.fin_queued != 0 && c.fin_sent == 0;
}

bool has_unsent(const Connection& c, const Transfer& x) {
  return x.send.queued.v != text_in_flight(c) || fin_is_unsent(c);
}

// R5681-13. PSH stands on the last of what is queued (MUST-61).
Plan plan_new(const Connection& c, const Transfer& x, uint32_t full) {
  const uint32_t window = usable_window(c);
  Plan p;
  p.unsent = x.send.queued.v - text_in_flight(c);
  p.text = std::min({p.unsent, full, window, usable_cwnd(c, x)});
  p.push = p.text == p.unsent;
  // A FIN takes a number of the window too (SA-ALL-14), none of cwnd's octets.
  p.fin = fin_is_unsent(c) && p.push && window > p.text;
  return p;
}

// R5681-12; R6928-3.
void restart_after_idle(Connection& c, Transfer& x, Context& cx) {
  if (c.snd.una != c.snd.nxt) return;
  if (!before(c.last_sent, cx.tick)) return;  // in this very millisecond
  if (before(cx.tick, c.last_sent + rto_us(c, cx) / 1'000)) return;
  const uint32_t initial = initial_window(c.mss, cx.config.initial_window_segments);
  std::visit([&](auto& algorithm) { algorithm.restarted(window_of(c), initial); }, x.controller);
}

void new_text_was_sent(Connection& c, Transfer& x, const Plan& p, Context& cx) {
  if (!x.timing && !x.resending && p.text > 0) {
    x.timing = true;
    x.timed_seq = c.snd.nxt;
    x.timed_at = cx.micros;
  }
  note_sent_size(x, p.text, c.snd.nxt + ByteCount{p.text});
  advance(x.send.unsent, p.text, cx);
  const bool was_idle = c.snd.una == c.snd.nxt;
  c.snd.nxt += ByteCount{p.text + (p.fin ? 1U : 0U)};
  if (p.fin) c.fin_sent = 1;
  c.override_due = 0;
  c.last_sent = cx.tick_up;
  if (was_idle) c.stalled_since = cx.tick_up;
  if (c.waiting != Waiting::Retransmission) {
    c.retries = 0;
    wait_for(c, Waiting::Retransmission, rto_us(c, cx), cx);
  }
  const uint32_t flight = (c.snd.nxt - c.snd.una).v;
  x.window_limited = c.cwnd < c.ssthresh ? uint64_t{2} * flight >= c.cwnd : flight + c.mss > c.cwnd;
}

// Why did nothing more go out, and which timer makes sure that this ends?
void wait_for_window(Connection& c, const Transfer& x, Context& cx) {
  if (c.snd.una != c.snd.nxt || !has_unsent(c, x)) return;
  if (c.waiting != Waiting::Nothing) return;
  if (c.snd.wnd == 0_B) {
    c.stalled_since = cx.tick_up;  // the window may have been closed long before there was text
    begin_persist(c, cx);
  } else {
    wait_for(c, Waiting::SillyWindow, cx.silly_window_us, cx);
  }
}

// No frame, no memory or no room in the outbox: what is owed stays owed.
[[gnu::cold]] void try_again_later(Connection& c, Context& cx) {
  if (c.waiting == Waiting::Nothing) {
    wait_for(c, Waiting::SillyWindow, cx.silly_window_us, cx);
  }
}

[[gnu::cold]] void keep_unpaid(Connection& c, Context& cx) {
  if (c.owes_syn != 0) wait_for(c, Waiting::Retransmission, rto_us(c, cx), cx);
  if (c.owes_ack == 0) return;
  c.ack_delayed = 1;
  c.ack_at = cx.micros_up + std::max<uint32_t>(cx.delayed_ack_us, 1'000);
}

}  // namespace

bool send_text(Connection& c, Context& cx) {
  if (fin_is_unsent(c) && need_transfer(c, cx) == nullptr) {
    try_again_later(c, cx);  // every Transfer is taken: the FIN waits for one
  }
  Transfer* x = cx.transfer_of(c);
  if (x == nullptr) return false;
  if (x->resending) resend_text(c, *x, cx);
  if (!has_unsent(c, *x)) return false;
  if (x->send.queued > 0_B) restart_after_idle(c, *x, cx);
  const uint32_t full = room_for_text(c, cx);
  for (uint32_t sent = 0; sent < kRound;) {
    const Plan p = plan_new(c, *x, full);
    if (p.text == 0 && !p.fin) break;
    if (!p.fin && !is_worth_sending(c, p, full, cx)) break;
    if (!send_piece(c, c.snd.nxt, x->send.unsent, p, cx)) {
      try_again_later(c, cx);
      return false;
    }
    new_text_was_sent(c, *x, p, cx);
    if (p.push && !fin_is_unsent(c)) return false;  // all of it is out
    sent += p.text;
    if (sent >= kRound) return true;
  }
  wait_for_window(c, *x, cx);
  return false;
}

bool pay(Connection& c, Context& cx) {
  if (c.state == State::Closed) {
    retire(c, cx);
    return false;
  }
  if (c.owes_syn != 0) send_syn(c, cx);
  const bool more = may_send_text(c) && send_text(c, cx);
  if (c.owes_ack != 0) send_ack(c, cx);
  if (!more) c.called = 0;
  if (c.state == State::TimeWait) {
    retire(c, cx);
    return false;
  }
  if (c.owes_syn != 0 || c.owes_ack != 0) keep_unpaid(c, cx);
  release_idle_transfer(c, cx);
  rearm(c, cx);
  return more;
}

bool settle_some(Context& cx) {
  if (cx.debts.count > 0) pay_debts(cx);
  while (cx.outbox.empty() && cx.dirty_head != kNone) {
    const uint32_t i = cx.dirty_head;
    Connection& c = cx.connections[i];
    cx.dirty_head = c.dirty_next;
    if (cx.dirty_head == kNone) cx.dirty_tail = kNone;
    c.dirty = 0;
    if (c.gone != 0) {
      if (c.orphan != 0) forget(c, cx);
      continue;
    }
    if (pay(c, cx)) mark_dirty(c, cx);
  }
  return !cx.outbox.empty();
}

}  // namespace rapport::tcp
