// TIME-WAIT (RFC 9293 3.6.1): entered by one who closed first, left after 2MSL, restarted by a
// retransmitted FIN, immune to resets (RFC 1337), given up for a newer SYN (RFC 6191).
#include "rapport/base/assert.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/isn.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

namespace {

enum class Verdict : uint8_t { Stay, Restart, Reset, Reuse };

ByteCount window_of(const TimeWait& w) {
  return ByteCount{uint64_t{w.window} << w.shift};
}

// MAX.SND.WND of RFC 5961 5.2, rounded up to what the field can say.
ByteCount largest_window_of_peer(const TimeWait& w) {
  return ByteCount{uint64_t{w.max_wnd} << w.snd_shift};
}

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
void answer(const TimeWait& w, DropReason why, Context& cx) {
  dropped(w.key, why, cx);
  wire::Options o;
  o.has_timestamps = w.timestamps_on != 0;
  o.tsval = cx.tick.v + timestamp_offset(w.key, cx);
  o.tsecr = w.ts_recent;
  Draft d;
  d.key = &w.key;
  d.seq = w.snd_nxt;
  d.ack = w.rcv_nxt;
  d.flags = wire::kAck;
  d.window = w.window;
  d.dscp = w.dscp;
  d.ttl = w.ttl;
  d.options = &o;
  d.state = State::TimeWait;
  emit(d, cx);
}

// What has no text may be our own answer come back: once an interval (choice 67).
void answer_throttled(TimeWait& w, DropReason why, const wire::Segment& seg, Context& cx) {
  if (seg.length() == 0_B) {
    if (is_throttled(w, cx)) {
      ++cx.counters.challenges_throttled;
      dropped(w.key, DropReason::ChallengeThrottled, cx);
      return;
    }
    note_challenge(w, cx);
  }
  answer(w, why, cx);
}

// Throttled per entry and by the host's cap.
void challenge(TimeWait& w, DropReason why, Context& cx) {
  if (is_throttled(w, cx) || !host_may_challenge(cx)) {
    ++cx.counters.challenges_throttled;
    dropped(w.key, DropReason::ChallengeThrottled, cx);
    return;
  }
  note_challenge(w, cx);
  ++cx.counters.challenges_sent;
  answer(w, why, cx);
}

// SA-TW-05, -07; R1337-1.
Verdict judge_reset(TimeWait& w, const wire::Segment& seg, Context& cx) {
  if (seg.seq == w.rcv_nxt) {
    dropped(w.key, DropReason::TimeWaitRst, cx);
    if (!holds(Rule::TimeWaitIgnoresRst, cx.config)) return Verdict::Reset;
    return cx.config.time_wait_ignores_rst ? Verdict::Stay : Verdict::Reset;  // choice 1
  }
  if (in_window(seg.seq, w.rcv_nxt, window_of(w))) {
    challenge(w, DropReason::RstChallenged, cx);
  } else {
    dropped(w.key, DropReason::RstOutsideWindow, cx);
  }
  return Verdict::Stay;
}

// RFC 6191 2: is this SYN newer than everything of the old connection?
// SA-TW-09 to -12; R6191-1 to -4, SHLD-4.
bool is_newer(const TimeWait& w, const wire::Segment& seg) {
  const bool larger = at_or_after(seg.seq, w.rcv_nxt);  // beyond the last number received
  if (!seg.options.has_timestamps) return larger;
  if (w.timestamps_on == 0) return true;
  const auto newer = static_cast<int32_t>(seg.options.tsval - w.ts_recent);
  return newer > 0 || (newer == 0 && larger);
}

// SA-TW-13, -24, -25; R6191-5.
Verdict judge_syn(TimeWait& w, const wire::Segment& seg, Context& cx) {
  if (!seg.flags.any(wire::kAck | wire::kFin) && is_newer(w, seg)) {
    const uint32_t listener = find_listener(w.key, cx);
    if (listener != kNone && refusal(listener, cx) == DropReason::None) {
      return Verdict::Reuse;
    }
  }
  challenge(w, DropReason::TimeWaitStaleSyn, cx);  // choice 2; 2MSL is not restarted
  return Verdict::Stay;
}

// SA-TW-01 to -04.
bool fits(const TimeWait& w, const wire::Segment& seg) {
  const ByteCount window = window_of(w);
  const ByteCount length = seg.length();
  if (length == 0_B) return seg.seq == w.rcv_nxt || in_window(seg.seq, w.rcv_nxt, window);
  if (window == 0_B) return false;
  return before(seg.seq, w.rcv_nxt + window) && after(seg.seq + length, w.rcv_nxt);
}

// The peer's FIN again: left of the window, so it is looked for before the window test.
// SA-TW-18.
bool is_fin_again(const TimeWait& w, const wire::Segment& seg) {
  return seg.flags.has(wire::kFin | wire::kAck) && seg.seq + seg.length() == w.rcv_nxt
         && at_or_before(seg.ack, w.snd_nxt);
}

// Anything but RST and SYN.
// SA-TW-15 to -17, -19 to -21, -23, -26, -27; R1337-2.
Verdict judge_other(TimeWait& w, const wire::Segment& seg, Context& cx) {
  const wire::Options& o = seg.options;
  if (w.timestamps_on != 0 && !o.has_timestamps && cx.config.require_timestamps) {
    dropped(w.key, DropReason::TimestampMissing, cx);
    return Verdict::Stay;
  }
  if (w.timestamps_on != 0 && o.has_timestamps && static_cast<int32_t>(o.tsval - w.ts_recent) < 0
      && holds(Rule::Paws, cx.config)) {
    answer_throttled(w, DropReason::PawsRejected, seg, cx);
    return Verdict::Stay;
  }
  if (is_fin_again(w, seg)) {
    // Our ACK of it was lost, and this one has to echo the clock of this copy (choice 51).
    if (w.timestamps_on != 0 && o.has_timestamps) w.ts_recent = o.tsval;
    answer(w, DropReason::NotAcceptable, cx);
    return Verdict::Restart;
  }
  if (!fits(w, seg)) {
    answer_throttled(w, DropReason::NotAcceptable, seg, cx);
  } else if (!seg.flags.any(wire::kAck)) {
    dropped(w.key, DropReason::AckMissing, cx);
  } else if (after(seg.ack, w.snd_nxt)) {
    challenge(w, DropReason::AckTooNew, cx);
  } else if (before(seg.ack, w.snd_nxt - largest_window_of_peer(w))) {
    challenge(w, DropReason::AckTooOld, cx);
  } else {  // a bare ACK is never answered: two ends in TIME-WAIT would not stop
    dropped(w.key, seg.length() == 0_B ? DropReason::TimeWaitQuiet : DropReason::TimeWaitText, cx);
  }
  return Verdict::Stay;
}

Verdict judge(TimeWait& w, const wire::Segment& seg, Context& cx) {
  if (cx.trace.enabled()) record_received(w.key, seg, nullptr, State::TimeWait, cx);
  if (seg.options.malformed) ++cx.counters.malformed_options;
  if (seg.flags.any(wire::kRst)) return judge_reset(w, seg, cx);
  if (seg.flags.any(wire::kSyn)) return judge_syn(w, seg, cx);
  return judge_other(w, seg, cx);
}

// MUST-13.
void start_2msl(uint32_t index, Context& cx) {
  TimeWait& w = cx.time_wait[index];
  w.expiry = (cx.now + cx.config.two_msl).tick_ceil();
  if constexpr (kRuleSwitches) {
    const Duration part{cx.config.two_msl.ns / 8};
    if (!holds(Rule::FullTimeWait, cx.config)) w.expiry = (cx.now + part).tick_ceil();
  }
  cx.time_wait_list.push_back(index, cx.time_wait);
}

// The application that still held the connection is told, with the reason noted at the close.
void tell_owner(TimeWait& w, Context& cx) {
  if (w.owner == kNone) return;
  Connection& c = cx.connections[w.owner];
  w.owner = kNone;
  c.state = State::Closed;
  c.listener_or_next = kNone;
  tell_end(c, cx);
}

}  // namespace

