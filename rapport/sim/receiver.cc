// What comes in, and the debts that it leaves.
#include "rapport/sim/receiver.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/law.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

constexpr Duration kSlack = 3_ms;

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

bool talks(State s) {
  return s >= State::Established && s != State::TimeWait;
}

std::string number(uint64_t n) {
  return std::to_string(n);
}

}  // namespace

uint32_t Receiver::octets_in_order() const {
  if (!began_) return 0;
  const uint32_t numbers = (nxt_ - *irs_).v - 1;
  return fin_ && after(nxt_, *fin_) ? numbers - 1 : numbers;
}

void Receiver::at(Instant now, bool scarce) {
  if (now > now_) {
    settle();
    instant_is_over();
    now_ = now;
    lowest_ = nxt_;
    lacked_ = false;
  }
  scarce_ |= scarce;
}

void Receiver::agreed(const TraceOptions& o) {
  mss_ = o.effective_mss;
  sack_on_ = o.sack_on != 0;
  timestamps_on_ = o.timestamps_on != 0;
  shift_ = o.scaling_on != 0 ? std::min<uint8_t>(o.window_scale_sent, wire::kMaxShift) : 0;
}

void Receiver::heard(const TraceSegment& s) {
  settle();
  text_only_ = true;
  pending_ = Pending{s, {}};
}

void Receiver::dropped(const TraceDrop& d) {
  excused_ = true;
  if (pending_ && pending_->s.serial == d.serial)
    pending_->drop = static_cast<DropReason>(d.reason);
}

void Receiver::moved(State from, State to, Event event) {
  excused_ = true;
  state_ = to;
  const bool syn_taken =
      event == Event::SynArrived || event == Event::SynAckArrived || event == Event::TupleReused;
  if (syn_taken && pending_ && has(pending_->s, wire::kSyn)) {
    irs_ = Seq{pending_->s.seq};
    nxt_ = lowest_ = *irs_ + 1_B;
    began_ = true;
    // The window of a SYN is never scaled (RFC 7323 2.2); what we answer tells of it again, but may
    // find no frame, or leave after the next segment of the burst.
    if (event != Event::TupleReused) edge_ = nxt_ + ByteCount{syn_window_};
    if (event == Event::SynAckArrived) due_now_ = true;
    if (event != Event::SynAckArrived) pending_.reset();
  }
  if (event == Event::SynAckArrived || event == Event::SynAcked) quick_ = rules_.quick_acks;
  if (from == State::SynReceived && event == Event::CloseCalled) began_ = false;
}

void Receiver::called(const TraceCall& c) {
  settle();
  excused_ = true;
  const auto call = static_cast<CallKind>(c.call);
  if (call == CallKind::Receive && c.failed == 0) read_ += c.octets;
  if (urgent_ && began_ && at_or_after(*irs_ + ByteCount{1 + read_}, *urgent_)) urgent_.reset();
  if (call == CallKind::Close || call == CallKind::Abort) orphan_ = true;
}

void Receiver::fired(const TraceTimer& t) {
  settle();
  excused_ = true;
  if (static_cast<TimerKind>(t.timer) == TimerKind::DelayedAck) due_now_ = true;
}

// RFC 9293 3.4, table 6; the window is counted up to the furthest edge that was offered.
bool Receiver::fits(const TraceSegment& s) const {
  const Seq seq{s.seq};
  const Seq behind = seq + ByteCount{s.text_length + (has(s, wire::kFin) ? 1U : 0U)};
  const bool closed = *edge_ == nxt_;
  if (behind == seq) return closed ? seq == nxt_ : at_or_after(seq, nxt_) && before(seq, *edge_);
  if (closed) return seq == nxt_;  // for its ACK alone (MUST-66)
  return before(seq, *edge_) && after(behind, nxt_);
}

void Receiver::settle() {
  if (!pending_) return;
  const Pending p = *std::exchange(pending_, std::nullopt);
  if (!began_ || !edge_ || mss_ == 0 || has(p.s, wire::kRst)) return;
  const auto state = static_cast<State>(p.s.state);
  const bool promoted = state == State::SynReceived && talks(state_);
  const bool opened = state == State::SynSent && talks(state_);
  if (!talks(state) && !promoted && !opened) return;
  if (has(p.s, wire::kSyn) && !opened) return;
  if (!promoted && !opened) judge_drop(p);
  using R = DropReason;
  const R drop = p.drop.value_or(R::None);
  if (drop == R::NotAcceptable) return refused(p.s);
  const bool kept = drop == R::None;
  const bool stored = kept || drop == R::FinAfterFin;
  if (drop == R::BufferFull || drop == R::ReassemblyFull || drop == R::TextAfterFin || stored)
    take(p.s, stored);
}

