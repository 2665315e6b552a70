// The time-outs of a Connection (RFC 9293 3.10.8; RFC 6298 5; 3.8.4, 3.8.6.1): several deadlines,
// one node in the wheel, which follows the earliest.
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/probe.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/recovery.hh"
#include "rapport/tcp/rtt.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

namespace {

bool in_handshake(const Connection& c) {
  return c.syn_acked == 0;
}

constexpr int64_t kNoDeadline = INT64_MAX;

// In microseconds since the world began.
int64_t us_of(Micros m, const Context& cx) {
  return static_cast<int64_t>(cx.us) + static_cast<int32_t>(m - cx.micros);
}

int64_t us_of(Tick t, const Context& cx) {
  return (static_cast<int64_t>(cx.ms) + static_cast<int32_t>(t - cx.tick)) * 1'000;
}

// R2, or what stands in for it (MUST-20, MUST-21, MUST-23, U-23).
uint32_t give_up_after_ms(const Connection& c, const Context& cx) {
  const Duration user = cx.options_of(c).user_timeout;
  if (user.ns > 0) return bounded_ms(user);
  if (in_handshake(c)) return cx.syn_give_up_ms;
  return c.orphan != 0 ? cx.orphan_give_up_ms : cx.r2_ms;
}

bool may_give_up(const Connection& c, const Context& cx) {
  const bool waits = c.waiting == Waiting::Retransmission || c.waiting == Waiting::Persist;
  return waits && give_up_after_ms(c, cx) < kForeverMs;
}

CloseReason reason_to_give_up(const Connection& c, const Context& cx) {
  if (cx.options_of(c).user_timeout.ns > 0) return CloseReason::UserTimedOut;
  if (in_handshake(c)) {
    return cx.soft_error_of(c) == wire::IcmpKind::Unknown ? CloseReason::HandshakeTimedOut
                                                          : CloseReason::Unreachable;
  }
  return c.orphan != 0 ? CloseReason::OrphanTimedOut : CloseReason::TimedOut;
}

bool is_due(Micros at, const Context& cx) {
  return !before(cx.micros, at);
}

uint32_t ms(Duration d) {
  return static_cast<uint32_t>(d.to_ms());
}

bool is_due(Tick at, const Context& cx) {
  return !before(cx.tick, at);
}

// SA-ALL-07, SA-SYNSENT-27, SA-SYNRCVD-22, SA-ESTAB-30, SA-FW1-25, SA-CW-20, SA-CLOSING-17,
// SA-LASTACK-17; U-25, MUST-22, MUST-47.
void retransmission_times_out(Connection& c, Context& cx) {
  one_more_try(c);
  ++cx.counters.timeouts;
  const bool syn = in_handshake(c);
  record_timer(c, syn ? TimerKind::SynRetransmission : TimerKind::Retransmission, c.retries,
               rto_us(c, cx) / 2'000, cx);
  if (c.retries >= cx.config.r1 && c.told_trouble == 0 && cx.options_of(c).soft_errors) {
    c.told_trouble = 1;
    tell(c, What::DeliveryTrouble, cx);  // SHLD-9, R1
  }
  if (syn) {
    c.owes_syn = 1;
    c.syn_timed_out = 1;
    c.waiting = Waiting::Nothing;
    return;
  }
  if (c.snd.wnd == 0_B) {  // MUST-35: a window shrunk to zero is probed
    no_more_tries(c);
    c.waiting = Waiting::Nothing;
    begin_persist(c, cx);
    send_window_probe(c, cx);
    return;
  }
  congestion_timed_out(c, cx);
  wait_for(c, Waiting::Retransmission, rto_us(c, cx), cx);
}

// SA-FW2-22.
void short_timer_fires(Connection& c, Context& cx) {
  switch (c.waiting) {
    case Waiting::Retransmission: retransmission_times_out(c, cx); return;
    case Waiting::Persist: persist_times_out(c, cx); return;
    case Waiting::SillyWindow:
      record_timer(c, TimerKind::SillyWindow, 1, ms(cx.config.silly_window_override), cx);
      c.waiting = Waiting::Nothing;
      c.override_due = 1;
      if (c.wants_room != 0) {  // SEND found no memory: there may be some by now
        c.wants_room = 0;
        tell(c, What::Writable, cx);
      }
      return;
    case Waiting::Orphan:
      record_timer(c, TimerKind::FinWait2, 1, ms(cx.config.fin_wait_2_orphan), cx);
      end(c, Event::GaveUp, CloseReason::OrphanTimedOut, cx);
      return;
    case Waiting::Nothing: return;
  }
}

// The deadlines that end a connection. True when one did.
// SA-ALL-06, SA-SYNSENT-28, SA-SYNRCVD-34, SA-ESTAB-34, SA-FW1-32, SA-CW-22, SA-CLOSING-20,
// SA-LASTACK-21; U-24.
bool a_limit_is_reached(Connection& c, Context& cx) {
  if (c.extras != kNone && cx.extras[c.extras].lingering
      && is_due(cx.extras[c.extras].linger_until, cx)) {
    record_timer(c, TimerKind::Linger, 1, 0, cx);
    send_reset(c, cx);
    end(c, Event::GaveUp, CloseReason::LingerTimedOut, cx);
    return true;
  }
  if (!may_give_up(c, cx) || !is_due(c.stalled_since + give_up_after_ms(c, cx), cx)) return false;
  record_timer(c, TimerKind::UserTimeout, 1, give_up_after_ms(c, cx), cx);
  end(c, Event::GaveUp, reason_to_give_up(c, cx), cx);
  return true;
}

}  // namespace

uint32_t bounded_ms(Duration d) {
  return static_cast<uint32_t>(std::min<int64_t>(d.to_ms(), kForeverMs));
}

uint32_t to_us(Duration d) {
  return static_cast<uint32_t>(std::clamp<int64_t>(d.to_us(), 0, 1'800'000'000));
}

// MUST-18; R6298-1, -4, -5.
uint32_t rto_us(const Connection& c, const Context& cx) {
  uint64_t us = 0;
  if (c.srtt != 0) {
    us = std::max(plain_rto_us(c), cx.min_rto_us);
  } else if (c.syn_timed_out != 0 && !in_handshake(c)) {
    us = 3'000'000;  // R6298-11
  } else {
    us = cx.initial_rto_us;
  }
  us <<= c.backoff;  // R6298-10
  return static_cast<uint32_t>(std::min<uint64_t>(us, cx.max_rto_us));
}

// Never sooner than one RTO after what it waits for (R6298-8).
void wait_for(Connection& c, Waiting what, uint32_t us, Context& cx) {
  c.waiting = what;
  c.short_at = cx.micros_up + us;
}

void rearm(Connection& c, Context& cx) {
  int64_t at = kNoDeadline;
  if (c.waiting != Waiting::Nothing) at = us_of(c.short_at, cx);
  if (c.ack_delayed != 0) at = std::min(at, us_of(c.ack_at, cx));
  if (c.waiting == Waiting::Retransmission || c.waiting == Waiting::Persist) {
    const uint32_t limit = give_up_after_ms(c, cx);
    if (limit < kForeverMs) at = std::min(at, us_of(c.stalled_since + limit, cx));
  }
  if (c.extras != kNone) {
    const Extras& e = cx.extras[c.extras];
    if (e.lingering) at = std::min(at, us_of(e.linger_until, cx));
    if (may_keep_alive(c, cx)) at = std::min(at, us_of(keep_alive_due(c, cx), cx));
  }
  if (at == kNoDeadline) {
    cx.wheel.disarm(cx.index_of(c));
  } else {
    cx.wheel.arm_us(cx.index_of(c), static_cast<uint64_t>(std::max<int64_t>(at, 0)));
  }
}

void timer_fires(uint32_t index, Context& cx) {
  Connection& c = cx.connections[index];
  if (a_limit_is_reached(c, cx)) return;
  if (c.waiting != Waiting::Nothing && is_due(c.short_at, cx)) short_timer_fires(c, cx);
  if (c.state == State::Closed) return;
  if (c.ack_delayed != 0 && is_due(c.ack_at, cx)) {
    record_timer(c, TimerKind::DelayedAck, 1, ms(cx.config.delayed_ack), cx);
    c.owes_ack = 1;
  }
  if (may_keep_alive(c, cx) && is_due(keep_alive_due(c, cx), cx)) keep_alive_times_out(c, cx);
  mark_dirty(c, cx);  // settling arms the wheel anew
}

}  // namespace rapport::tcp