TimeWait as_time_wait(const Connection& c, const Context& cx) {
  TimeWait w;
  w.key = c.key;
  w.tag = c.tag;
  w.snd_nxt = c.snd.nxt;
  w.rcv_nxt = c.rcv.nxt;
  w.ts_recent = c.ts_recent;
  w.timestamps_on = c.timestamps_on;
  w.shift = c.rcv_shift & 0xfU;
  w.snd_shift = c.snd_shift & 0xfU;
  const uint32_t largest = (c.snd.max_wnd.v + (1U << c.snd_shift) - 1) >> c.snd_shift;
  w.max_wnd = static_cast<uint16_t>(std::min<uint32_t>(largest, 65535));
  w.ttl = c.ttl;
  w.dscp = c.dscp & 0x3fU;
  const uint32_t field = (c.rcv.edge - c.rcv.nxt).v >> c.rcv_shift;
  w.window = static_cast<uint16_t>(std::min<uint32_t>(field, 65535));
  (void)cx;
  return w;
}

void enter_time_wait(Connection& c, Context& cx) {
  if (cx.time_wait.used() >= cx.config.max_time_wait && cx.time_wait_list.head != kNone) {
    ++cx.counters.time_wait_evicted;
    remove_time_wait(cx.time_wait_list.head, Event::Evicted, cx);
  }
  const uint32_t index = cx.time_wait.allocate();
  ASSERT(index != kNone);
  cx.time_wait[index] = as_time_wait(c, cx);
  start_2msl(index, cx);
  const uint32_t connection = cx.index_of(c);
  cx.table.replace(c.tag, {Tier::Connection, connection}, {Tier::TimeWait, index});
  cx.wheel.remove(connection);
  c.waiting = Waiting::Nothing;
  if (c.orphan != 0) {
    forget(c, cx);
    return;
  }
  cx.time_wait[index].owner =
      connection & kLargestIndex;  // unread text stays for the one who holds the handle
  c.listener_or_next = index;
  c.gone = 1;
}