void Receiver::judge_drop(const Pending& p) {
  using R = DropReason;
  const R drop = p.drop.value_or(R::None);
  if (drop == R::PawsRejected || drop == R::TimestampMissing || drop == R::ChallengeThrottled
      || drop == R::RstOutsideWindow) {
    return;
  }
  const Seq seq{p.s.seq};
  const Seq behind = seq + ByteCount{p.s.text_length + (has(p.s, wire::kFin) ? 1U : 0U)};
  const bool right = fits(p.s);
  if (right == (drop != R::NotAcceptable)) return;
  // What is taken beyond all that was offered on the wire was offered by a segment that found no
  // frame: RCV.WND counts, not what the peer has heard of it (RFC 9293 3.4).
  if (!right && edge_unsure_ && after(seq, nxt_)) {
    edge_ = later(*edge_, later(behind, seq + 1_B));
    return;
  }
  complain("a segment of " + number(p.s.text_length) + " octets from " + number(p.s.seq) + " is "
           + (right ? "refused, though it is acceptable" : "taken, though it is not acceptable")
           + ": the window is " + number(nxt_.v) + " to " + number(edge_->v));
}

void Receiver::own_debt() {
  ++own_debts_;
  due_now_ = true;
}

void Receiver::refused(const TraceSegment& s) {
  if (s.text_length > 0 && before(Seq{s.seq}, nxt_)) {
    came_.push_back({Seq{s.seq}, earlier(Seq{s.seq} + ByteCount{s.text_length}, nxt_)});
  }
  own_debt();
}

// `kept`: its text was not dropped for want of memory.
void Receiver::take(const TraceSegment& s, bool kept) {
  if (!has(s, wire::kAck)) {
    return complain("a segment without an ACK is taken");
  }
  if (tcp::is_one_of<State::Closed, State::SynReceived>(state_)) return;
  const Seq seq = Seq{s.seq} + ByteCount{has(s, wire::kSyn) ? 1U : 0U};
  const Seq text_end = seq + ByteCount{s.text_length};
  if (has(s, wire::kUrg)) take_urgent(s);
  if (orphan_ && kept && s.text_length > 0 && after(earlier(text_end, *edge_), nxt_)) {
    doubts_.add(Invariant::Parting, "text is taken that nobody will ever read");
  }
  const bool beyond = after(text_end + ByteCount{has(s, wire::kFin) ? 1U : 0U}, *edge_);
  const bool over = fin_ && after(nxt_, *fin_);  // its FIN was taken
  if (beyond) due_now_ = true;
  if (before(seq, nxt_) && s.text_length > 0) {
    came_.push_back({seq, earlier(text_end, nxt_)});
    own_debt();
  }
  Seq left = later(seq, nxt_);
  Seq right = earlier(text_end, *edge_);
  if (fin_) right = earlier(right, *fin_);
  if (kept && !over && before(left, right)) take_text(left, right, before(seq, nxt_));
  if (!over && kept && has(s, wire::kFin) && !beyond) take_fin(text_end, s.text_length == 0);
  if (!over && fin_ && nxt_ == *fin_) {
    nxt_ += 1_B;
    edge_ = later(*edge_, nxt_);
    due_now_ = true;
  }
}

// RFC 9293 3.8.5: the pointer designates the octet behind the urgent text, and never goes back.
void Receiver::take_urgent(const TraceSegment& s) {
  urgent_seen_ = true;
  if (fin_ && after(nxt_, *fin_)) return;
  const Seq up = Seq{s.seq} + ByteCount{s.urgent + (has(s, wire::kSyn) ? 1U : 0U)};
  if (!after(up, *irs_ + ByteCount{1 + read_})) return;
  urgent_ = urgent_ ? later(*urgent_, up) : up;
}

std::optional<uint32_t> Receiver::urgent_ahead() const {
  if (!urgent_seen_ || orphan_ || scarce_) return std::nullopt;
  return urgent_ ? (*urgent_ - (*irs_ + ByteCount{1 + read_})).v : 0;
}

void Receiver::take_text(Seq left, Seq right, bool again) {
  if (left != nxt_) {
    for (const Run& r : runs_) {
      const Run common{later(r.left, left), earlier(r.right, right)};
      if (before(common.left, common.right)) came_.push_back(common);
    }
    insert(left, right);
    return own_debt();
  }
  const bool fills = !runs_.empty();
  if (fills && before(runs_.front().left, right)) {
    came_.push_back({runs_.front().left, earlier(runs_.front().right, right)});
    if (!again) own_debt();
  }
  nxt_ = right;
  absorb();
  if (fills) {
    due_now_ = true;  // RFC 5681 4.2
    waiting_octets_ = 0;
    return;
  }
  const uint32_t two = 2 * (mss_ - (timestamps_on_ ? 12U : 0U));
  waiting_octets_ += (right - left).v;
  if (waiting_octets_ >= two) {
    if (rules_.every_second || !sack_on_) {
      waiting_octets_ = 0;
      return own_debt();
    }
    due_now_ = true;
  }
  if (hurries_ || quick_ > 0) due_now_ = true;
  if (quick_ > 0) --quick_;
  if (ack_by_ == kNever) ack_by_ = now_ + rules_.delayed_ack + kSlack;
}

