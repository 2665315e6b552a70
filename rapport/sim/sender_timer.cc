// Round trips and the one timer of a sending end (RFC 6298; RFC 9293 3.8.6.1).
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/sim/sender.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace rapport::sim {

namespace {

constexpr int64_t kSlackUs = 2'500;             // of a wheel of 1 ms, and of rounding
constexpr int64_t kAfterLostSynUs = 3'000'000;  // RFC 6298 5.7
constexpr size_t kMostTrips = 128;

}  // namespace

// RFC 6298 2.2, 2.3.
Sender::Trip Sender::with(Trip t, uint32_t us) {
  us = std::clamp<uint32_t>(us, 1, 120'000'000);
  if (t.srtt == 0) return {us * 8, us * 2, true};
  const int64_t error = int64_t{us} - t.srtt / 8;
  const auto magnitude = static_cast<uint32_t>(error < 0 ? -error : error);
  return {static_cast<uint32_t>(int64_t{t.srtt} + error), t.rttvar - t.rttvar / 4 + magnitude,
          true};
}

// The handshake's: only of a SYN that was sent once (RFC 6298 3), and by ticks.
void Sender::first_trip() {
  if (syns_ != 1 || (passive_ && timestamps_on_)) return;
  const int64_t ms = std::max<int64_t>(0, now_ms() - syn_ms_up_);
  trips_.push_back(with(Trip{}, static_cast<uint32_t>(ms * 1'000)));
}

// Whatever was sent once and is acknowledged now may be the sample, or what a timestamp says, or
// nothing: one a round trip is enough (RFC 7323 appendix G).
void Sender::measure(const Pending& p, const TraceSample& t) {
  std::vector<uint32_t> samples;
  for (const Piece& piece : pieces_) {
    if (!piece.again && before(piece.from, Seq{p.s.ack})) {
      samples.push_back(static_cast<uint32_t>(now_us() - piece.at_us));
    }
  }
  if (timestamps_on_ && p.o.has_timestamps && p.o.tsecr != 0) {
    const uint32_t ms = static_cast<uint32_t>(now_ms()) + clock_offset_ - p.o.tsecr;
    if (ms < 120'000) samples.push_back(ms * 1'000);
  }
  std::vector<Trip> found;
  const auto keep = [&](const Trip& trip) {
    const bool fits = trip.srtt / 8 == t.srtt_us && trip.rttvar / 4 == t.rttvar_us;
    if (!fits || found.size() == kMostTrips) return;
    if (std::ranges::find(found, trip) == found.end()) found.push_back(trip);
  };
  for (Trip trip : trips_) {
    trip.fresh = false;
    keep(trip);
    for (const uint32_t us : samples) keep(with(trip, us));
  }
  if (found.empty()) {
    complain(Invariant::RetransmissionTimer,
             "SRTT becomes " + std::to_string(t.srtt_us) + "us, RTTVAR "
                 + std::to_string(t.rttvar_us)
                 + "us: no round trip of what was sent once gives that");
    found.push_back({t.srtt_us * 8, t.rttvar_us * 4, true});
  }
  trips_ = std::move(found);
  const auto fresh = [](const Trip& trip) { return trip.fresh; };
  if (waiting_ == Waiting::Persist || std::ranges::all_of(trips_, fresh)) {
    backoff_ = backoff_least_ = 0;  // RFC 6298 5.7, Karn
  } else if (std::ranges::any_of(trips_, fresh)) {
    backoff_least_ = 0;
  }
}

// RFC 6298 2.1 to 2.5, 5.5, 5.7.
int64_t Sender::rto_us(bool longest) const {
  int64_t out = longest ? 0 : INT64_MAX;
  for (const Trip& t : trips_) {
    int64_t us = 0;
    if (t.srtt != 0) {
      us = std::max<int64_t>(t.srtt / 8 + std::max<uint32_t>(1'000, t.rttvar),
                             rules_.min_rto.to_us());
    } else if (syn_timeouts_ > 0 && syn_acked_) {
      us = kAfterLostSynUs;
    } else {
      us = rules_.initial_rto.to_us();
    }
    us <<= std::min(longest ? backoff_ : backoff_least_, 20U);
    us = std::min(us, rules_.max_rto.to_us());
    out = longest ? std::max(out, us) : std::min(out, us);
  }
  return out;
}

void Sender::arm(Waiting what) {
  int64_t most = INT64_MAX;
  if (what == Waiting::Persist) most = rules_.persist_max.to_us();
  waiting_ = what;
  due_first_us_ = now_us_up() + std::min(rto_us(false), most);
  due_last_us_ = now_us_up() + std::min(rto_us(true), most);
}

// A SYN,ACK that found no frame is as good as lost on the way: a whole RTO may pass until the next
// try, and nobody knows when it was refused. No try comes sooner for that.
void Sender::syn_waits_anew() {
  if (waiting_ != Waiting::Retransmission) return;
  due_last_us_ = std::max(due_last_us_, now_us_up() + rto_us(true));
}

void Sender::is_overdue() {
  if (silent_ || waiting_ == Waiting::Nothing || now_us() <= due_last_us_ + kSlackUs) return;
  complain(waiting_ == Waiting::Persist ? Invariant::Probes : Invariant::RetransmissionTimer,
           "the timer had to fire " + std::to_string((now_us() - due_last_us_) / 1'000)
               + "ms ago and has not");
  waiting_ = Waiting::Nothing;
}

void Sender::fires_now(Waiting what) {
  const Invariant law =
      what == Waiting::Persist ? Invariant::Probes : Invariant::RetransmissionTimer;
  if (waiting_ != what) {
    if (what == Waiting::Retransmission && judges() && !poor_) {
      complain(law, "the timer fires, and nothing is unacknowledged");
    }
    return;
  }
  if (now_us() + kSlackUs >= due_first_us_) return;
  complain(law, "the timer fires " + std::to_string((due_first_us_ - now_us()) / 1'000)
                    + "ms too early");
}

void Sender::fired(const TraceTimer& t) {
  settle();
  if (silent_) return;
  switch (static_cast<TimerKind>(t.timer)) {
    case TimerKind::HalfOpen:
      ++syn_timeouts_;
      ++retries_;
      return;
    case TimerKind::SynRetransmission:
      fires_now(Waiting::Retransmission);
      ++syn_timeouts_;
      ++retries_;
      ++backoff_;
      ++backoff_least_;
      waiting_ = Waiting::Nothing;
      return;
    case TimerKind::Retransmission: return times_out();
    case TimerKind::Persist:
      fires_now(Waiting::Persist);
      ++retries_;
      ++backoff_;
      ++backoff_least_;
      return arm(Waiting::Persist);
    default: return;
  }
}

void Sender::times_out() {
  fires_now(Waiting::Retransmission);
  ++retries_;
  ++backoff_;
  ++backoff_least_;
  if (wnd_ == 0) {  // RFC 9293 3.8.6.1: a window that has shrunk to nothing is probed
    retries_ = backoff_ = backoff_least_ = 0;
    return arm(Waiting::Persist);
  }
  if (mss_ == 0) return;
  if (retries_ <= 1) {  // RFC 5681 3.1 (4)
    ssthresh_ = std::max(flight() / 2, 2 * mss_);
    ssthresh_high_ = false;
  }
  cwnd_ = cwnd_least_ = mss_;
  counted_ = 0;
  recover_ = nxt_;
  recover_valid_ = true;
  recover_unsure_ = recovering_ = vague_ = false;
  dups_ = 0;
  resend(una_, nxt_);
  arm(Waiting::Retransmission);
}

}  // namespace rapport::sim
