// The active side of the handshake: SEGMENT ARRIVES in SYN-SENT in the order ACK, RST, SYN (RFC
// 9293 3.10.7.3; the third step, security, is waived), simultaneous open, and what ESTABLISHED
// begins with.
#include "rapport/tcp/handshake.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/congestion/controller.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/rtt.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

namespace {

// First. The test is a range: text on our SYN might be acknowledged in part (U-38).
// SA-SYNSENT-01 to -03, -10, -11, -20; U-8, U-13.
bool ack_is_acceptable(Connection& c, const wire::Segment& seg, Context& cx) {
  if (!seg.flags.any(wire::kAck)) return true;
  if (after(seg.ack, c.snd.iss) && at_or_before(seg.ack, c.snd.nxt)) return true;
  (void)dropped(c, DropReason::SynSentBadAck, cx);
  reset_unacceptable_ack(c, seg, cx);  // silent when the segment is itself a reset
  return false;
}

// Second. RFC 5961's exact SEQ cannot be asked for: RCV.NXT is not known yet (choice 27).
// SA-SYNSENT-04 to -06, -23; U-11.
bool survives_reset_in_syn_sent(Connection& c, const wire::Segment& seg, Context& cx) {
  if (!seg.flags.any(wire::kRst)) return true;
  if (!seg.flags.any(wire::kAck)) return dropped(c, DropReason::SynSentRstWithoutAck, cx);
  end(c, Event::RstArrived, CloseReason::Refused, cx);
  return false;
}

// SA-SYNSENT-24, choice 36: a SYN,ACK that echoes no timestamp of ours answers somebody else's SYN.
// Ours lie between the first SYN's and now; an echo of zero is let pass, boxes on the way make it.
bool echo_is_ours(Connection& c, const wire::Segment& seg, Context& cx) {
  const wire::Options& o = seg.options;
  if (!cx.config.offer_timestamps || !seg.flags.any(wire::kAck)) return true;
  if (!o.has_timestamps || o.tsecr == 0) return true;
  const uint32_t last = timestamp_now(c, cx);
  const uint32_t first = c.stalled_since.v + c.ts_offset - 1;  // stalled_since was rounded up
  if (o.tsecr - first <= last - first) return true;
  (void)dropped(c, DropReason::SynSentBadAck, cx);
  reset_unacceptable_ack(c, seg, cx);
  return false;
}

void learn_from_syn(Connection& c, const wire::Segment& seg, Context& cx) {
  const uint16_t mss_sent = offered_mss(c.key, cx.options_of(c), cx);
  c.rcv.irs = seg.seq;
  c.rcv.nxt = seg.seq + 1_B;
  c.rcv.last_ack_sent = c.rcv.nxt;
  const ByteCount told{std::min<uint32_t>(65535, cx.options_of(c).receive_buffer.v)};
  c.rcv.edge = c.rcv.nxt + told;
  c.last_heard = cx.tick_up;
  c.heard_hour = cx.hour;
  agree(c, seg.options, cx);
  if (c.transfer != kNone) cx.transfers[c.transfer].receive.read = c.rcv.nxt;
  record_options(c, mss_sent, cx);
}

// Text, URG and FIN that came with the SYN,ACK take the remaining steps, their first octet behind
// the SYN (SA-SYNSENT-12 to -14).
void rest_is_processed(Connection& c, const wire::Segment& seg, Context& cx) {
  Arrival a(seg);
  a.syn = false;
  a.seq = c.rcv.nxt;
  if (a.text.size() > (c.rcv.edge - c.rcv.nxt).v) {
    a.text = a.text.first((c.rcv.edge - c.rcv.nxt).v);
    a.fin = false;
  }
  (void)(urgent_is_noted(c, a, cx) && text_is_taken(c, a, cx) && fin_is_taken(c, a, cx));
}

// SA-SYNSENT-09, -15, -22.
void syn_ack_arrives(Connection& c, const wire::Segment& seg, Context& cx) {
  learn_from_syn(c, seg, cx);
  if (c.retries == 0) {
    sample_rtt(c, before(cx.tick, c.stalled_since) ? 0 : (cx.tick - c.stalled_since) * 1'000);
  }
  c.snd.una = seg.ack;
  c.syn_acked = 1;
  c.waiting = Waiting::Nothing;
  const Arrival a(seg);
  window_is_learnt(c, a, ByteCount{seg.window});
  move(c, Event::SynAckArrived, cx);
  becomes_established(c, cx);
  no_more_tries(c);
  owe_ack(c, cx);
  rest_is_processed(c, seg, cx);
}

// Simultaneous open (RFC 9293 3.5, Figure 7; MUST-10): same ISS, text and FIN are left to be sent
// again (they are not covered by our ACK).
// SA-SYNSENT-16 to -18; U-12.
void syn_arrives(Connection& c, const wire::Segment& seg, Context& cx) {
  learn_from_syn(c, seg, cx);
  const Arrival a(seg);
  window_is_learnt(c, a, ByteCount{seg.window});
  c.snd.wl2 = c.snd.iss;
  move(c, Event::SynArrived, cx);
  c.owes_syn = 1;
  no_more_tries(c);
  mark_dirty(c, cx);
}

// Without Rule::MergedSynAck the peer says apart that it has our SYN, and what its own is. True:
// the segment was one of the two.
[[maybe_unused]] bool is_half_an_answer(Connection& c, const wire::Segment& seg, Context& cx) {
  const bool ack = seg.flags.any(wire::kAck);
  if (seg.flags.any(wire::kSyn) == ack) return false;
  if (ack) {
    c.syn_acked = 1;
    c.waiting = Waiting::Nothing;  // the next move is the peer's
    mark_dirty(c, cx);
    return true;
  }
  if (c.syn_acked == 0) return false;
  wire::Segment both = seg;
  both.flags = both.flags | wire::kAck;
  both.ack = c.snd.nxt;
  syn_ack_arrives(c, both, cx);
  return true;
}

}  // namespace

// Fifth: neither SYN nor RST is dropped (SA-SYNSENT-19, -21; U-34).
void segment_arrives_in_syn_sent(Connection& c, const wire::Segment& seg, Context& cx) {
  if (!ack_is_acceptable(c, seg, cx) || !survives_reset_in_syn_sent(c, seg, cx)) return;
  if constexpr (kRuleSwitches) {
    if (!holds(Rule::MergedSynAck, cx.config) && is_half_an_answer(c, seg, cx)) return;
  }
  if (!seg.flags.any(wire::kSyn)) {  // fifth
    dropped(c, DropReason::SynSentNoSyn, cx);
    return;
  }
  if (!echo_is_ours(c, seg, cx)) return;
  if (seg.flags.any(wire::kAck)) {
    syn_ack_arrives(c, seg, cx);
  } else {
    syn_arrives(c, seg, cx);
  }
}

uint16_t syn_window(Connection& c, Context& cx) {
  const uint32_t buffer = cx.options_of(c).receive_buffer.v;
  return static_cast<uint16_t>(std::min<uint32_t>(65535, buffer));
}

void send_syn(Connection& c, Context& cx) {
  const bool answering = c.state != State::SynSent;
  const wire::Options options = answering ? syn_ack_options(c, cx) : syn_options(c, cx);
  Draft d = draft_for(c, answering ? wire::kSyn | wire::kAck : wire::kSyn, cx);
  d.seq = c.snd.iss;
  d.ack = answering ? c.rcv.nxt : Seq{0};
  d.window = syn_window(c, cx);
  d.options = &options;
  d.retransmission = c.snd.nxt != c.snd.iss && c.retries > 0;
  d.cause = c.retries > 0 ? SendCause::Timer : (c.called != 0 ? SendCause::Call : SendCause::Stack);
  if (!emit(d, cx)) return;
  if (d.retransmission) ++cx.counters.syn_retransmissions;
  c.owes_syn = 0;
  if (answering) c.owes_ack = 0;
  if (c.snd.nxt == c.snd.iss) {
    c.snd.nxt = c.snd.iss + 1_B;
    c.stalled_since = cx.tick_up;
  }
  if (!holds(Rule::ThirdSegment, cx.config) && is_synchronized(c.state)) return;
  wait_for(c, Waiting::Retransmission, rto_us(c, cx), cx);
}

// SSTHRESH as high as can be, no credit for the handshake (R5681-4, -14; R6928-1).
void becomes_established(Connection& c, Context& cx) {
  // R6928-2: one lost SYN does not cut the initial window, several do.
  const uint32_t initial = initial_window(c.mss, cx.config.initial_window_segments);
  c.cwnd = c.syn_timed_out != 0 && c.retries > 1 ? c.mss : initial;
  c.ssthresh = UINT32_MAX / 2;
  c.backoff = 0;  // what the SYN's loss means for the RTO is R6298-11
  c.quick_acks = static_cast<uint8_t>(std::min<uint16_t>(cx.config.quick_acks, 255));
  c.last_sent = cx.tick_up;
  // A SYN that found no frame, or whose burst is not over, is not sent any more: the peer has it
  // (3.10.7.4, fifth). What it would have acknowledged still has to be.
  if (c.owes_syn != 0 && holds(Rule::ThirdSegment, cx.config)) {
    c.owes_syn = 0;
    owe_ack(c, cx);
  }
  if (c.extras != kNone) cx.extras[c.extras].soft_error = wire::IcmpKind::Unknown;  // it is over
  tell(c, What::Connected, cx);
  // A CLOSE that waited for its text (SA-SYNRCVD-24).
  if (c.fin_queued != 0 && c.state == State::Established) move(c, Event::CloseCalled, cx);
  mark_dirty(c, cx);
}

}  // namespace rapport::tcp
