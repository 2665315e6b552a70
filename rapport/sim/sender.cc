// What may be sent, and what was lost: the congestion window and recovery of one end.
#include "rapport/sim/sender.hh"

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/sim/oracle.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

constexpr uint32_t kDuplicates = 3;                // RFC 5681 3.2
constexpr uint32_t kLimited = 2;                   // RFC 3042 2
constexpr uint32_t kHighSsthresh = 65'535U << 14;  // the largest window there is (RFC 5681 3.1)

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

std::string number(uint64_t n) {
  return std::to_string(n);
}

}  // namespace

void Sender::begin(const Rules& rules, bool passive) {
  rules_ = rules;
  passive_ = passive;
}

void Sender::at(Instant now, bool scarce) {
  if (now > now_) {
    settle();
    instant_is_over();
    now_ = now;
    if (std::exchange(lacked_, false) && syn_owed_) syn_waits_anew();
    is_overdue();
  }
  scarce_ = scarce;
  poor_ |= scarce;
}

void Sender::agreed(const TraceOptions& o) {
  mss_ = o.effective_mss;
  sack_on_ = o.sack_on != 0;
  timestamps_on_ = o.timestamps_on != 0;
  shift_ = o.scaling_on != 0 ? std::min<uint8_t>(o.window_scale_received, wire::kMaxShift) : 0;
}

void Sender::heard(const TraceSegment& s) {
  settle();
  if (has(s, wire::kRst)) return;
  pending_ = Pending{s, {}, now_};
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)),
                     pending_->o);
}

void Sender::dropped(const TraceDrop& d) {
  if (!pending_ || pending_->s.serial != d.serial) return;
  if (!ack_was_taken(d)) pending_.reset();
}

void Sender::moved(State from, State to, Event event) {
  state_ = to;
  if (from == State::SynReceived && event == Event::CloseCalled) silent_ = true;
  if (from == State::SynSent && event == Event::SynArrived) {
    retries_ = backoff_ = backoff_least_ = 0;
    syn_owed_ = true;
    if (pending_) {
      wnd_ = pending_->s.window;
      wl1_ = Seq{pending_->s.seq};
      wl2_ = una_;
    }
    pending_.reset();
    return;
  }
  if (event != Event::SynAckArrived && event != Event::SynAcked) return;
  if (event == Event::SynAckArrived || passive_) first_trip();
  const uint32_t initial =
      std::min(rules_.initial_segments * mss_, std::max(2 * mss_, rules_.initial_segments * 1460));
  cwnd_ = cwnd_least_ = retries_ > 1 ? mss_ : initial;  // RFC 6928 2
  backoff_ = backoff_least_ = 0;
  last_new_ms_ = now_ms_up();
  if (!pending_) return;
  const Pending p = *pending_;
  wnd_ = uint32_t{p.s.window} << (has(p.s, wire::kSyn) ? 0 : shift_);
  wl1_ = Seq{p.s.seq};
  wl2_ = Seq{p.s.ack};
  if (event == Event::SynAcked) return;  // a sample comes next
  una_ = Seq{p.s.ack};
  syn_acked_ = true;
  waiting_ = Waiting::Nothing;
  retries_ = 0;
  pending_.reset();
}

// What came and was not dropped, once nothing more is told of it.
void Sender::settle() {
  if (!pending_) return;
  const Pending p = *std::exchange(pending_, std::nullopt);
  if (!judges() || !syn_acked_ || !has(p.s, wire::kAck) || has(p.s, wire::kSyn)) return;
  const Seq ack{p.s.ack};
  if (before(ack, una_) || after(ack, nxt_)) return;
  if (after(ack, una_)) return;  // no sample told of it: the end is near
  const uint32_t before = wnd_;
  const bool changed = learn_window(p, false);
  window_may_reopen(before);
  same_ack(p, changed);
}

