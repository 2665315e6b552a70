// Fifth: check the ACK field (RFC 9293 3.10.7.4 with RFC 5961 5.2): SYN-RECEIVED becomes
// ESTABLISHED; SND.UNA and SND.WND move; our FIN is acknowledged.
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/icmp.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/recovery.hh"
#include "rapport/tcp/rtt.hh"
#include "rapport/tcp/send_queue.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

namespace {

// SA-SYNRCVD-15 to -17, -31; U-8.
bool handshake_is_completed(Connection& c, const Arrival& a, Context& cx) {
  const Seq ack = a.whole.ack;
  const bool acceptable = after(ack, c.snd.una) && at_or_before(ack, c.snd.nxt);
  if (acceptable) {
    // The window of a segment that carried SYN is literal (R7323-4).
    const uint32_t shift = a.has(wire::kSyn) ? 0 : c.snd_shift;
    move(c, Event::SynAcked, cx);
    window_is_learnt(c, a, ByteCount{uint64_t{a.whole.window} << shift});
    becomes_established(c, cx);
    return true;
  }
  if (cx.config.check_ack_in_syn_received) {
    owe_challenge(c, cx);  // choice 29
  } else {
    reset_unacceptable_ack(c, a.whole, cx);
  }
  return dropped(c, DropReason::AckUnacceptable, cx);
}

// RFC 5961 5.2, MAY-12: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT.
// SA-*-11, -12, SA-FW2-13; U-32, R5961-3.
bool ack_is_in_range(Connection& c, const Arrival& a, Context& cx) {
  if (after(a.whole.ack, c.snd.nxt)) {
    owe_challenge(c, cx);
    return dropped(c, DropReason::AckTooNew, cx);
  }
  if (before(a.whole.ack, c.snd.una - c.snd.max_wnd)) {
    owe_challenge(c, cx);
    return dropped(c, DropReason::AckTooOld, cx);
  }
  return true;
}

// Text acknowledged by moving SND.UNA to `ack`: SYN and FIN are not text.
// Each of them takes a number (U-4).
ByteCount text_between(const Connection& c, Seq ack) {
  ByteCount n = ack - c.snd.una;
  if (c.syn_acked == 0 && n > 0_B) n -= 1_B;
  if (c.fin_sent != 0 && ack == c.snd.nxt && n > 0_B) n -= 1_B;
  return n;
}

// R7323-16: one sample a round trip, so that the gains of RFC 6298 2.3 hold with timestamps too.
bool take_sample(Connection& c, Transfer* x, uint32_t us) {
  if (x != nullptr) {
    x->timing = false;
    x->measured = true;
    x->timed_seq = c.snd.nxt;
  }
  sample_rtt(c, us);
  return true;
}

// True when there is a new sample.
// R6298-7; R7323-15.
bool measure(Connection& c, Transfer* x, const Arrival& a, Context& cx) {
  const bool waits = x != nullptr && (x->timing || x->measured);
  if (waits && !after(a.whole.ack, x->timed_seq)) return false;
  if (x != nullptr && x->timing) return take_sample(c, x, cx.micros - x->timed_at);
  // After a retransmission only the echoed timestamp tells which transmission was acknowledged
  // (RFC 7323 4.1; Karn's rule, R6298-6).
  const wire::Options& o = a.whole.options;
  if (c.timestamps_on == 0 || !o.has_timestamps || o.tsecr == 0) return false;
  const uint32_t ms = timestamp_now(c, cx) - o.tsecr;
  return ms < 120'000 && take_sample(c, x, ms * 1'000);
}

// Something of ours is acknowledged.
void extras_learn_of(Extras& e, Seq ack) {
  e.soft_error = wire::IcmpKind::Unknown;  // whatever it was, it is over
  if (e.snd_urgent && at_or_after(ack, e.snd_up)) e.snd_urgent = false;
}

// SA-ESTAB-13, SA-FW1-13, SA-CW-13, SA-CLOSING-14, SA-LASTACK-14; R6298-9.
void una_moves(Connection& c, const Arrival& a, Context& cx) {
  const Seq ack = a.whole.ack;
  Transfer* x = cx.transfer_of(c);
  const ByteCount text = text_between(c, ack);
  // RFC 6298 5.7, Karn: the doubled RTO stays until there is a sample. A probe's has no reason any
  // more once something is acknowledged.
  if (measure(c, x, a, cx) || c.waiting == Waiting::Persist) c.backoff = 0;
  const bool restart = congestion_acknowledged(c, ack, text, cx);
  if (x != nullptr && text > 0_B) {
    note_acknowledged_size(c, *x, ack);
    release_front(x->send, text, cx);
  }
  c.snd.una = ack;
  c.syn_acked = 1;
  cx.progress = true;
  if (c.extras != kNone) extras_learn_of(cx.extras[c.extras], ack);
  c.retries = 0;
  c.told_trouble = 0;
  c.stalled_since = cx.tick_up;
  if (ack == c.snd.nxt) {
    c.waiting = Waiting::Nothing;  // RFC 6298 5.2
  } else if (restart) {
    wait_for(c, Waiting::Retransmission, rto_us(c, cx), cx);  // RFC 6298 5.3
  }
  if (c.wants_room != 0) {
    c.wants_room = 0;
    tell(c, What::Writable, cx);
  }
  record_sample(c, cx);
  mark_dirty(c, cx);
}