void segment_arrives_in_time_wait(uint32_t index, const wire::Segment& seg, Context& cx) {
  TimeWait& w = cx.time_wait[index];
  switch (judge(w, seg, cx)) {
    case Verdict::Stay: return;
    case Verdict::Restart:
      cx.time_wait_list.remove(index, cx.time_wait);
      start_2msl(index, cx);
      return;
    case Verdict::Reset: remove_time_wait(index, Event::RstArrived, cx); return;
    case Verdict::Reuse: break;
  }
  const FlowKey key = w.key;
  const FlowHash hash = hash_of(cx.flow_key, key);
  cx.time_wait_list.remove(index, cx.time_wait);
  const bool opened = open_half({find_listener(key, cx), index}, key, hash, seg, cx);
  ASSERT(opened);  // refusal() has just said that there is room
  ++cx.counters.time_wait_reused;
}

void segment_arrives_at_shadow(const TimeWait& shadow, const wire::Segment& seg, Context& cx) {
  // 2MSL begins at the end of this burst anyway; a reset or a new SYN must come again.
  TimeWait w = shadow;
  (void)judge(w, seg, cx);
}

void remove_time_wait(uint32_t index, Event event, Context& cx) {
  TimeWait& w = cx.time_wait[index];
  advance({State::TimeWait, event}, w.key, Handle{}, cx);
  cx.table.erase(w.tag, {Tier::TimeWait, index});
  cx.time_wait_list.remove(index, cx.time_wait);
  tell_owner(w, cx);
  cx.time_wait.release(index);
}

void forget_suspended(uint32_t index, Context& cx) {
  tell_owner(cx.time_wait[index], cx);
  cx.time_wait.release(index);
}

// MAY-2 (2): the SYN that TIME-WAIT gave way to was an old duplicate.
// SA-TW-14.
void restore_time_wait(uint32_t half_open_index, Context& cx) {
  const HalfOpen& h = cx.half_open[half_open_index];
  const uint32_t index = h.suspended;
  const uint32_t tag = cx.time_wait[index].tag;
  cx.table.replace(tag, {Tier::HalfOpen, half_open_index}, {Tier::TimeWait, index});
  cx.half_open_lists[h.retries].remove(half_open_index, cx.half_open);
  --cx.listeners[h.listener].half_open;
  advance({State::SynReceived, Event::ReuseRefused}, h.key, Handle{}, cx);
  cx.half_open.release(half_open_index);
  start_2msl(index, cx);
}

// SA-TW-22; U-26.
uint32_t expire_time_wait(Context& cx, uint32_t budget) {
  uint32_t done = 0;
  for (; done < budget && cx.time_wait_list.head != kNone; ++done) {
    const uint32_t index = cx.time_wait_list.head;
    const TimeWait& w = cx.time_wait[index];
    if (before(cx.tick, w.expiry)) break;
    if (w.links.next != kNone) {  // long unused: on its way while this one goes
      const TimeWait& next = cx.time_wait[w.links.next];
      cx.table.prefetch(next.tag);
      if (next.links.next != kNone) __builtin_prefetch(&cx.time_wait[next.links.next]);
    }
    record_key_timer(w.key, TimerKind::TimeWait, 1,
                     static_cast<uint32_t>(cx.config.two_msl.to_ms()), cx);
    remove_time_wait(index, Event::TimeWaitExpired, cx);
  }
  return done;
}

}  // namespace rapport::tcp
