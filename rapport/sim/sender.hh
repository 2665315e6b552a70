// Sender: a second opinion on what one end sends and when, from its trace alone: round trips and
// the retransmission timer (RFC 6298), the congestion window (RFC 5681, 6928), loss recovery (RFC
// 5681 3.2, 6582, 3042, 6675 2) and the persist timer (RFC 9293 3.8.6.1). Where the RFC leaves a
// choice, or the trace does not tell, it believes either. Before Options are agreed it judges
// nothing; after ICMP told of a smaller path it falls silent. The timer: sender_timer.cc.
#pragma once

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace rapport::sim {

class Sender {
 public:
  struct Rules {
    Duration initial_rto = 1_s, min_rto = 200_ms, max_rto = 120_s, persist_max = 60_s;
    uint32_t initial_segments = 10;
  };

  void begin(const Rules& rules, bool passive);
  // What is on the trace of this end, in its order. `scarce`: the host may lack frames.
  void at(Instant now, bool scarce);

  // At this instant, or since the one before, a segment of the host found no frame: perhaps one of
  // this end's.
  void lacked() { lacked_ = true; }

  void heard(const TraceSegment& s);
  void dropped(const TraceDrop& d);
  void agreed(const TraceOptions& o);
  void moved(tcp::State from, tcp::State to, tcp::Event event);
  void sampled(const TraceSample& t);
  void fired(const TraceTimer& t);
  void sent(const TraceSegment& s);

  void wrote(uint32_t octets) { queued_ += octets; }

  void closes() { fin_asked_ = true; }

  void fall_silent() { silent_ = true; }

  // A timer waits for what the peer owes.
  [[nodiscard]] bool waits() const { return !silent_ && waiting_ != Waiting::Nothing; }

  // All is acknowledged, and nothing is queued.
  [[nodiscard]] bool rests() const {
    return judges() && una_ == nxt_ && queued_ == text_sent_ && fin_asked_ == fin_sent_;
  }

  // This segment, which was sent just now, is all that is unacknowledged.
  [[nodiscard]] bool goes_alone(const TraceSegment& s) const {
    return una_ == Seq{s.seq} && pieces_.size() == 1 && !pieces_.front().again;
  }

  [[nodiscard]] const Doubts& doubts() const { return doubts_; }

 private:
  enum class Waiting : uint8_t { Nothing, Retransmission, Persist };

  // Of RFC 6298 2.3, in microseconds, scaled by 8 and by 4.
  struct Trip {
    uint32_t srtt = 0, rttvar = 0;
    bool fresh = false;  // a sample has just been taken
    friend bool operator==(const Trip&, const Trip&) = default;
  };

  struct Piece {
    Seq from, behind;
    int64_t at_us = 0;
    bool again = false;  // some of it was sent again: Karn
  };

  struct Pending {
    TraceSegment s;
    wire::Options o;
    Instant at;
  };

  [[nodiscard]] uint32_t flight() const { return (nxt_ - una_).v; }

  [[nodiscard]] bool judges() const { return !silent_ && mss_ != 0; }

  [[nodiscard]] int64_t now_us() const { return now_.ns / 1'000; }

  [[nodiscard]] int64_t now_us_up() const { return (now_.ns + 999) / 1'000; }

  [[nodiscard]] int64_t now_ms() const { return now_.ns / 1'000'000; }

  [[nodiscard]] int64_t now_ms_up() const { return (now_.ns + 999'999) / 1'000'000; }

  void complain(Invariant which, const std::string& words) { doubts_.add(which, words); }

  // sender.cc
  void settle();
  void instant_is_over();
  [[nodiscard]] bool learn_window(const Pending& p, bool una_moved);
  void window_may_reopen(uint32_t before);
  void same_ack(const Pending& p, bool window_changed);
  [[nodiscard]] bool reports_news(const wire::Options& o);
  [[nodiscard]] bool reports_duplicate(const wire::Options& o) const;
  void enter_recovery();
  bool new_ack(const TraceSample& t, Seq ack);
  void judge_window(const TraceSample& t, const std::vector<uint32_t>& allowed);
  void resend(Seq from, Seq upto);
  void new_text(const TraceSegment& s);
  void text_again(const TraceSegment& s);

  // sender_timer.cc
  void measure(const Pending& p, const TraceSample& t);
  void first_trip();
  static Trip with(Trip t, uint32_t us);
  [[nodiscard]] int64_t rto_us(bool longest) const;
  void arm(Waiting what);
  void syn_waits_anew();
  void is_overdue();
  void fires_now(Waiting what);
  void times_out();

  Rules rules_;
  Doubts doubts_;
  bool silent_ = false, passive_ = false, scarce_ = false, poor_ = false;
  Instant now_{}, before_{};  // of this record, and of the instant before
  std::optional<Pending> pending_;

  // The connection.
  tcp::State state_ = tcp::State::Closed;
  uint32_t mss_ = 0;
  uint8_t shift_ = 0;
  bool sack_on_ = false, timestamps_on_ = false;
  bool syn_sent_ = false, syn_acked_ = false, fin_sent_ = false, fin_asked_ = false;
  bool syn_owed_ = false;  // a SYN,ACK is due
  bool lacked_ = false;
  Seq una_, nxt_;
  uint64_t queued_ = 0, text_sent_ = 0;  // octets that SEND took, that went out once
  uint32_t wnd_ = 0;
  Seq wl1_, wl2_;

  // Congestion (RFC 5681): the window is one of two values where the trace does not tell.
  uint32_t cwnd_ = 0, cwnd_least_ = 0, ssthresh_ = 0, counted_ = 0;
  bool ssthresh_high_ = true;  // never reduced
  uint32_t dups_ = 0, limited_ = 0;
  bool recovering_ = false, recover_valid_ = false, recover_unsure_ = false, partial_seen_ = false;
  bool vague_ = false;  // the trace does not tell whether it recovers
  Seq recover_, nxt_before_dups_, sacked_left_, sacked_right_;
  bool resending_ = false, resend_due_ = false;
  Seq resend_, resend_end_;
  int64_t last_new_ms_ = 0;

  // Round trips and the timer (RFC 6298).
  std::vector<Trip> trips_{Trip{}};
  std::deque<Piece> pieces_;
  uint32_t clock_offset_ = 0;
  uint32_t syns_ = 0, syn_timeouts_ = 0, retries_ = 0;
  int64_t syn_ms_up_ = 0;
  uint32_t backoff_ = 0, backoff_least_ = 0;
  Waiting waiting_ = Waiting::Nothing;
  int64_t due_first_us_ = 0, due_last_us_ = 0;
};

}  // namespace rapport::sim
