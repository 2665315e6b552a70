// SYN-RECEIVED of passive origin, in HalfOpen entries: the SYN,ACK and its repetition, SEGMENT
// ARRIVES (RFC 9293 3.10.7.4 as far as it can matter here). The step up to a Connection is in
// promote.cc.
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/isn.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

namespace {

// When there was no frame for a single SYN,ACK, their timers wait so long.
constexpr Duration kPause = 100_ms;

ByteCount window_of(const HalfOpen& h) {
  return ByteCount{h.offered};
}

IpFields ip_fields(const HalfOpen& h, const Context& cx) {
  const ConnectionOptions& l = cx.listeners[h.listener].options;
  return {l.dscp, l.ttl};
}

wire::Options options_of(const HalfOpen& h, const Context& cx) {
  wire::Options o;
  o.has_mss = true;
  o.mss = offered_mss(h.key, cx.listeners[h.listener].options, cx);
  o.sack_permitted = h.sack_on != 0;
  o.has_window_scale = h.scaling_on != 0;
  o.window_scale = h.rcv_shift;
  o.has_timestamps = h.timestamps_on != 0;
  o.tsval = cx.tick.v + timestamp_offset(h.key, cx);
  o.tsecr = h.ts_recent;
  return o;
}

Draft draft_for(const HalfOpen& h, wire::Flags flags, const Context& cx) {
  const IpFields ip = ip_fields(h, cx);
  Draft d;
  d.key = &h.key;
  d.seq = flags.any(wire::kSyn) ? h.iss : h.iss + 1_B;
  d.ack = h.irs + 1_B;
  d.flags = flags;
  d.window = static_cast<uint16_t>(h.offered >> (flags.any(wire::kSyn) ? 0 : h.rcv_shift));
  d.dscp = ip.dscp;
  d.ttl = ip.ttl;
  d.state = State::SynReceived;
  d.relative_known = true;
  d.iss = h.iss;
  d.irs = h.irs;
  return d;
}

// Without Rule::MergedSynAck the ACK of the peer's SYN goes before, and ours carries none.
[[maybe_unused]] bool send_ack_apart(Draft& d, wire::Options& options, Context& cx) {
  Draft ack = d;
  ack.flags = wire::kAck;
  ack.options = nullptr;
  ack.timestamps = options.has_timestamps;
  ack.tsval = options.tsval;
  ack.tsecr = options.tsecr;
  d.flags = wire::kSyn;
  d.ack = Seq{0};
  options.tsecr = 0;
  return emit(ack, cx);
}

bool send_syn_ack(const HalfOpen& h, bool again, SendCause cause, Context& cx) {
  wire::Options options = options_of(h, cx);
  Draft d = draft_for(h, wire::kSyn | wire::kAck, cx);
  d.options = &options;
  d.cause = cause;
  d.retransmission = again;
  if constexpr (kRuleSwitches) {
    if (!holds(Rule::MergedSynAck, cx.config) && !send_ack_apart(d, options, cx)) return false;
  }
  if (!emit(d, cx)) return false;
  if (again) ++cx.counters.syn_ack_retransmissions;
  return true;
}

// Plain: to what lies outside of the window, or fails PAWS (3.10.7.4, first).
enum class Answer : uint8_t { Plain, Challenge };

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>: once an interval for each entry, whatever it answers; only
// challenges draw on the host's allowance (choice 54).
void answer_with_ack(HalfOpen& h, Answer kind, DropReason why, Context& cx) {
  const bool challenge = kind == Answer::Challenge;
  if (is_throttled(h, cx) || (challenge && !host_may_challenge(cx))) {
    ++cx.counters.challenges_throttled;
    dropped(h.key, DropReason::ChallengeThrottled, cx);
    return;
  }
  note_challenge(h, cx);
  if (challenge) ++cx.counters.challenges_sent;
  dropped(h.key, why, cx);
  wire::Options o;
  o.has_timestamps = h.timestamps_on != 0;
  o.tsval = cx.tick.v + timestamp_offset(h.key, cx);
  o.tsecr = h.ts_recent;
  Draft d = draft_for(h, wire::kAck, cx);
  d.options = &o;
  emit(d, cx);
}

void arm(uint32_t index, Context& cx) {
  HalfOpen& h = cx.half_open[index];
  h.deadline = cx.now.tick_ceil() + syn_ack_interval_ms(h.retries, cx);
  cx.half_open_lists[h.retries].push_back(index, cx.half_open);
}

enum class Verdict : uint8_t { Completes, Done };

// SA-SYNRCVD-05, -06, -08; U-30.
Verdict check_reset(uint32_t index, const wire::Segment& seg, Context& cx) {
  HalfOpen& h = cx.half_open[index];
  const Seq nxt = h.irs + 1_B;
  if (seg.seq == nxt) {  // silently back to LISTEN (MUST-11), or to the TIME-WAIT that gave way
    dropped(h.key, DropReason::HalfOpenReset, cx);
    if (h.suspended != kNone) {
      restore_time_wait(index, cx);
    } else {
      remove_half_open(index, Event::RstArrived, cx);
    }
  } else if (in_window(seg.seq, nxt, window_of(h))) {
    answer_with_ack(h, Answer::Challenge, DropReason::RstChallenged, cx);
  } else {
    dropped(h.key, DropReason::RstOutsideWindow, cx);
  }
  return Verdict::Done;
}

// SA-SYNRCVD-10, -11, -25, -26.
Verdict check_syn(uint32_t index, const wire::Segment& seg, Context& cx) {
  HalfOpen& h = cx.half_open[index];
  if (seg.seq == h.irs && !seg.flags.any(wire::kAck)) {  // the SYN again: choice 8
    if (h.resent != 0) {
      dropped(h.key, DropReason::ChallengeThrottled, cx);
      return Verdict::Done;
    }
    h.resent = send_syn_ack(h, true, SendCause::Answer, cx) ? 1 : 0;
  } else if (in_window(seg.seq, h.irs + 1_B, window_of(h))) {
    dropped(h.key, DropReason::HalfOpenSyn, cx);  // choice 9
    remove_half_open(index, Event::SynInWindow, cx);
  } else {
    answer_with_ack(h, Answer::Plain, DropReason::NotAcceptable, cx);
  }
  return Verdict::Done;
}

// RFC 7323 5.3 R1, before anything but RST is looked at: also a SYN from long ago only draws an
// ACK, or it would end the handshake (choice 9). False: the segment is answered (SA-ALL-01).
bool clock_allows(HalfOpen& h, const wire::Segment& seg, Context& cx) {
  if (h.timestamps_on == 0 || !seg.options.has_timestamps || !holds(Rule::Paws, cx.config)
      || static_cast<int32_t>(seg.options.tsval - h.ts_recent) >= 0) {
    return true;
  }
  answer_with_ack(h, Answer::Plain, DropReason::PawsRejected, cx);
  return false;
}

// The window, before the ACK is looked at.
// SA-SYNRCVD-01 to -04, -30; SA-ALL-03; U-5.
Verdict check_sequence(HalfOpen& h, const wire::Segment& seg, Context& cx) {
  if (h.timestamps_on != 0 && !seg.options.has_timestamps && cx.config.require_timestamps) {
    dropped(h.key, DropReason::TimestampMissing, cx);
    return Verdict::Done;
  }
  const Seq nxt = h.irs + 1_B;
  const Seq edge = nxt + window_of(h);
  const ByteCount length = seg.length();
  const bool fits = length == 0_B
                        ? seg.seq == nxt || in_window(seg.seq, nxt, edge - nxt)
                        : seg.seq == nxt || (before(seg.seq, edge) && after(seg.seq + length, nxt));
  // What a closed window refuses comes in for its ACK alone (MUST-66).
  const bool refused = edge == nxt && length > 0_B && !seg.flags.any(wire::kAck);
  if (fits && !refused) return Verdict::Completes;
  answer_with_ack(h, Answer::Plain, DropReason::NotAcceptable, cx);
  return Verdict::Done;
}

// SA-SYNRCVD-14, -15, -17, -21, -31; U-8.
Verdict check_ack(HalfOpen& h, const wire::Segment& seg, Context& cx) {
  if (!seg.flags.any(wire::kAck)) {
    dropped(h.key, DropReason::AckMissing, cx);
    return Verdict::Done;
  }
  if (seg.ack == h.iss + 1_B) return Verdict::Completes;
  if (cx.config.check_ack_in_syn_received) {  // choice 29, strict
    answer_with_ack(h, Answer::Challenge, DropReason::AckUnacceptable, cx);
    return Verdict::Done;
  }
  dropped(h.key, DropReason::AckUnacceptable, cx);
  reset_unacceptable_ack(h.key, State::SynReceived, ip_fields(h, cx), seg, cx);
  return Verdict::Done;
}

// False when there is no frame, or no room for one: nothing has happened, and no retry is counted.
bool has_frame(Context& cx) {
  if (!cx.outbox.full() && cx.frames.available() > 0) return true;
  cx.drop(cx.outbox.full() ? DropReason::OutboxFull : DropReason::PoolExhausted);
  return false;
}

// The retransmission timer of an entry (choice 31).
// SA-SYNRCVD-22, -34; SA-ALL-07.
bool times_out(uint32_t index, Context& cx) {
  HalfOpen& h = cx.half_open[index];
  const uint32_t retries = h.retries;
  uint64_t waited = 0;
  for (uint32_t r = 0; r <= retries; ++r) waited += syn_ack_interval_ms(r, cx);
  const bool pressed = cx.half_open.used() > cx.half_open.cap() / 2
                       && retries >= cx.config.syn_ack_retries_under_pressure;
  const auto limit = static_cast<uint64_t>(cx.config.syn_ack_give_up.to_ms());
  const bool gives_up = waited >= limit || pressed || retries + 1 == kHalfOpenLists;
  if (!gives_up && !has_frame(cx)) return false;
  record_key_timer(h.key, TimerKind::HalfOpen, retries + 1, syn_ack_interval_ms(retries, cx), cx);
  if (gives_up) {
    remove_half_open(index, Event::GaveUp, cx);
    return true;
  }
  cx.half_open_lists[retries].remove(index, cx.half_open);
  h.retries = (h.retries + 1) & 0xfU;
  h.resent = 0;
  arm(index, cx);
  (void)send_syn_ack(h, true, SendCause::Timer, cx);
  return true;
}

// A slot whose entry stands in the table, in the suspended TimeWait's place if there is one; or
// kNone.
uint32_t take_place(uint32_t suspended, FlowHash hash, Context& cx) {
  const uint32_t index = cx.half_open.allocate();
  if (index == kNone) return kNone;
  const Entry entry{Tier::HalfOpen, index};
  if (suspended != kNone) {
    cx.table.replace(hash.tag, {Tier::TimeWait, suspended}, entry);
  } else if (!cx.table.insert(hash.tag, entry)) {
    cx.half_open.release(index);
    return kNone;
  }
  return index;
}

Seq first_sequence_number(uint32_t suspended, FlowHash hash, Context& cx) {
  const Seq iss = initial_sequence_number(hash, cx);
  if (suspended == kNone) return iss;
  const Seq old = cx.time_wait[suspended].snd_nxt;  // MAY-2: above the old connection's SND.NXT
  return after(iss, old + 65536_B) ? iss : old + 65537_B;
}

// What a SYN offers, as far as it is taken up.
// The text of a SYN is left to be sent again (SA-LISTEN-06, U-12, choice 16).
void take_offers(HalfOpen& h, const wire::Segment& seg, const Listener& l, const Context& cx) {
  const wire::Options& o = seg.options;
  h.irs = seg.seq;
  h.peer_mss = o.has_mss ? o.mss : 0;
  h.window = seg.window;
  h.offered = static_cast<uint16_t>(std::min<uint32_t>(65535, l.options.receive_buffer.v));
  h.scaling_on = o.has_window_scale && cx.config.offer_window_scale ? 1 : 0;
  h.sack_on = o.sack_permitted && cx.config.offer_sack ? 1 : 0;
  h.timestamps_on = o.has_timestamps && cx.config.offer_timestamps ? 1 : 0;
  h.snd_shift = h.scaling_on != 0 ? std::min<uint8_t>(o.window_scale, wire::kMaxShift) & 0xfU : 0U;
  h.rcv_shift = h.scaling_on != 0 ? shift_for(l.options.receive_buffer) & 0xfU : 0U;
  h.ts_recent = o.has_timestamps ? o.tsval : 0;
}

// Without Rule::ThirdSegment nothing is waited for: the SYN opens the connection, as if our SYN had
// been acknowledged.
[[maybe_unused]] void complete_at_once(uint32_t index, FlowHash hash, const wire::Segment& syn,
                                       Context& cx) {
  const HalfOpen& h = cx.half_open[index];
  wire::Segment ack = syn;
  ack.seq = h.irs + 1_B;
  ack.ack = h.iss + 1_B;
  ack.flags = wire::kAck;
  ack.window = static_cast<uint16_t>(syn.window >> h.snd_shift);
  ack.text = {};
  promote(index, hash, ack, cx);
}

}  // namespace