// RFC 9293 3.10.7.4, fifth; an ACK of something new always counts.
bool Sender::learn_window(const Pending& p, bool una_moved) {
  const Seq seq{p.s.seq};
  const Seq ack{p.s.ack};
  const bool newer = before(wl1_, seq) || (wl1_ == seq && at_or_before(wl2_, ack));
  if (!newer && !una_moved) return false;
  const uint32_t window = uint32_t{p.s.window} << shift_;
  const bool changed = window != wnd_;
  wnd_ = window;
  wl1_ = seq;
  wl2_ = ack;
  return changed;
}

void Sender::window_may_reopen(uint32_t before) {
  if (wnd_ == 0 || waiting_ == Waiting::Retransmission) return;
  if (before == 0) backoff_least_ = 0;  // its persist timer may have run
  if (waiting_ != Waiting::Persist) return;
  waiting_ = Waiting::Nothing;
  retries_ = backoff_ = backoff_least_ = 0;
  if (una_ == nxt_) return;
  resend(una_, nxt_);
  arm(Waiting::Retransmission);
}

// A D-SACK lies below SND.UNA or within the second block (RFC 2883 4).
bool Sender::reports_duplicate(const wire::Options& o) const {
  if (o.sack_count == 0) return false;
  const bool inside = o.sack_count > 1 && at_or_before(o.sack[1].left, o.sack[0].left)
                      && at_or_before(o.sack[0].right, o.sack[1].right);
  return at_or_before(o.sack[0].right, una_) || inside;
}

// RFC 6675 2: octets that were not reported before.
bool Sender::reports_news(const wire::Options& o) {
  if (!sack_on_ || o.sack_count == 0 || reports_duplicate(o)) return false;
  const wire::SackBlock& b = o.sack[0];
  if (!after(b.left, una_) || !before(b.left, b.right) || after(b.right, nxt_)) return false;
  const bool news = b.left != sacked_left_ || b.right != sacked_right_;
  sacked_left_ = b.left;
  sacked_right_ = b.right;
  return news;
}

void Sender::same_ack(const Pending& p, bool window_changed) {
  if (una_ == nxt_ || waiting_ == Waiting::Persist) return;
  const bool news = reports_news(p.o);
  const bool empty = p.s.text_length == 0 && !has(p.s, wire::kFin);
  if (!news && (window_changed || !empty || reports_duplicate(p.o))) return;
  if (dups_ == 0) {
    nxt_before_dups_ = nxt_;
    limited_ = 0;
  }
  if (limited_ < kLimited && (news || !sack_on_)) ++limited_;
  ++dups_;
  if (recovering_) {
    cwnd_ += mss_;
    cwnd_least_ += mss_;
    return;
  }
  if (dups_ != kDuplicates) return;
  if (recover_valid_ && recover_unsure_ && una_ == recover_) vague_ = true;
  if (!recover_valid_ || after(una_, recover_)) enter_recovery();
}

void Sender::enter_recovery() {
  ssthresh_ = std::max((nxt_before_dups_ - una_).v / 2, 2 * mss_);  // RFC 5681 3.2, step 2
  ssthresh_high_ = false;
  cwnd_ = cwnd_least_ = ssthresh_ + 3 * mss_;
  recover_ = nxt_;
  recover_valid_ = recovering_ = true;
  recover_unsure_ = partial_seen_ = false;
  resend(una_, earlier(una_ + ByteCount{mss_}, nxt_));
}

void Sender::resend(Seq from, Seq upto) {
  resend_ = from;
  resend_end_ = upto;
  resending_ = resend_due_ = true;
}

