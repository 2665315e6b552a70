// NewReno recovery (RFC 5681 3.2, RFC 6582 3.2) and limited transmit (RFC 3042 2).
#include "rapport/tcp/recovery.hh"

#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/congestion/controller.hh"
#include "rapport/tcp/icmp.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/rtt.hh"
#include "rapport/wire/options.hh"

#include <cstdint>
#include <variant>

namespace rapport::tcp {

namespace {

constexpr uint8_t kDupThresh = 3;
constexpr uint8_t kLimited = 2;  // RFC 3042 2

template <class F>
void with_controller(Transfer& x, F&& f) {
  std::visit(f, x.controller);
}

void resend(Transfer& x, Seq from, Seq upto) {
  x.resend = from;
  x.resend_end = upto;
  x.resending = true;
  x.timing = false;  // Karn's rule
  x.measured = false;
}

// The segment behind a partial ACK is lost too: it alone is sent again (R6582-1). Returns whether
// the timer restarts: at the first partial ACK only (R6582-4, impatient).
bool partial_ack(Connection& c, Transfer& x, Seq ack, ByteCount octets) {
  with_controller(x, [&](auto& algorithm) { algorithm.partial_ack(window_of(c), octets.v); });
  resend(x, ack, earlier(ack + ByteCount{c.mss}, c.snd.nxt));
  const bool restart = !x.partial_seen;
  x.partial_seen = true;
  return restart;
}

void grow(Connection& c, Transfer& x, ByteCount text) {
  // A window that was not filled says nothing about what the path can take.
  if (text == 0_B || !x.window_limited) return;
  with_controller(x, [&](auto& algorithm) { algorithm.acknowledged(window_of(c), text.v); });
}

bool contains(const wire::SackBlock& a, const wire::SackBlock& b) {
  return at_or_before(a.left, b.left) && at_or_before(b.right, a.right);
}

// A D-SACK lies below SND.UNA or within the second block (RFC 2883 4; R2883-5).
bool reports_a_duplicate(const Connection& c, const wire::Options& o) {
  if (o.sack_count == 0) return false;
  return at_or_before(o.sack[0].right, c.snd.una)
         || (o.sack_count > 1 && contains(o.sack[1], o.sack[0]));
}

// RFC 6675 2: octets beyond SND.UNA that were not reported before. The first block is the one that
// the latest segment made (RFC 2018 4), so an update of the window repeats it.
bool reports_new_octets(const Connection& c, Transfer& x, const wire::Options& o) {
  if (c.sack_on == 0 || o.sack_count == 0 || reports_a_duplicate(c, o)) return false;
  const wire::SackBlock& block = o.sack[0];
  // RFC 2018 4: what lies in flight beyond a hole; any other block is a lie or a mistake.
  if (!after(block.left, c.snd.una) || !before(block.left, block.right)
      || after(block.right, c.snd.nxt)) {
    return false;
  }
  const bool news = block.left != x.sacked_left || block.right != x.sacked_right;
  x.sacked_left = block.left;
  x.sacked_right = block.right;
  return news;
}

// RFC 5681 2, with data outstanding: no text, no SYN or FIN, the same ACK, the same window. An ACK
// with a D-SACK tells of a segment that came twice, not of a loss (RFC 2883 5).
bool repeats_itself(const Connection& c, const Arrival& a, bool window_changed) {
  if (window_changed || a.whole.length() != 0_B) return false;
  const bool only_dsack = reports_a_duplicate(c, a.whole.options);
  return !only_dsack;
}

// An ACK that reports octets not reported before is a duplicate even with text or another window
// (RFC 6675 2): Linux widens its window with each segment that it takes out of order.
// R5681-9; R3042-1, -2.
bool is_duplicate(Connection& c, Transfer& x, const Arrival& a, bool window_changed) {
  if (c.snd.una == c.snd.nxt) return false;
  if (c.waiting == Waiting::Persist) return false;  // it answers our probe: nothing was lost
  const bool news = reports_new_octets(c, x, a.whole.options);
  if (!news && !repeats_itself(c, a, window_changed)) return false;
  if (c.dup_acks == 0) {
    x.nxt_before_dups = c.snd.nxt;
    x.limited = 0;
  }
  // R3042-3: where SACK is agreed an ACK without news lets nothing out.
  if (x.limited < kLimited && (news || c.sack_on == 0)) ++x.limited;
  return true;
}

// R5681-7, -10.
void enter_recovery(Connection& c, Transfer& x, Context& cx) {
  Window w = window_of(c);
  w.flight = (x.nxt_before_dups - c.snd.una).v;  // RFC 5681 3.2, step 2: not what RFC 3042 let out
  with_controller(x, [&](auto& algorithm) { algorithm.enter_recovery(w); });
  x.recover = c.snd.nxt;
  x.recover_valid = true;
  x.in_recovery = true;
  x.partial_seen = false;
  resend(x, c.snd.una, earlier(c.snd.una + ByteCount{c.mss}, c.snd.nxt));
  ++cx.counters.fast_retransmissions;
}

}  // namespace

Window window_of(Connection& c) {
  return {c.cwnd, c.ssthresh, c.mss, (c.snd.nxt - c.snd.una).v};
}

bool congestion_acknowledged(Connection& c, Seq ack, ByteCount text, Context& cx) {
  Transfer* x = cx.transfer_of(c);
  if (x == nullptr) return true;
  const ByteCount octets = ack - c.snd.una;
  if (x->in_recovery && before(ack, x->recover)) return partial_ack(c, *x, ack, octets);
  c.dup_acks = 0;
  if (x->in_recovery) {
    x->in_recovery = false;
    x->resending = false;
    Window w = window_of(c);
    w.flight = (c.snd.nxt - ack).v;
    with_controller(*x, [&](auto& algorithm) { algorithm.leave_recovery(w); });
  } else {
    grow(c, *x, text);
  }
  // It has done its duty (R6582-2); 2^31 octets on it would seem to lie ahead again.
  if (after(ack, x->recover)) x->recover_valid = false;
  if (x->resending && before(x->resend, ack)) x->resend = ack;
  if (x->resending && at_or_after(ack, x->resend_end)) x->resending = false;
  return true;
}

// SA-ESTAB-29, SA-ALL-13; R5681-8.
void maybe_duplicate_ack(Connection& c, const Arrival& a, bool window_changed, Context& cx) {
  Transfer* x = cx.transfer_of(c);
  if (x == nullptr || !is_duplicate(c, *x, a, window_changed)) return;
  if (c.dup_acks < 255) ++c.dup_acks;
  mark_dirty(c, cx);
  if (x->in_recovery) {
    with_controller(*x, [&](auto& algorithm) { algorithm.duplicate_ack(window_of(c)); });
    return;
  }
  if (c.dup_acks != kDupThresh) return;
  // R6582-2: the losses of an earlier recovery or timeout must not cause another reduction.
  if (x->recover_valid && !after(c.snd.una, x->recover)) return;
  enter_recovery(c, *x, cx);
}

// Whatever SACK has told: all is sent again (R2018-12).
void congestion_timed_out(Connection& c, Context& cx) {
  Transfer* x = cx.transfer_of(c);
  if (x == nullptr) return;
  take_deferred_mtu(c, *x, cx);
  const bool first = c.retries <= 1;
  with_controller(*x, [&](auto& algorithm) { algorithm.timed_out(window_of(c), first); });
  x->recover = c.snd.nxt;  // R6582-5
  x->recover_valid = true;
  x->in_recovery = false;
  c.dup_acks = 0;
  x->window_limited = true;          // from now on it is cwnd that holds back what is sent again
  resend(*x, c.snd.una, c.snd.nxt);  // slow start sends the rest again as ACKs return
}

void resend_for_path(Connection& c, Transfer& x, Context& cx) {
  resend(x, c.snd.una, c.snd.nxt);
  mark_dirty(c, cx);
}

// R6429-1.
void window_was_or_is_zero(Connection& c, Context& cx) {
  // MUST-37. Where nobody waits for it any more, or somebody has said how long text may wait
  // (3.9.1.2: "not successfully delivered"; choice 68), time runs on: RFC 6429 4.
  if (c.orphan == 0 && cx.options_of(c).user_timeout.ns == 0) c.stalled_since = cx.tick_up;
  if (c.waiting == Waiting::Persist && c.snd.wnd > 0_B) {
    c.waiting = Waiting::Nothing;
    no_more_tries(c);
    // What was in flight when the window shut may have been refused: it goes out again, under its
    // own timer (an old ACK that came late can shut the window with text in flight).
    Transfer* x = cx.transfer_of(c);
    if (x != nullptr && c.snd.una != c.snd.nxt) {
      resend(*x, c.snd.una, c.snd.nxt);
      wait_for(c, Waiting::Retransmission, rto_us(c, cx), cx);
    }
  }
  mark_dirty(c, cx);
}

}  // namespace rapport::tcp