uint32_t syn_ack_interval_ms(uint32_t retries, const Context& cx) {
  const auto first = static_cast<uint64_t>(cx.config.initial_rto.to_ms());
  const auto most = static_cast<uint64_t>(cx.config.max_rto.to_ms());
  return static_cast<uint32_t>(std::min(first << retries, most));
}

bool open_half(Opener opener, const FlowKey& key, FlowHash hash, const wire::Segment& seg,
               Context& cx) {
  const auto [listener, suspended] = opener;
  const uint32_t index = take_place(suspended, hash, cx);
  if (index == kNone) return false;
  Listener& l = cx.listeners[listener];
  HalfOpen& h = cx.half_open[index];
  h.key = key;
  h.iss = first_sequence_number(suspended, hash, cx);
  h.suspended = suspended;
  h.listener = static_cast<uint16_t>(listener);
  take_offers(h, seg, l, cx);
  ++l.half_open;
  arm(index, cx);
  const bool reused = suspended != kNone;
  advance(
      {reused ? State::TimeWait : State::Listen, reused ? Event::TupleReused : Event::SynArrived},
      key, Handle{}, cx);
  (void)send_syn_ack(h, false, SendCause::Stack, cx);  // without a frame the timer sends it
  if constexpr (kRuleSwitches) {
    if (!holds(Rule::ThirdSegment, cx.config)) complete_at_once(index, hash, seg, cx);
  }
  return true;
}

