// Every segment by itself: its numbers and bits, its clock, the resets, the timers.
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

// With fewer buffers free a host may have been without any a moment ago.
constexpr uint32_t kPlenty = 100;

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

// What is wrong with the control bits for the state that sends them; nothing when they are right.
std::string_view bits_of(const Incarnation& life, const TraceSegment& s) {
  const State state = life.state;
  const bool opens = tcp::is_one_of<State::SynSent, State::SynReceived>(state);
  if (has(s, wire::kSyn)) {
    if (has(s, wire::kFin)) return "SYN and FIN in one segment";
    // CLOSE in SYN-RECEIVED leads to FIN-WAIT-1 with the SYN still to be acknowledged (3.10.4); a
    // FIN with an old ACK, which nobody but a forger sends, from there to CLOSING.
    const bool again =
        tcp::is_one_of<State::FinWait1, State::Closing>(state) && life.una == life.iss;
    if (!opens && !again) return "a SYN outside of a handshake";
    if (has(s, wire::kAck) == (state == State::SynSent)) return "the wrong kind of SYN";
    return {};
  }
  if (!has(s, wire::kAck)) return "no ACK outside of SYN-SENT";
  if (state == State::SynSent) return "an ACK before the peer's SYN";
  if (has(s, wire::kFin) && !tcp::we_have_closed(state)) return "a FIN that nobody asked for";
  // A keep-alive may carry one octet of garbage (MAY-6).
  const bool keeps_alive = s.text_length == 1 && Seq{s.seq} + 1_B == life.snd_max;
  if (s.text_length == 0 || keeps_alive) return {};
  if (opens) return "text before the handshake is complete";
  if (state == State::FinWait2 || state == State::TimeWait) {
    return "text when all of ours was acknowledged";
  }
  return {};
}

}  // namespace

void Invariants::check_numbers(Incarnation& life, const TraceSegment& s, Instant at) {
  const auto complain = [&](std::string_view what) {
    note(Invariant::LegalNumbers, life.host,
         std::string(what) + ": SEQ " + std::to_string(s.seq) + ", " + std::to_string(s.text_length)
             + " octets, in " + std::string(tcp::name(life.state)));
  };
  if (const std::string_view wrong = bits_of(life, s); !wrong.empty()) complain(wrong);
  const Seq seq{s.seq};
  if (!life.iss) return;
  if (has(s, wire::kSyn)) {
    if (seq != *life.iss) complain("a SYN with another number than the first");
    return;
  }
  const Seq behind = seq + ByteCount{s.text_length + (has(s, wire::kFin) ? 1U : 0U)};
  if (after(seq, life.snd_max)) complain("numbers are left out");
  // A keep-alive's number is SND.NXT - 1 (MUST-25), a probe's SND.UNA - 1, with an octet or none.
  const bool probes = s.text_length <= 1 && !has(s, wire::kFin)
                      && (seq + 1_B == life.snd_max || seq + 1_B == life.una);
  if (before(seq, life.una_before) && !probes) complain("older than what was acknowledged");
  if (life.fin_end && after(behind, *life.fin_end)) complain("text behind our FIN");
  if (life.fin_end && has(s, wire::kFin) && behind != *life.fin_end) complain("our FIN has moved");
  if (has(s, wire::kUrg) && s.urgent != UINT16_MAX) {  // MUST-62; a pointer may be too far to say
    const uint64_t end = (seq + ByteCount{s.urgent} - (*life.iss + 1_B)).v;
    const bool known = std::ranges::binary_search(life.ends_of_sends, end);
    if (!known && life.octets_written < UINT32_MAX) complain("the urgent pointer ends nowhere");
  }
  // Each debt of a burst is paid with the ACK of its own moment, the cumulative one among them.
  if (life.ack_sent_at != at) {
    life.ack_sent_at = at;
    life.ack_before = life.ack_sent;
  }
  if (life.ack_before && before(Seq{s.ack}, *life.ack_before)) complain("the ACK goes back");
  life.ack_sent = life.ack_sent ? later(*life.ack_sent, Seq{s.ack}) : Seq{s.ack};
}

// RFC 7323 5.4: the clock of a connection's timestamps never goes back.
void Invariants::check_clock(Incarnation& life, const TraceSegment& s) {
  if (s.option_length == 0) return;
  wire::Options o;
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
  if (has(s, wire::kSyn) && o.has_window_scale) life.own_shift = o.window_scale;
  if (!o.has_timestamps) return;
  if (life.tsval_sent && static_cast<int32_t>(o.tsval - *life.tsval_sent) < 0) {
    note(Invariant::ClockForward, life.host,
         "TSval " + std::to_string(o.tsval) + " is sent after " + std::to_string(*life.tsval_sent));
  }
  life.tsval_sent = o.tsval;
  life.tsecr_sent = o.tsecr;
}

