// How long one end waits.
#include "rapport/sim/patience.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/sim/sender.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

constexpr int64_t kSlackMs = 3;
constexpr int64_t kOverdueMs = 10;
constexpr uint32_t kMostHalfOpenTries = 16;

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

std::string number(int64_t n) {
  return std::to_string(n);
}

}  // namespace

void Patience::begin(const Rules& rules, bool passive) {
  rules_ = rules;
  passive_ = passive;
}

void Patience::at(Instant now, const Sender& sender, bool scarce) {
  if (now > now_) {
    now_ = now;
    coming_.reset();
    is_overdue(sender);
  }
  scarce_ |= scarce;
}

// What is not dropped was acceptable: the peer lives.
void Patience::heard(const TraceSegment& s) {
  if (has(s, wire::kRst)) return;
  if (s.window == 0) unsure_ = true;
  coming_ = s.serial;
  coming_ms_ = now_ms_up();
  heard_before_ms_ = std::exchange(heard_ms_, now_ms_up());
  coming_probes_ = std::exchange(probes_, 0);
}

void Patience::dropped(const TraceDrop& d) {
  if (coming_ != d.serial) return;
  using R = DropReason;
  const auto r = static_cast<R>(d.reason);
  // It came as far as its ACK field. That no challenge answered it may have been told before.
  if (r == R::AckTooNew || r == R::AckTooOld) {
    heard_ms_ = coming_ms_;
    probes_ = 0;
  }
  // Looked at as far as its sequence number.
  if (r == R::NotAcceptable || r == R::PawsRejected || r == R::TimestampMissing
      || r == R::ChallengeThrottled || r == R::SynChallenged || r == R::SynSentBadAck) {
    heard_ms_ = heard_before_ms_;
    probes_ = coming_probes_;
  }
}

void Patience::moved(State to, Event event) {
  if (must_give_up_ && *must_give_up_ != (event == Event::GaveUp)) {
    complain(Invariant::GiveUp, "a handshake that had to be given up is not");
  }
  if (event == Event::GaveUp && passive_ && !opened_ && must_give_up_ == false) {
    complain(Invariant::GiveUp,
             "a handshake is given up after " + number(half_open_waited_ms_) + "ms, too early");
  }
  must_give_up_.reset();
  if (to == State::SynReceived && passive_) {
    half_open_ms_ = now_ms_up();
    half_open_waited_ms_ = 0;
  }
  if (event == Event::SynAckArrived || event == Event::SynAcked) {
    opened_ = true;
    if (event == Event::SynAckArrived) syn_acked_ = true;
    if (passive_) stalled_ms_ = now_ms_up();
  }
  fin_wait_2_ms_ = to == State::FinWait2 ? now_ms_up() : INT64_MAX;
  state_ = to;
}

void Patience::sampled() {
  syn_acked_ = true;
  stalled_ms_ = now_ms_up();
  unsure_ = false;
}

void Patience::sent(const TraceSegment& s, const Sender& sender) {
  if (must_give_up_ == true && has(s, wire::kSyn)) {
    complain(Invariant::GiveUp, "SYN,ACK is sent again after " + number(half_open_waited_ms_)
                                    + "ms, where the handshake had to be given up");
  }
  must_give_up_.reset();
  if (has(s, wire::kSyn) && !std::exchange(has_syn_, true)) stalled_ms_ = now_ms_up();
  const bool text = s.text_length > 0 || has(s, wire::kFin);
  if (text && sender.goes_alone(s)) stalled_ms_ = now_ms_up();
}

void Patience::called(CallKind call) {
  if (call != CallKind::Close && call != CallKind::Abort) return;
  if (state_ == State::FinWait2 && !orphan_) fin_wait_2_ms_ = now_ms_up();
  if (!orphan_) orphaned_ms_ = now_ms_up();  // another limit from now on
  orphan_ = true;
}

// MUST-20, -21, -23; -1: nobody knows.
int64_t Patience::limit_ms() const {
  if (!options_ || (passive_ && !opened_)) return -1;
  if (options_->user_timeout.ns > 0) return options_->user_timeout.to_ms();
  if (!syn_acked_) return rules_.syn.to_ms();
  return orphan_ ? rules_.orphan.to_ms() : rules_.r2.to_ms();
}

int64_t Patience::probe_due_ms() const {
  return probes_ == 0 ? heard_ms_ + options_->keep_alive_idle.to_ms()
                      : probed_ms_ + options_->keep_alive_interval.to_ms();
}

