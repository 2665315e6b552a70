// SEGMENT ARRIVES, "otherwise": the list of steps (RFC 9293 3.10.7.4), and the debts they leave.
#include "rapport/tcp/arrival.hh"

#include "rapport/base/reason.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/record.hh"

#include <cstdint>

namespace rapport::tcp {

namespace {

constexpr uint32_t kTimestampOctets = 12;  // of every segment, with padding (RFC 7323 appendix A)

}  // namespace

void segment_arrives(Connection& c, const wire::Segment& seg, Context& cx) {
  Arrival a(seg);
  (void)(sequence_is_acceptable(c, a, cx)  // first    acceptability.cc (window, trim, PAWS)
         && survives_reset(c, a, cx)       // second   reset.cc (RFC 5961)
         && is_no_stray_syn(c, a, cx)      // fourth   reset.cc
         && ack_is_processed(c, a, cx)     // fifth    acknowledgment.cc
         && (!a.was_trimmed() || trimming_is_told(c, a, cx))     // what the first has cut off
         && (!a.has(wire::kUrg) || urgent_is_noted(c, a, cx))    // sixth    urgent.cc
         && (a.text.empty() || text_is_taken(c, a, cx))          // seventh  text.cc, reassembly.cc
         && (!may_finish(c, a, cx) || fin_is_taken(c, a, cx)));  // eighth   teardown.cc
}

// SA-ALL-09: paid once the burst is over (MUST-58, MUST-59).
void owe_ack(Connection& c, Context& cx) {
  c.owes_ack = 1;
  mark_dirty(c, cx);
}

void owe_own_ack(Connection& c, Debt debt, Context& cx) {
  mark_dirty(c, cx);
  if (cx.debts.count == Debts::kCap) {
    ++cx.counters.debt_overflows;
    c.owes_ack = 1;  // the cumulative part is not lost
    return;
  }
  debt.connection = cx.index_of(c);
  cx.debts.list[cx.debts.count++] = debt;
}

// Drawn anew each second, so that nobody can count with it (R5961-5).
bool host_may_challenge(Context& cx) {
  const int64_t second = cx.now.ns / 1'000'000'000;
  if (second != cx.challenge_second) {
    cx.challenge_second = second;
    const uint32_t cap = cx.config.challenge_cap;
    cx.challenges_left = cap / 2 + cx.random.below(cap);
  }
  if (cx.challenges_left == 0) return false;
  --cx.challenges_left;
  return true;
}

// SA-ALL-05; R5961-4.
void owe_challenge(Connection& c, Context& cx) {
  const auto interval = static_cast<uint32_t>(cx.config.challenge_interval.to_ms());
  const bool too_soon = c.challenged != 0 && cx.tick - c.challenged_at < interval;
  if (too_soon || !host_may_challenge(cx)) {
    ++cx.counters.challenges_throttled;
    dropped(c, DropReason::ChallengeThrottled, cx);
    return;
  }
  c.challenged = 1;
  c.challenged_at = cx.tick;
  ++cx.counters.challenges_sent;
  owe_own_ack(c, {.kind = Debt::Kind::Challenge}, cx);
}

// SHLD-18, SHLD-19; R2525-2.
void owe_ack_for_text(Connection& c, Transfer& x, uint32_t octets, Context& cx) {
  x.ack_pending += octets;
  const uint32_t two_full = 2U * (c.mss - (c.timestamps_on != 0 ? kTimestampOctets : 0U));
  const bool every_second =
      cx.config.ack_policy == AckPolicy::EverySecond || c.sack_on == 0;  // SHLD-19
  if (x.ack_pending >= two_full && every_second) {
    x.ack_pending = 0;
    owe_own_ack(c, {.kind = Debt::Kind::Cumulative, .ack = c.rcv.nxt}, cx);
    return;
  }
  if (c.quick_ack != 0 || c.quick_acks > 0 || x.ack_pending >= two_full) {
    if (c.quick_acks > 0) --c.quick_acks;
    c.owes_ack = 1;
  } else if (c.ack_delayed == 0) {
    c.ack_delayed = 1;
    c.ack_at = cx.micros_up + cx.delayed_ack_us;
  }
  mark_dirty(c, cx);
}

}  // namespace rapport::tcp