// What each ACK of something new does to the window; returns whether the timer restarts.
bool Sender::new_ack(const TraceSample& t, Seq ack) {
  const uint32_t octets = (ack - una_).v;
  const uint32_t syn = syn_acked_ ? 0 : 1;
  const uint32_t fin = fin_sent_ && ack == nxt_ ? 1 : 0;
  const uint32_t text = octets - std::min(octets, syn + fin);
  std::vector<uint32_t> allowed;
  if (recovering_ && before(ack, recover_)) {  // RFC 6582 3.2, step 3
    for (const uint32_t c : {cwnd_, cwnd_least_}) {
      uint32_t w = c - std::min(c, octets);
      if (octets >= mss_) w += mss_;
      allowed.push_back(std::max(w, mss_));
    }
    judge_window(t, allowed);
    resend(ack, earlier(ack + ByteCount{mss_}, nxt_));
    return !std::exchange(partial_seen_, true);
  }
  dups_ = 0;
  if (recovering_) {
    recovering_ = resending_ = false;
    allowed.push_back(std::min(ssthresh_, std::max((nxt_ - ack).v, mss_) + mss_));
  } else {
    counted_ = std::min(counted_, UINT32_MAX / 4) + text;
    for (const uint32_t c : {cwnd_, cwnd_least_}) {
      allowed.push_back(c);
      if (text == 0) continue;
      const bool slow = ssthresh_high_ || c < ssthresh_;
      if (slow) allowed.push_back(c + std::min(text, mss_));  // RFC 5681 3.1 (2)
      if (!slow && counted_ >= c) allowed.push_back(c + mss_);
    }
  }
  const bool slow = ssthresh_high_ || cwnd_ < ssthresh_;
  if (!slow && t.cwnd > cwnd_ && counted_ >= cwnd_) counted_ -= cwnd_;
  judge_window(t, allowed);
  if (after(ack, recover_)) recover_valid_ = false;
  if (ack == recover_ && ack == nxt_) recover_unsure_ = true;
  if (resending_ && before(resend_, ack)) resend_ = ack;
  if (resending_ && at_or_after(ack, resend_end_)) resending_ = false;
  resend_due_ = resending_ && resend_ == ack;
  return true;
}

void Sender::judge_window(const TraceSample& t, const std::vector<uint32_t>& allowed) {
  if (!vague_ && std::ranges::find(allowed, t.cwnd) == allowed.end()) {
    complain(Invariant::CongestionWindow,
             "cwnd becomes " + number(t.cwnd) + " where it was " + number(cwnd_) + " and may be "
                 + number(allowed.back()) + (recovering_ ? ", in recovery" : ""));
  }
  if (!vague_ && ssthresh_high_ && t.ssthresh < kHighSsthresh) {
    complain(Invariant::CongestionWindow, "ssthresh begins at " + number(t.ssthresh));
  }
  if (!vague_ && !ssthresh_high_ && t.ssthresh != ssthresh_) {
    complain(Invariant::CongestionWindow,
             "ssthresh is " + number(t.ssthresh) + ", not " + number(ssthresh_));
  }
  cwnd_ = cwnd_least_ = t.cwnd;
  ssthresh_ = t.ssthresh;
}

void Sender::sampled(const TraceSample& t) {
  if (!pending_) return;
  const Pending p = *std::exchange(pending_, std::nullopt);
  const Seq ack{p.s.ack};
  if (!judges() || !after(ack, una_) || after(ack, nxt_)) return;
  measure(p, t);
  const bool restart = new_ack(t, ack);
  una_ = ack;
  syn_acked_ = true;
  retries_ = 0;
  std::erase_if(pieces_, [&](const Piece& piece) { return at_or_before(piece.behind, ack); });
  if (una_ == nxt_) {
    waiting_ = Waiting::Nothing;
    if (std::exchange(vague_, false)) {
      recovering_ = resending_ = resend_due_ = false;
      recover_ = nxt_;
      recover_valid_ = recover_unsure_ = true;
    }
  } else if (restart || vague_) {
    const int64_t first = due_first_us_;
    const int64_t last = due_last_us_;
    arm(Waiting::Retransmission);
    if (vague_) {  // whether it restarts depends on whether it recovers: either may be
      due_first_us_ = std::min(first, due_first_us_);
      due_last_us_ = std::max(last, due_last_us_);
    }
  }
  const uint32_t before = wnd_;
  (void)learn_window(p, true);
  window_may_reopen(before);
}

