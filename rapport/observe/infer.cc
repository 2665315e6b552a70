// The two half-machines of each end.
#include "rapport/observe/infer.hh"

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace rapport::observe {

namespace {

using enum tcp::State;

// After so long a silence an end that only waits may have left its state by a timer: 2MSL is
// between half a minute and four minutes where people have looked, and FIN-WAIT-2 is often given up
// as soon.
constexpr Duration kForgets = 30_s;

bool has(const TraceSegment& s, wire::Flags f) {
  return (s.flags & f.v) == f.v;
}

uint32_t length_of(const TraceSegment& s) {
  return s.text_length + (has(s, wire::kSyn) ? 1U : 0U) + (has(s, wire::kFin) ? 1U : 0U);
}

Seq end_of(const TraceSegment& s) {
  return Seq{s.seq + length_of(s)};
}

bool acks(const TraceSegment& s, Seq number) {
  return has(s, wire::kAck) && at_or_before(number, Seq{s.ack});
}

}  // namespace

std::string words(const Belief& b) {
  if (!b.state) return "unknown";
  return std::string(tcp::name(*b.state)) + (b.sure ? "" : "?");
}

// The name that the two halves have together.
std::optional<tcp::State> Inference::state(const Half& h, In in) {
  if (h.closed) return Closed;
  switch (h.out) {
    case Out::Nothing: return std::nullopt;
    case Out::SynSent:
      return in == In::Nothing ? SynSent : in == In::Open ? SynReceived : CloseWait;
    case Out::Open: return in == In::FinReceived ? CloseWait : Established;
    case Out::FinSent:
      if (in != In::FinReceived) return FinWait1;
      return h.fin_first ? Closing : LastAck;
    case Out::FinAcked:
      if (in != In::FinReceived) return FinWait2;
      return h.fin_first ? TimeWait : Closed;
  }
  return std::nullopt;
}

// Of a connection begun before the capture: whether a FIN had come to this end before is not known
// until one is seen.
bool Inference::is_guess(const Half& h, In in) {
  return h.guessed && !h.closed && in != In::FinReceived;
}

Belief Inference::after_sending(const Half& h) {
  Belief b{state(h, h.proven), !h.doubted};
  if (is_guess(h, h.proven)) b.sure = false;
  return b;
}

Belief Inference::waiting(const Half& h) {
  Belief b{state(h, h.presumed), !h.doubted && !h.crossed && h.proven == h.presumed};
  b.sure = b.sure && b.state;
  if (is_guess(h, h.presumed)) b.sure = false;
  return b;
}

Belief Inference::belief(unsigned end) const {
  return waiting(halves_[end]);
}

Beliefs Inference::see(unsigned from, Instant at, const TraceSegment& s) {
  Half& me = halves_[from];
  Half& peer = halves_[1 - from];
  Beliefs b;
  b.receiver = waiting(peer);
  // Nothing seen of it: somebody who is sent a SYN listens, or nobody does.
  const bool opens = has(s, wire::kSyn) && !has(s, wire::kAck);
  if (opens && (!b.receiver.state || peer.closed))
    b.receiver = {peer.waited ? TimeWait : Listen, false};
  const bool only_waits = b.receiver.state == FinWait2 || b.receiver.state == TimeWait;
  if (only_waits && at - peer.active >= kForgets) b.receiver.sure = false;
  sent(me, peer, s);
  me.active = at;
  b.sender = after_sending(me);
  comes(peer, me, s);
  return b;
}

// --- what a sender shows of itself ---

void Inference::sent(Half& me, Half& peer, const TraceSegment& s) {
  // A copy of the SYN that was reset may be the network's.
  me.doubted = me.closed && has(s, wire::kSyn) && me.iss == Seq{s.seq};
  if ((s.flags & (wire::kSyn | wire::kFin).v) == 0) me.crossed = false;
  if (has(s, wire::kRst)) return sent_reset(me, s);
  me.closed = false;
  if (has(s, wire::kSyn)) {
    sent_syn(me, peer, s);
  } else if (me.out == Out::Nothing) {
    me.out = Out::Open;
    me.proven = me.presumed = In::Open;
    me.guessed = true;
    me.next = Seq{s.seq};
  }
  if (has(s, wire::kAck)) proves(me, peer, s);
  if (has(s, wire::kFin)) {
    const bool answers = peer.out >= Out::FinSent && acks(s, peer.fin);
    if (me.out < Out::FinSent) me.fin_first = !answers;
    me.crossed = me.out == Out::FinAcked || (me.crossed && me.out == Out::FinSent);
    me.out = Out::FinSent;
    me.fin = end_of(s);
  }
  if (before(me.next, end_of(s))) me.next = end_of(s);
}

void Inference::sent_reset(Half& me, const TraceSegment& s) {
  // In SYN-SENT, and in SYN-RECEIVED where the number is just that of an odd acknowledgment, a
  // reset answers what cannot be accepted, and the state stays (3.10.7.3, first; 3.10.7.4, fifth).
  const bool opening = me.out == Out::SynSent;
  if (opening && (me.presumed == In::Nothing || Seq{s.seq} != me.next)) return;
  // A reset that was not taken from what this end has sent may be somebody else's.
  me.doubted = me.out != Out::Nothing
               && (me.proven == In::Nothing || (Seq{s.seq} != me.next && Seq{s.seq} != me.fin));
  me.closed = true;
}

void Inference::sent_syn(Half& me, Half& peer, const TraceSegment& s) {
  if (me.out != Out::Nothing && me.iss == Seq{s.seq}) {
    me.crossed = me.crossed || me.out == Out::Open;  // again: it has not heard of an answer
    if (me.out == Out::Open) me.out = Out::SynSent;
    return;
  }
  const bool waited = me.waited;
  me = Half{};  // a new attempt, or the first
  me.waited = waited;
  me.out = Out::SynSent;
  me.iss = Seq{s.seq};
  me.next = end_of(s);
  me.passive = peer.out != Out::Nothing && has(s, wire::kAck);
}

// An acknowledgment shows what has arrived.
void Inference::proves(Half& me, const Half& peer, const TraceSegment& s) {
  const bool knows_peer = peer.out != Out::Nothing && !peer.guessed;
  const bool heard = has(s, wire::kSyn) || at_or_before(peer.iss + ByteCount{1}, Seq{s.ack});
  if (me.proven == In::Nothing && (!knows_peer || heard)) me.proven = In::Open;
  if (peer.out >= Out::FinSent) {
    const bool has_fin = at_or_before(peer.fin, Seq{s.ack});
    if (has_fin) me.proven = In::FinReceived;
  }
  me.presumed = std::max(me.presumed, me.proven);
  // Who opened actively acknowledges when its SYN was answered; else text shows it.
  const bool is_open = !has(s, wire::kSyn) && (!me.passive || s.text_length > 0);
  if (me.out == Out::SynSent && me.proven != In::Nothing && is_open) me.out = Out::Open;
  if (!me.expects || before(me.expected, Seq{s.ack})) me.expected = Seq{s.ack};
  me.expects = true;
}

// --- what probably arrives ---

void Inference::comes(Half& me, const Half& peer, const TraceSegment& s) {
  if (me.out == Out::Nothing) return;  // it will show itself
  if (has(s, wire::kRst)) return reset_comes(me, s);
  if (me.closed) return;
  if (me.out == Out::SynSent && me.presumed == In::Nothing) {
    if (has(s, wire::kSyn)) syn_comes(me, s);
    return;
  }
  if (me.out == Out::SynSent && acks(s, me.iss + ByteCount{1})) me.out = Out::Open;
  if (has(s, wire::kSyn)) return;  // challenged, or what was here already
  if (me.out == Out::FinSent && acks(s, me.fin)) me.out = Out::FinAcked;
  text_comes(me, peer, s);
}

void Inference::reset_comes(Half& me, const TraceSegment& s) {
  if (me.out == Out::SynSent && me.presumed == In::Nothing) {
    me.closed = me.closed || acks(s, me.iss + ByteCount{1});
    return;
  }
  // TIME-WAIT may ignore it (RFC 1337 3).
  const bool waits = state(me, me.presumed) == TimeWait;
  const bool exact = me.expects && Seq{s.seq} == me.expected && !waits;
  if (!exact) {
    me.doubted = true;  // RFC 5961 challenges it, older stacks believe it
    return;
  }
  if (me.passive && me.out == Out::SynSent) {
    me = Half{};  // back to LISTEN, if there still is a listener
    return;
  }
  me.closed = true;
}

void Inference::syn_comes(Half& me, const TraceSegment& s) {
  const bool answers = has(s, wire::kAck);
  if (answers && Seq{s.ack} != me.iss + ByteCount{1}) return;
  if (answers) me.out = Out::Open;
  me.presumed = In::Open;
  me.expected = Seq{s.seq + 1};
  me.expects = true;
}

void Inference::text_comes(Half& me, const Half& peer, const TraceSegment& s) {
  if (!me.expects || before(me.expected, Seq{s.seq})) return;  // something is missing before it
  if (before(me.expected, end_of(s))) me.expected = end_of(s);
  if (peer.out >= Out::FinSent && at_or_before(peer.fin, me.expected))
    me.presumed = In::FinReceived;
}

}  // namespace rapport::observe