// U-15. Returns whether the window changed. Equality with SND.UNA permits pure window updates.
// Beyond the letter, an ACK that moves SND.UNA always counts, whatever WL1 says: text that overtook
// it has moved WL1 ahead, but nothing older than this ACK can have acknowledged as much. Without it
// the window of the overtaking segment, counted from the new SND.UNA, would be exceeded. So does
// Linux (tcp_may_update_window).
// SA-ESTAB-15, -16, SA-FW1-15, -16, SA-FW2-15, -16, SA-CW-15, -16, SA-CLOSING-18, SA-LASTACK-19;
// R7323-5, in 32 bits (REC-1).
bool window_is_updated(Connection& c, const Arrival& a, bool una_moved) {
  const Seq seq = a.whole.seq;
  const Seq ack = a.whole.ack;
  const bool newer = before(c.snd.wl1, seq) || (c.snd.wl1 == seq && at_or_before(c.snd.wl2, ack));
  if (!newer && !una_moved) return false;
  const ByteCount window{uint64_t{a.whole.window} << c.snd_shift};
  const bool changed = window != c.snd.wnd;
  window_is_learnt(c, a, window);
  return changed;
}

// Our FIN is acknowledged once it was sent and SEG.ACK covers it. False: the segment ends here.
// SA-FW1-17, -18, -30, SA-CLOSING-13, SA-LASTACK-13.
bool fin_is_acknowledged(Connection& c, Context& cx) {
  if (c.fin_sent == 0 || c.snd.una != c.snd.nxt) return true;
  switch (c.state) {
    case State::FinWait1:
      move(c, Event::FinAcked, cx);
      tell(c, What::AllAcknowledged, cx);
      if (c.orphan != 0) wait_for(c, Waiting::Orphan, to_us(cx.config.fin_wait_2_orphan), cx);
      return true;
    case State::Closing:
      move(c, Event::FinAcked, cx);
      record_end(c.key, cx.handle_of(c), c.state, CloseReason::ClosedTogether, cx);
      c.reason = CloseReason::ClosedTogether;
      tell(c, What::AllAcknowledged, cx);
      return false;
    case State::LastAck:
      tell(c, What::AllAcknowledged, cx);
      end(c, Event::FinAcked, CloseReason::ClosedByPeer, cx);
      return false;
    default: return true;
  }
}

}  // namespace

void window_is_learnt(Connection& c, const Arrival& a, ByteCount window) {
  c.snd.wnd = window;
  c.snd.max_wnd = std::max(c.snd.max_wnd, window);
  c.snd.wl1 = a.whole.seq;
  c.snd.wl2 = a.whole.ack;
}

// An ACK of nothing new is not answered and does not keep the text out: SA-ESTAB-14, SA-FW1-14,
// SA-FW2-14, -17, SA-CW-14, SA-ALL-16; U-33.
bool acknowledgment_is_taken(Connection& c, Arrival& a, Context& cx) {
  if (!ack_is_in_range(c, a, cx)) return false;
  const Seq una = c.snd.una;
  if (after(a.whole.ack, una)) una_moves(c, a, cx);
  if (at_or_after(a.whole.ack, una)) {
    const ByteCount before_update = c.snd.wnd;
    const bool changed = window_is_updated(c, a, after(a.whole.ack, una));
    if (changed) mark_dirty(c, cx);
    if (c.snd.wnd == 0_B || before_update == 0_B) window_was_or_is_zero(c, cx);
    if (a.whole.ack == una) maybe_duplicate_ack(c, a, changed, cx);
  }
  return fin_is_acknowledged(c, cx);
}

// SA-*-10, SA-SYNRCVD-14, -21.
bool ack_is_processed(Connection& c, Arrival& a, Context& cx) {
  if (!a.has(wire::kAck)) return dropped(c, DropReason::AckMissing, cx);
  if (c.state == State::SynReceived && !handshake_is_completed(c, a, cx)) return false;
  return acknowledgment_is_taken(c, a, cx);
}

}  // namespace rapport::tcp
