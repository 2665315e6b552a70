// First: check sequence number (RFC 9293 3.4, 3.10.7.4), with PAWS before it (RFC 7323 5.3) and the
// segment trimmed to the window after it. An unacceptable segment owes an ACK unless it is a reset.
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rapport::tcp {

namespace {

constexpr uint16_t kStaleHours = 24 * 24;  // R7323-22: TS.Recent is void after 24 idle days

ByteCount receive_window(const Connection& c) {
  return c.rcv.edge - c.rcv.nxt;
}

// An ACK for what has no text may be answered in the same way by the other end: two ends whose
// numbers have come apart would never stop. So it goes out once an interval (choice 67); a probe,
// which repeats the last number, has its answer as often as an RTO lets it ask.
// SA-ALL-17.
bool may_answer_empty(Connection& c, const Arrival& a, Context& cx) {
  const bool probe = a.seq + 1_B == c.rcv.nxt;
  const Duration interval = probe ? std::min(cx.config.challenge_interval, cx.config.min_rto)
                                  : cx.config.challenge_interval;
  if (c.challenged != 0 && cx.tick - c.challenged_at < static_cast<uint32_t>(interval.to_ms())) {
    ++cx.counters.challenges_throttled;
    return dropped(c, DropReason::ChallengeThrottled, cx);
  }
  c.challenged = 1;
  c.challenged_at = cx.tick;
  return true;
}

// RFC 7323 3.2 and 5.3. PAWS never applies to RST (R7323-20). A SYN may lack the timestamp: the
// peer began anew without any, and the challenge (RFC 5961 4.2) is how it finds out (choice 12).
// SA-ALL-01 to -03; R7323-11 to -13, -19, -21. No D-SACK for what PAWS refuses (R2883-6).
bool timestamps_allow(Connection& c, const Arrival& a, Context& cx) {
  if (c.timestamps_on == 0 || a.has(wire::kRst)) return true;
  if (!holds(Rule::Paws, cx.config)) return true;
  const wire::Options& o = a.whole.options;
  if (!o.has_timestamps) {
    return a.syn || !cx.config.require_timestamps || dropped(c, DropReason::TimestampMissing, cx);
  }
  if (static_cast<int32_t>(o.tsval - c.ts_recent) >= 0) return true;
  if (static_cast<uint16_t>(cx.hour - c.heard_hour) > kStaleHours) {
    c.ts_recent = o.tsval;
    return true;
  }
  if (a.length() == 0_B && !may_answer_empty(c, a, cx)) return false;
  owe_own_ack(c, {.kind = Debt::Kind::Duplicate}, cx);
  return dropped(c, DropReason::PawsRejected, cx);
}

// R7323-17: the clock value to echo moves only with a segment that begins at or before the last
// number we acknowledged.
// Nor with one beyond a hole (R7323-18).
void note_timestamp(Connection& c, const Arrival& a) {
  const wire::Options& o = a.whole.options;
  if (c.timestamps_on == 0 || !o.has_timestamps || a.has(wire::kRst)) return;
  if (at_or_before(a.whole.seq, c.rcv.last_ack_sent)
      && static_cast<int32_t>(o.tsval - c.ts_recent) >= 0) {
    c.ts_recent = o.tsval;
  }
}

// RFC 5961 3.2: only SEG.SEQ counts for a reset; with a closed window only RCV.NXT is inside.
// SA-*-05, SA-SYNRCVD-05, SA-ALL-11; U-30, R5961-1.
bool reset_is_in_window(const Connection& c, const Arrival& a) {
  return a.whole.seq == c.rcv.nxt || in_window(a.whole.seq, c.rcv.nxt, receive_window(c));
}

// The four cases of RFC 9293 3.4, Table 6. A segment that begins before RCV.NXT and ends beyond the
// window holds all of it: it is trimmed at both ends rather than refused (SA-ESTAB-38).
// SA-*-01 to -04, SA-SYNRCVD-01 to -04; U-5, and modulo 2^32 (U-3). The edge is the furthest ever
// offered (R7323-6).
bool fits(const Connection& c, const Arrival& a) {
  const ByteCount window = receive_window(c);
  const ByteCount length = a.length();
  if (length == 0_B) {
    return window == 0_B ? a.seq == c.rcv.nxt : in_window(a.seq, c.rcv.nxt, window);
  }
  if (window == 0_B) return a.seq == c.rcv.nxt;  // trimmed to nothing below (MUST-66)
  return before(a.seq, c.rcv.edge) && after(a.end(), c.rcv.nxt);
}

// SA-ALL-08, SA-ESTAB-23, -37, SA-FW1-31, SA-FW2-28, SA-CW-19, SA-CLOSING-16, SA-LASTACK-16,
// SA-SYNRCVD-30; U-6, U-9, U-16.
bool refuse(Connection& c, const Arrival& a, Context& cx) {
  if (a.length() == 0_B && !may_answer_empty(c, a, cx)) return false;
  // The last segment again: our ACK of it was lost, and the one we owe now must echo this copy's
  // clock, or the sender takes all its time-outs in between for one round trip (R7323-17; BSD and
  // Linux count a segment that ends at Last.ACK.sent too).
  if (a.length() > 0_B && a.end() == c.rcv.last_ack_sent) note_timestamp(c, a);
  Debt debt{.kind = Debt::Kind::Duplicate};
  if (!a.text.empty() && before(a.seq, c.rcv.nxt)) {  // it came before: D-SACK (RFC 2883 4)
    const Seq text_end = a.seq + ByteCount{a.text.size()};
    debt.dsack = {a.seq, earlier(text_end, c.rcv.nxt)};
  }
  owe_own_ack(c, debt, cx);
  return dropped(c, DropReason::NotAcceptable, cx);
}

// SA-ESTAB-21, SA-FW1-27, SA-FW2-25, SA-SYNRCVD-28; U-29.
void trim_left(const Connection& c, Arrival& a) {
  if (!before(a.seq, c.rcv.nxt)) return;
  const ByteCount old = c.rcv.nxt - a.seq;
  const auto cut = std::min<size_t>(old.v, a.text.size());
  a.again = {a.seq, a.seq + ByteCount{cut}};
  a.text = a.text.subspan(cut);
  a.seq = c.rcv.nxt;
}

// A closed window refuses what it cuts off, and that is answered whatever the ACK field says
// (SA-ESTAB-03); what is cut off elsewhere belongs to a segment that was taken.
// SA-ESTAB-22, SA-FW1-28, SA-FW2-26.
void trim_right(Connection& c, Arrival& a, Context& cx) {
  if (!after(a.end(), c.rcv.edge)) return;
  const ByteCount room = c.rcv.edge - a.seq;
  a.beyond = room > 0_B;
  a.fin = false;  // the FIN lies behind the text, so it goes first
  if (a.text.size() > room.v) a.text = a.text.first(room.v);
  cx.drop(DropReason::TextBeyondWindow);
  if (!a.beyond) owe_ack(c, cx);
}

// SYN-RECEIVED by simultaneous open: the peer's SYN again, or its SYN,ACK (choices 8 and 10). The
// SYN lies left of the window and is trimmed here. False when the segment is answered.
// SA-SYNRCVD-10, -13, -25.
bool take_repeated_syn(Connection& c, Arrival& a, Context& cx) {
  if (c.state != State::SynReceived || !a.syn || a.has(wire::kRst) || a.seq != c.rcv.irs) {
    return true;
  }
  if (!a.has(wire::kAck)) {
    if (c.challenged == 0
        || cx.tick - c.challenged_at
               >= static_cast<uint32_t>(cx.config.challenge_interval.to_ms())) {
      c.challenged = 1;
      c.challenged_at = cx.tick;
      c.owes_syn = 1;
      mark_dirty(c, cx);
    }
    return dropped(c, DropReason::AckMissing, cx);
  }
  if (a.whole.ack != c.snd.nxt) return true;  // by the letter: left of the window
  a.syn = false;
  a.seq += 1_B;
  return true;
}

}  // namespace

bool sequence_is_acceptable(Connection& c, Arrival& a, Context& cx) {
  if (!take_repeated_syn(c, a, cx) || !timestamps_allow(c, a, cx)) return false;
  if (a.has(wire::kRst)) {
    return reset_is_in_window(c, a) || dropped(c, DropReason::RstOutsideWindow, cx);
  }
  if (a.syn && is_synchronized(c.state)) return true;  // any SEQ: the fourth step challenges it
  if (!fits(c, a)) return refuse(c, a, cx);
  note_timestamp(c, a);
  c.last_heard = cx.tick_up;
  c.heard_hour = cx.hour;
  if (c.extras != kNone) cx.extras[c.extras].keep_alives_sent = 0;
  trim_left(c, a);
  trim_right(c, a, cx);
  return true;
}

// Only once the ACK field is found good: a segment without ACK is dropped in silence, and one whose
// ACK draws a reset draws nothing else (3.10.7.4, fifth). D-SACK for what came again (R2883-4).
bool trimming_is_told(Connection& c, Arrival& a, Context& cx) {
  if (!a.again.empty()) {
    owe_own_ack(c, {.kind = Debt::Kind::Duplicate, .dsack = a.again}, cx);
  }
  if (a.beyond) owe_ack(c, cx);
  return true;
}

}  // namespace rapport::tcp