void Receiver::take_fin(Seq at, bool empty) {
  if (!fin_) fin_ = at;
  if (at != nxt_ && empty) due_now_ = true;
}

void Receiver::insert(Seq left, Seq right) {
  Run whole{left, right};
  std::erase_if(runs_, [&](const Run& r) {
    if (after(r.left, whole.right) || before(r.right, whole.left)) return false;
    whole = {earlier(whole.left, r.left), later(whole.right, r.right)};
    return true;
  });
  runs_.insert(std::ranges::find_if(runs_, [&](const Run& r) { return after(r.left, left); }),
               whole);
}

void Receiver::absorb() {
  while (!runs_.empty() && at_or_before(runs_.front().left, nxt_)) {
    nxt_ = later(nxt_, runs_.front().right);
    runs_.erase(runs_.begin());
  }
}

void Receiver::sent(const TraceSegment& s) {
  if (has(s, wire::kRst)) return;
  settle();
  if (has(s, wire::kSyn)) syn_window_ = s.window;
  if (!began_ || mss_ == 0 || !has(s, wire::kAck)) return;
  edge_unsure_ = lacked_;
  const uint32_t window = uint32_t{s.window} << (has(s, wire::kSyn) ? 0 : shift_);
  const Seq edge = Seq{s.ack} + ByteCount{window};
  if (has(s, wire::kSyn)) {
    edge_ = edge;
    return;
  }
  if (!edge_) edge_ = edge;
  edge_ = later(*edge_, edge);
  if (!talks(state_) && state_ != State::TimeWait) return;
  ++acks_;
  bare_ack_ |= s.text_length == 0 && !has(s, wire::kFin);
  const Seq ack{s.ack};
  if (after(ack, nxt_) || before(ack, lowest_)) {
    complain("ACK " + number(ack.v) + " is sent where all up to " + number(nxt_.v)
             + " has come and was taken");
  }
  check_sack(s);
  if (ack != nxt_) return;
  waiting_octets_ = 0;
  ack_by_ = kNever;
}

// RFC 2018 4: blocks are runs that are kept beyond the ACK; the first may be a D-SACK (RFC 2883).
void Receiver::check_sack(const TraceSegment& s) {
  wire::Options o;
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
  const auto is_run = [&](const wire::SackBlock& b) {
    return std::ranges::any_of(
        runs_, [&](const Run& r) { return r.left == b.left && r.right == b.right; });
  };
  for (uint8_t i = 0; i < o.sack_count; ++i) {
    const wire::SackBlock& b = o.sack[i];
    const auto twice = std::ranges::find_if(
        came_, [&](const Run& r) { return r.left == b.left && r.right == b.right; });
    if (i == 0 && twice != came_.end()) {
      came_.erase(twice);
      continue;
    }
    if (is_run(b)) continue;
    doubts_.add(Invariant::SackTruth, "block " + number(i) + ", " + number(b.left.v) + " to "
                                          + number(b.right.v)
                                          + ", is no run of what came beyond a hole");
  }
  const bool tells = talks(state_) && sack_on_ && !runs_.empty() && Seq{s.ack} == nxt_;
  if (tells && o.sack_count == 0) {
    doubts_.add(Invariant::SackTruth, "no block, though text lies beyond a hole");
  }
}

// Nothing more is sent at this instant.
void Receiver::instant_is_over() {
  const bool alive = talks(state_) && edge_ && !scarce_;
  if (alive && own_debts_ > acks_) {
    complain(number(own_debts_) + " segments ask for an ACK each, " + number(acks_) + " are sent");
  } else if (alive && due_now_ && acks_ == 0) {
    complain("an ACK is due at once, and none is sent");
  } else if (alive && ack_by_ < now_) {
    complain("an ACK of text is delayed for too long");
  }
  const bool unasked = bare_ack_ && text_only_ && !excused_ && !due_now_ && own_debts_ == 0;
  if (alive && unasked && knows_hurry_ && !hurries_)
    complain("an ACK that nothing asks for at once is sent");
  own_debts_ = acks_ = 0;
  due_now_ = excused_ = text_only_ = bare_ack_ = scarce_ = false;
  came_.clear();
}

}  // namespace rapport::sim