void Invariants::check_reset(const HostRecord& r, const TraceSegment& s, Place& place) {
  if (place.current == kNobody && place.resets_owed > 0) {
    --place.resets_owed;
    return;
  }
  const auto answers = [&](const TraceSegment& p) {  // RFC 9293 3.10.7.1
    if (has(p, wire::kAck)) return !has(s, wire::kAck) && s.seq == p.ack;
    const uint32_t length =
        p.text_length + (has(p, wire::kSyn) ? 1U : 0U) + (has(p, wire::kFin) ? 1U : 0U);
    return s.seq == 0 && has(s, wire::kAck) && s.ack == p.seq + length;
  };
  const bool synchronized =
      place.current != kNobody && tcp::is_synchronized(lives_[place.current].state);
  const auto cause = std::ranges::find_if(place.provoked, answers);
  if (!synchronized && cause != place.provoked.end()) {
    place.provoked.erase(cause);
    return;
  }
  if (place.current != kNobody && lives_[place.current].state >= State::SynReceived) {
    const Incarnation& life = lives_[place.current];
    place.last_reset = s;
    const bool fits =
        !life.iss || (place.heard && answers(*place.heard))
        || (at_or_after(Seq{s.seq}, life.una_before) && at_or_before(Seq{s.seq}, life.snd_max));
    if (!std::exchange(place.last_word, true) && fits) return;  // its cause has to come next
    return note(Invariant::RstAllowed, r.host,
                "a reset is sent in " + std::string(tcp::name(life.state)));
  }
  note(Invariant::RstAllowed, r.host,
       "a reset, SEQ " + std::to_string(s.seq) + ", answers nothing that came");
}

// RFC 6298 5.5: each wait of a row is twice the one before, up to the largest RTO; none ends early.
void Invariants::check_timer(const HostRecord& r, Incarnation& life) {
  const auto t = r.record.as<TraceTimer>();
  const auto kind = static_cast<TimerKind>(t.timer);
  if (kind != TimerKind::Retransmission && kind != TimerKind::SynRetransmission) return;
  const Instant now = r.record.header.at;
  if (t.attempt > 1 && t.attempt == life.attempt + 1) {
    const auto most = static_cast<uint32_t>(machine(r.host).max_rto.to_ms() / 2);
    const uint32_t least = std::min(2 * life.rto_ms, most);
    const auto waited = static_cast<uint32_t>((now - life.timer_at).to_ms());
    const std::string row = "retransmission " + std::to_string(t.attempt) + " in a row: ";
    if (t.interval_ms + 2 < least) {
      note(Invariant::TimerOrDebt, r.host,
           row + "the RTO is " + std::to_string(t.interval_ms) + "ms after "
               + std::to_string(life.rto_ms) + "ms, not doubled");
    }
    if (waited + 2 < t.interval_ms) {
      note(Invariant::TimerOrDebt, r.host,
           row + "after " + std::to_string(waited) + "ms instead of "
               + std::to_string(t.interval_ms) + "ms");
    }
  }
  life.attempt = t.attempt;
  life.rto_ms = t.interval_ms;
  life.timer_at = now;
}

// MUST-40: an ACK is delayed by less than half a second, unless there is no frame to carry it.
void Invariants::check_delayed_ack(const HostRecord& r, Incarnation& life) {
  if (life.ack_owed == kNever || r.record.header.at - life.ack_owed < 500_ms) return;
  if (world_->pool(r.host).available() > kPlenty) {
    note(Invariant::TimerOrDebt, r.host,
         "text came " + std::to_string((r.record.header.at - life.ack_owed).to_ms())
             + "ms ago, and no ACK has left");
  }
  life.ack_owed = kNever;
}

// RFC 6191 2: TIME-WAIT gives way to a SYN that is newer than all of the old life, and to no other.
void Invariants::check_reuse(const Incarnation& old, const Place& place) {
  if (machine(old.host).listeners[old.tuple.local.port] <= 0) {
    note(Invariant::OneIncarnation, old.host, "TIME-WAIT gives way to a SYN, and nobody listens");
  }
  if (!place.heard || !old.ack_sent) return;
  const TraceSegment& s = *place.heard;
  wire::Options o;
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
  const bool larger = at_or_after(Seq{s.seq}, *old.ack_sent);
  bool newer = larger;
  if (o.has_timestamps && old.tsecr_sent) {
    const auto later = static_cast<int32_t>(o.tsval - *old.tsecr_sent);
    newer = later > 0 || (later == 0 && larger);
  } else if (o.has_timestamps) {
    newer = true;
  }
  const bool plain = has(s, wire::kSyn) && !has(s, wire::kAck) && !has(s, wire::kFin);
  if (newer && plain) return;
  note(Invariant::OneIncarnation, old.host,
       "TIME-WAIT gives way to a SYN that is no newer: SEQ " + std::to_string(s.seq) + " after "
           + std::to_string(old.ack_sent->v));
}

// TIME-WAIT is neither left out nor cut short; that 2MSL are kept to the tick, the oracle says.
void Invariants::check_time_wait(const HostRecord& r, const Incarnation& life) {
  const auto t = r.record.as<TraceTransition>();
  const auto from = static_cast<State>(t.from);
  const auto event = static_cast<Event>(t.event);
  if (static_cast<State>(t.to) != State::Closed) return;
  const bool left_out = (from == State::FinWait2 && event == Event::FinArrived)
                        || (from == State::Closing && event == Event::FinAcked);
  const bool killed =
      from == State::TimeWait && event == Event::RstArrived && machine(life.host).ignores_rst;
  if (left_out)
    note(Invariant::TimeWaitLength, life.host, "both have closed, TIME-WAIT is left out");
  if (killed) note(Invariant::TimeWaitLength, life.host, "a reset ends TIME-WAIT (RFC 1337)");
}

}  // namespace rapport::sim