void Sender::sent(const TraceSegment& s) {
  settle();
  if (has(s, wire::kRst)) return;
  if (s.option_length > 0) {
    wire::Options o;
    wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
    if (o.has_timestamps) clock_offset_ = o.tsval - static_cast<uint32_t>(now_ms());
  }
  if (has(s, wire::kSyn)) {
    if (!syn_sent_) {
      una_ = Seq{s.seq};
      nxt_ = una_ + 1_B;
      syn_ms_up_ = now_ms_up();
    }
    syn_sent_ = true;
    syn_owed_ = false;
    ++syns_;
    if (!passive_) arm(Waiting::Retransmission);
    return;
  }
  const uint32_t length = s.text_length + (has(s, wire::kFin) ? 1U : 0U);
  if (length == 0 || !judges() || !syn_acked_ || before(Seq{s.seq}, una_)) return;
  if (at_or_after(Seq{s.seq}, nxt_)) {
    new_text(s);
  } else {
    text_again(s);
  }
}

void Sender::new_text(const TraceSegment& s) {
  const uint32_t initial =
      std::min(rules_.initial_segments * mss_, std::max(2 * mss_, rules_.initial_segments * 1460));
  // RFC 5681 4.1: silent for longer than an RTO, or perhaps so.
  if (una_ == nxt_ && s.text_length > 0) {
    const int64_t idle = now_ms() - last_new_ms_;
    if (idle >= 0) cwnd_least_ = std::min(cwnd_least_, initial);
    if (idle > rto_us(true) / 1'000 + 1) cwnd_ = std::min(cwnd_, initial);
  }
  const uint32_t limited = recovering_ || dups_ == 0 ? 0 : limited_ * mss_;
  const Seq text_end = Seq{s.seq} + ByteCount{s.text_length};
  if (!vague_ && s.text_length > 0 && (text_end - una_).v > cwnd_ + limited) {
    complain(Invariant::CongestionWindow,
             number((text_end - una_).v) + " octets are in flight, cwnd is " + number(cwnd_)
                 + (limited > 0 ? " and limited transmit allows " + number(limited) : ""));
  }
  text_sent_ += s.text_length;
  fin_sent_ |= has(s, wire::kFin);
  nxt_ = text_end + ByteCount{has(s, wire::kFin) ? 1U : 0U};
  pieces_.push_back({Seq{s.seq}, nxt_, now_us()});
  last_new_ms_ = now_ms_up();
  if (waiting_ != Waiting::Retransmission) {
    retries_ = 0;
    arm(Waiting::Retransmission);
  }
}

void Sender::text_again(const TraceSegment& s) {
  const Seq seq{s.seq};
  const Seq behind = seq + ByteCount{s.text_length + (has(s, wire::kFin) ? 1U : 0U)};
  for (Piece& p : pieces_) p.again |= before(p.from, behind) && before(seq, p.behind);
  const Seq due = later(resend_, una_);
  if (vague_) return;
  if (!resending_ || seq != due) {
    return complain(Invariant::LossRecovery,
                    "octets from " + number(s.seq) + " are sent again, for which there is no "
                        + (resending_ ? "reason: due is " + number(due.v) : std::string("reason")));
  }
  if (!recovering_ && (behind - una_).v > std::max(cwnd_, 1U)) {
    complain(Invariant::CongestionWindow,
             number((behind - una_).v) + " octets are sent again, cwnd is " + number(cwnd_));
  }
  resend_ = behind;
  resend_due_ = false;
  if (recovering_ || at_or_after(resend_, resend_end_)) resending_ = false;
}

// Nothing more is sent at this instant: what had to go has gone.
void Sender::instant_is_over() {
  if (!judges() || scarce_ || vague_ || !syn_acked_ || una_ == nxt_) return;
  if (resending_ && std::exchange(resend_due_, false)) {
    complain(Invariant::LossRecovery,
             "octets from " + number(later(resend_, una_).v) + " are not sent again");
  }
  const uint32_t limited = recovering_ || dups_ == 0 ? 0 : limited_ * mss_;
  const uint64_t usable = std::min<uint64_t>(wnd_, uint64_t{cwnd_least_} + limited);
  if (fin_sent_ || queued_ < text_sent_ + mss_ || usable < flight() + mss_) return;
  complain(Invariant::CongestionWindow, "a full segment waits although both windows let it go: "
                                            + number(flight()) + " octets are in flight, cwnd is "
                                            + number(cwnd_least_) + ", the window " + number(wnd_));
}

}  // namespace rapport::sim
