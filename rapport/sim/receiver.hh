// Receiver: a second opinion on what one end takes and how it answers, from its trace alone: which
// segments are acceptable and what RCV.NXT becomes (RFC 9293 3.4, 3.10.7.4), which ACK is owed at
// once and which may wait (RFC 5681 4.2, RFC 9293 3.8.6.3), what SACK and D-SACK may say (RFC 2018
// 4, RFC 2883 4). It begins with the first segment that comes once the connection is synchronized.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace rapport::sim {

class Receiver {
 public:
  struct Rules {
    Duration delayed_ack = 40_ms;
    uint32_t quick_acks = 16;
    bool every_second = false;
  };

  void begin(const Rules& rules) { rules_ = rules; }

  // What is on the trace of this end, in its order. `scarce`: the host may lack frames.
  void at(Instant now, bool scarce);

  // At this instant, or since the one before, a segment of the host found no frame: perhaps one
  // that offered more.
  void lacked() { lacked_ = edge_unsure_ = true; }

  void heard(const TraceSegment& s);
  void dropped(const TraceDrop& d);
  void agreed(const TraceOptions& o);
  void moved(tcp::State from, tcp::State to, tcp::Event event);
  void sent(const TraceSegment& s);
  void called(const TraceCall& c);

  // Nothing more is told of what came.
  void all_is_told() { settle(); }

  // Octets up to the end of urgent text that was not read yet; nothing when none was ever told of.
  [[nodiscard]] std::optional<uint32_t> urgent_ahead() const;

  void fired(const TraceTimer& t);

  // Whether the application wants every segment acknowledged at once; else nobody knows.
  void hurries(bool hurries) {
    knows_hurry_ = true;
    hurries_ = hurries;
  }

  [[nodiscard]] bool has_runs() const { return !runs_.empty(); }

  [[nodiscard]] const Doubts& doubts() const { return doubts_; }

  // All that is there for the application to read, counted from IRS + 1; 0 before it began.
  [[nodiscard]] uint32_t octets_in_order() const;

 private:
  struct Run {
    Seq left, right;
  };

  struct Pending {
    TraceSegment s;
    std::optional<DropReason> drop;
  };

  void complain(const std::string& words) { doubts_.add(Invariant::AckDuty, words); }

  void settle();
  void instant_is_over();
  [[nodiscard]] bool fits(const TraceSegment& s) const;
  void judge_drop(const Pending& p);
  void refused(const TraceSegment& s);
  void take(const TraceSegment& s, bool kept);
  void take_urgent(const TraceSegment& s);
  void take_text(Seq left, Seq right, bool again);
  void take_fin(Seq at, bool empty);
  void insert(Seq left, Seq right);
  void absorb();
  void own_debt();
  void check_sack(const TraceSegment& s);

  Rules rules_;
  Doubts doubts_;
  Instant now_{};
  bool scarce_ = false, began_ = false, hurries_ = false, knows_hurry_ = false, orphan_ = false;
  bool sack_on_ = false, timestamps_on_ = false;
  uint32_t mss_ = 0;
  uint8_t shift_ = 0;
  tcp::State state_ = tcp::State::Closed;
  std::optional<Pending> pending_;
  std::optional<Seq> irs_, edge_;
  bool lacked_ = false;
  bool edge_unsure_ = false;  // an offer that was never sent may stand
  uint32_t syn_window_ = 0;   // of our SYN
  Seq nxt_, lowest_;          // of this instant
  std::optional<Seq> fin_, urgent_;
  bool urgent_seen_ = false;
  uint32_t read_ = 0;
  std::vector<Run> runs_;
  std::deque<Run> came_;  // what came twice: a D-SACK may tell of it

  // Debts of this instant, and the ACK that waits.
  uint32_t own_debts_ = 0, acks_ = 0, quick_ = 0;
  bool due_now_ = false, excused_ = false, text_only_ = false, bare_ack_ = false;
  uint32_t waiting_octets_ = 0;
  Instant ack_by_ = kNever;
};

}  // namespace rapport::sim