void Patience::is_overdue(const Sender& sender) {
  const int64_t now = now_ms_up();
  const int64_t limit = limit_ms();
  if (sender.waits() && !unsure_ && !scarce_ && limit > 0
      && now > std::max(stalled_ms_ + limit, orphaned_ms_) + kOverdueMs) {
    complain(Invariant::GiveUp, "nothing is acknowledged for " + number(now - stalled_ms_)
                                    + "ms, the limit is " + number(limit) + "ms");
  }
  const bool state = state_ == State::Established || state_ == State::CloseWait
                     || (state_ == State::FinWait2 && !orphan_);
  if (!state || !options_ || !options_->keep_alive || !sender.rests()) return;
  if (now <= probe_due_ms() + kOverdueMs) return;
  complain(Invariant::Probes, "no keep-alive for " + number(now - heard_ms_) + "ms in "
                                  + std::string(tcp::name(state_)));
}

void Patience::gives_up(const TraceTimer& t) {
  const int64_t limit = limit_ms();
  if (limit > 0 && (limit - t.interval_ms > 1 || t.interval_ms - limit > 1)) {
    complain(Invariant::GiveUp, "it is given up after " + number(t.interval_ms)
                                    + "ms, the limit is " + number(limit) + "ms");
  }
  const int64_t waited = now_ms_up() - stalled_ms_;
  if (waited + kSlackMs < t.interval_ms) {
    complain(Invariant::GiveUp, "it is given up " + number(waited)
                                    + "ms after the last progress, the limit is "
                                    + number(t.interval_ms) + "ms");
  }
  if (!unsure_ && !scarce_ && waited > t.interval_ms + kOverdueMs
      && now_ms_up() > orphaned_ms_ + kOverdueMs) {
    complain(Invariant::GiveUp, "it is given up only " + number(waited)
                                    + "ms after the last progress, the limit is "
                                    + number(t.interval_ms) + "ms");
  }
}

void Patience::keeps_alive(const TraceTimer& t) {
  if (!options_) return;
  if (!options_->keep_alive) return complain(Invariant::Probes, "keep-alive that nobody asked for");
  if (t.attempt > options_->keep_alive_probes + 1U) {
    complain(Invariant::Probes, "probe " + number(t.attempt) + ", one too many");
  }
  const int64_t due = probe_due_ms();
  const int64_t now = now_ms_up();
  if (now + kSlackMs < due || now > due + kOverdueMs) {
    complain(Invariant::Probes,
             "a keep-alive timer fires " + number(now - due) + "ms after it was due");
  }
  ++probes_;
  probed_ms_ = now;
}

// The n-th wait is 2^n of the first; under pressure there are few (RFC 4987 3.3).
void Patience::half_open_waits(const TraceTimer& t, uint32_t half_open) {
  const uint32_t retries = t.attempt - 1U;
  const int64_t interval =
      std::min(rules_.initial_rto.to_ms() << std::min(retries, 20U), rules_.max_rto.to_ms());
  half_open_waited_ms_ += interval;
  if (now_ms_up() + kSlackMs < half_open_ms_ + half_open_waited_ms_) {
    complain(Invariant::RetransmissionTimer,
             "try " + number(t.attempt) + " of a passive handshake comes "
                 + number(half_open_ms_ + half_open_waited_ms_ - now_ms_up()) + "ms too early");
  }
  const bool pressed =
      half_open > rules_.half_open_cap / 2 && retries >= rules_.retries_under_pressure;
  must_give_up_ =
      pressed || half_open_waited_ms_ >= rules_.syn_ack.to_ms() || t.attempt >= kMostHalfOpenTries;
}

void Patience::fired(const TraceTimer& t, uint32_t half_open) {
  switch (static_cast<TimerKind>(t.timer)) {
    case TimerKind::HalfOpen: return half_open_waits(t, half_open);
    case TimerKind::UserTimeout: return gives_up(t);
    case TimerKind::KeepAlive: return keeps_alive(t);
    case TimerKind::Persist: unsure_ = true; return;
    case TimerKind::FinWait2:
      if (!orphan_) complain(Invariant::GiveUp, "FIN-WAIT-2 is left, though a reader holds it");
      if (orphan_ && now_ms_up() + kSlackMs < fin_wait_2_ms_ + rules_.fin_wait_2.to_ms()) {
        complain(Invariant::GiveUp, "FIN-WAIT-2 is left too early");
      }
      return;
    default: return;
  }
}

}  // namespace rapport::sim