// With the accept queue full the last ACK is dropped (SA-SYNRCVD-20).
void segment_arrives_half_open(uint32_t index, FlowHash hash, const wire::Segment& seg,
                               Context& cx) {
  HalfOpen& h = cx.half_open[index];
  if (cx.trace.enabled()) record_received(h.key, seg, nullptr, State::SynReceived, cx);
  if (seg.options.malformed) ++cx.counters.malformed_options;
  if (seg.flags.any(wire::kRst)) {
    (void)check_reset(index, seg, cx);
    return;
  }
  if (!clock_allows(h, seg, cx)) return;
  if (seg.flags.any(wire::kSyn)) {
    (void)check_syn(index, seg, cx);
    return;
  }
  if (check_sequence(h, seg, cx) == Verdict::Done || check_ack(h, seg, cx) == Verdict::Done) return;
  const Listener& l = cx.listeners[h.listener];
  if (l.waiting >= l.backlog) {  // choice 7
    dropped(h.key, DropReason::AcceptQueueFull, cx);
    if (cx.config.reset_on_accept_overflow) {
      reset_unacceptable_ack(h.key, State::SynReceived, ip_fields(h, cx), seg, cx);
      remove_half_open(index, Event::Evicted, cx);
    }
    return;
  }
  promote(index, hash, seg, cx);
}

uint32_t expire_half_open(Context& cx, uint32_t budget) {
  uint32_t done = 0;
  if (cx.now < cx.half_open_wait) return done;
  for (uint32_t retries = kHalfOpenLists; retries-- > 0;) {
    const HalfOpenList& list = cx.half_open_lists[retries];
    while (list.head != kNone && !before(cx.tick, cx.half_open[list.head].deadline)) {
      if (done == budget) return done;
      if (!times_out(list.head, cx)) {
        if (done == 0) cx.half_open_wait = cx.now + kPause;
        return done;
      }
      ++done;
    }
  }
  return done;
}

}  // namespace rapport::tcp
