// The two halves of every end, and what makes a change of state believable.
#include "rapport/sim/oracle.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

uint32_t sequence_length(const TraceSegment& s) {
  return s.text_length + (has(s, wire::kSyn) ? 1U : 0U) + (has(s, wire::kFin) ? 1U : 0U);
}

// A tuple without an end: its segments belong to a listener or to nobody.
bool is_nobody(State s) {
  return s == State::Closed || s == State::Listen;
}

bool is_at(const std::map<HostId, Instant>& times, HostId h, Instant at) {
  const auto found = times.find(h);
  return found != times.end() && found->second == at;
}

}  // namespace

bool ack_was_taken(const TraceDrop& d) {
  using enum DropReason;
  const auto r = static_cast<DropReason>(d.reason);
  return r == TextAfterFin || r == FinAfterFin || r == BufferFull || r == ReassemblyFull
         || r == DataAfterClose;
}

State Halves::name() const {
  switch (sending) {
    case Sending::Closed: return State::Closed;
    case Sending::SynSent:
      return receiving == Receiving::None ? State::SynSent : State::SynReceived;
    case Sending::Open:
      return receiving == Receiving::FinReceived ? State::CloseWait : State::Established;
    case Sending::FinSent:
      if (receiving != Receiving::FinReceived) return State::FinWait1;
      return answered ? State::LastAck : State::Closing;
    case Sending::FinAcked:
      if (receiving != Receiving::FinReceived) return State::FinWait2;
      return answered ? State::Closed : State::TimeWait;
  }
  return State::Closed;
}

void Coverage::add(uint32_t left, uint32_t right) {
  if (left >= right) return;
  auto at = runs_.upper_bound(left);
  if (at != runs_.begin() && std::prev(at)->second >= left) {
    --at;
    left = at->first;
  }
  while (at != runs_.end() && at->first <= right) {
    right = std::max(right, at->second);
    at = runs_.erase(at);
  }
  runs_.emplace(left, right);
}

bool Coverage::covers(uint32_t right) const {
  return right == 0
         || (!runs_.empty() && runs_.begin()->first == 0 && runs_.begin()->second >= right);
}

void Oracle::recorded(const HostRecord& record) {
  const TraceHeader& h = record.record.header;
  if (h.key.remote_port == 0) {  // a listener's record, or one without a tuple
    const bool call = h.kind == TraceKind::Call;
    if (call
        && static_cast<CallKind>(record.record.as<TraceCall>().call) == CallKind::CloseListener)
      listener_closed_[record.host] = h.at;
    return;
  }
  const Key key{record.host, h.local, h.key.local_port, h.key.remote, h.key.remote_port};
  End& end = ends_[key];
  switch (h.kind) {
    case TraceKind::Segment: segment(record, end); break;
    case TraceKind::Transition: transition(record, end); break;
    default: noted(record, end); break;
  }
}

// What is no segment and no change of state, but evidence.
void Oracle::noted(const HostRecord& record, End& end) {
  const TraceHeader& h = record.record.header;
  switch (h.kind) {
    case TraceKind::Call: {
      const auto c = record.record.as<TraceCall>();
      const auto call = static_cast<CallKind>(c.call);
      const bool parts =
          call == CallKind::Close || call == CallKind::ShutdownWrite || call == CallKind::Abort;
      if (parts && c.failed == 0) {
        end.called = h.at;
        end.close_waits = end.halves.name() == State::SynReceived;
      }
      break;
    }
    case TraceKind::Timer:
      end.timer = record.record.as<TraceTimer>();
      end.timer_at = h.at;
      break;
    case TraceKind::Drop:
      end.dropped_at = h.at;
      dropped(record.record.as<TraceDrop>(), end);
      break;
    case TraceKind::Icmp: end.icmp_at = h.at; break;
    default: break;
  }
}

void Oracle::dropped(const TraceDrop& d, End& end) {
  if (!end.heard || d.serial != end.heard->serial) return;
  end.fins.resize(std::min(end.fins.size(), end.fins_before));
  if (!ack_was_taken(d)) {
    end.una = end.una_before;
    end.irs = end.irs_before;
    end.progress = end.progress_before;
    end.heard_at = end.heard_before;
  }
  // A FIN that was dropped has not restarted TIME-WAIT; but one that comes again lies left of the
  // window, and is dropped and answered for that.
  const bool again = d.reason == static_cast<uint8_t>(DropReason::NotAcceptable);
  if (!again) end.quiet_since = end.quiet_before;
}

void Oracle::forget(HostId h) {
  for (auto e = ends_.begin(); e != ends_.end();) {
    e = std::get<0>(e->first) == h ? ends_.erase(e) : std::next(e);
  }
}

void Oracle::segment(const HostRecord& r, End& end) {
  const auto s = r.record.as<TraceSegment>();
  const auto traced = static_cast<State>(s.state);
  const State derived = end.halves.name();
  const bool is_sent = static_cast<Direction>(s.direction) == Direction::Sent;
  // The state is that after sending: a reset that ends the connection is sent by nobody.
  const bool last_word = is_sent && has(s, wire::kRst) && traced == State::Closed;
  if (traced != derived && !last_word && !(is_nobody(traced) && is_nobody(derived))) {
    complain(r, "a segment is traced in " + std::string(tcp::name(traced)));
  }
  if (is_sent) {
    sent(r, s, end);
  } else {
    heard(r, s, end);
  }
}

void Oracle::sent(const HostRecord& r, const TraceSegment& s, End& end) {
  if (has(s, wire::kRst) || end.halves.sending == Sending::Closed) return;
  const Seq behind = Seq{s.seq} + ByteCount{sequence_length(s)};
  if (has(s, wire::kSyn)) {
    if (end.iss != Seq{s.seq}) {
      end.una = end.una_before = Seq{s.seq};
      end.progress = end.progress_before = r.record.header.at;
    }
    end.iss = Seq{s.seq};
    end.snd_max = behind;
  }
  if (!end.iss) return;
  end.snd_max = later(end.snd_max, behind);
  if (has(s, wire::kFin)) end.fin_end = behind;
  const bool answers = end.halves.receiving == Receiving::FinReceived && has(s, wire::kAck);
  if (answers && !end.fin_taken) end.fin_taken = Seq{s.ack} - 1_B;
}

void Oracle::heard(const HostRecord& r, const TraceSegment& s, End& end) {
  if (has(s, wire::kSyn)) syn_heard_[r.host] = r.record.header.at;
  end.heard = s;
  end.heard_before = std::exchange(end.heard_at, r.record.header.at);
  end.una_before = end.una;
  end.irs_before = end.irs;
  end.fins_before = end.fins.size();
  end.progress_before = end.progress;
  const bool acks = has(s, wire::kAck) && !has(s, wire::kRst) && end.iss;
  if (acks && after(Seq{s.ack}, end.una) && at_or_before(Seq{s.ack}, end.snd_max)) {
    end.una = Seq{s.ack};
    end.progress = r.record.header.at;
  }
  end.quiet_before = end.quiet_since;
  // Only the SYN that the next change of state takes counts; later ones are strays.
  const bool waits = is_nobody(end.halves.name()) || end.halves.name() == State::SynSent;
  if (has(s, wire::kSyn) && waits) end.irs = Seq{s.seq};
  if (!end.irs || has(s, wire::kRst)) return;
  const Seq first = Seq{s.seq} + ByteCount{has(s, wire::kSyn) ? 1U : 0U};
  const Seq origin = *end.irs + 1_B;
  const Seq behind = first + ByteCount{s.text_length};
  if (after(behind, origin)) {
    end.received.add((later(first, origin) - origin).v, (behind - origin).v);
  }
  if (!has(s, wire::kFin)) return;
  const bool known = std::ranges::find(end.fins, behind) != end.fins.end();
  if (end.halves.receiving != Receiving::FinReceived) {
    if (!known) end.fins.push_back(behind);
    return;
  }
  // It was taken: this is the same again, or a forged one, which counts for nothing.
  const bool same = end.fin_taken ? end.fin_taken == behind : known;
  const bool again = same && acks && at_or_before(Seq{s.ack}, end.snd_max);
  if (again && end.halves.name() == State::TimeWait) end.quiet_since = r.record.header.at;
}

void Oracle::transition(const HostRecord& r, End& end) {
  const auto t = r.record.as<TraceTransition>();
  const auto from = static_cast<State>(t.from);
  const auto event = static_cast<Event>(t.event);
  const State before = end.halves.name();
  if (from != before && !(is_nobody(from) && is_nobody(before))) {
    return complain(r, "it leaves " + std::string(tcp::name(from)));
  }
  if (!is_evident(r, event, end)) return complain(r, "nothing shows that this happened");
  apply(event, end);
  const auto to = static_cast<State>(t.to);
  const State after_it = end.halves.name();
  if (to != after_it && !(is_nobody(to) && is_nobody(after_it))) {
    return complain(r, "it enters " + std::string(tcp::name(to)));
  }
  ++believed_;
  if (to == State::TimeWait && from != State::TimeWait) {
    end.quiet_since = end.quiet_before = r.record.header.at;
    end.exact = event != Event::ReuseRefused;
    time_wait_began_[r.host] = r.record.header.at;
  }
  if (is_nobody(to)) end = {};
}

bool Oracle::is_evident(const HostRecord& r, Event event, const End& end) const {
  const TraceSegment* const s = end.heard ? &*end.heard : nullptr;
  const bool acks_syn = s != nullptr && has(*s, wire::kAck) && end.iss
                        && after(Seq{s->ack}, *end.iss) && at_or_before(Seq{s->ack}, end.snd_max);
  switch (event) {
    case Event::SynArrived:
    case Event::SynInWindow:
    case Event::TupleReused: return s != nullptr && has(*s, wire::kSyn);
    case Event::SynAckArrived: return acks_syn && has(*s, wire::kSyn);
    case Event::SynAcked: return acks_syn;
    case Event::HardErrorArrived: return end.icmp_at == r.record.header.at;
    case Event::RstArrived: return s != nullptr && has(*s, wire::kRst);
    case Event::ReuseRefused:
      return (s != nullptr && has(*s, wire::kRst)) || is_at(syn_heard_, r.host, r.record.header.at);
    case Event::CloseCalled: return end.called == r.record.header.at || end.close_waits;
    case Event::FinAcked:
      return s != nullptr && has(*s, wire::kAck) && end.fin_end && Seq{s->ack} == *end.fin_end;
    case Event::FinArrived:
      return std::ranges::any_of(end.fins, [&end](Seq fin) {
        return end.irs && end.received.covers((fin - (*end.irs + 1_B)).v);
      });
    case Event::TimeWaitExpired: return has_waited(r, end);
    case Event::DataAfterClose:
      return s != nullptr && s->text_length > 0 && end.heard_at == r.record.header.at;
    case Event::AbortCalled: return may_abort(r, end);
    case Event::ListenerClosed: return listener_goes(r);
    case Event::Evicted: return may_evict(r, end);
    case Event::GaveUp: return may_give_up(r.record.header.at, end);
    case Event::OpenedActive:
    case Event::OpenedPassive: return true;  // how every end begins
  }
  return false;
}

bool Oracle::listener_goes(const HostRecord& r) const {
  return is_at(listener_closed_, r.host, r.record.header.at);
}

// By ABORT, by a CLOSE that cannot be kept, with its listener, or because a drain's time is over.
bool Oracle::may_abort(const HostRecord& r, const End& end) const {
  const Instant now = r.record.header.at;
  const auto drain = drains_.find(r.host);
  return end.called == now || listener_goes(r) || (drain != drains_.end() && now >= drain->second);
}

// Out of TIME-WAIT, because another end needs the place; out of SYN-RECEIVED, because its ACK found
// the accept queue full.
bool Oracle::may_evict(const HostRecord& r, const End& end) const {
  const Instant now = r.record.header.at;
  if (end.halves.name() == State::TimeWait) return is_at(time_wait_began_, r.host, now);
  if (is_at(syn_heard_, r.host, now)) return true;
  const bool came = end.heard_at == now || end.dropped_at == now;
  return came && end.heard && has(*end.heard, wire::kAck);
}

// Only a timer that fired at this instant gives up, and what it waited for has not happened since.
bool Oracle::may_give_up(Instant now, const End& end) {
  if (end.timer_at != now) return false;
  const Duration waited = end.timer.interval_ms * 1_ms;
  switch (static_cast<TimerKind>(end.timer.timer)) {
    case TimerKind::UserTimeout: return now - end.progress >= waited;
    case TimerKind::KeepAlive:
      return end.timer.attempt > 1 && (end.heard_at == kNever || now - end.heard_at >= waited);
    case TimerKind::FinWait2: return end.called != kNever && now - end.called >= waited;
    case TimerKind::Linger: return end.called != kNever;
    case TimerKind::HalfOpen: return end.halves.name() == State::SynReceived;
    default: return false;
  }
}

// TIME-WAIT lasts 2MSL after the last FIN, to the first tick of a millisecond (MUST-13).
bool Oracle::has_waited(const HostRecord& r, const End& end) const {
  constexpr int64_t tick = 1'000'000;
  const auto two_msl = two_msl_.find(r.host);
  if (two_msl == two_msl_.end() || !end.exact) return true;
  const int64_t due = (end.quiet_since + two_msl->second).ns;
  return r.record.header.at.ns == (due + tick - 1) / tick * tick;
}

void Oracle::apply(Event event, End& end) {
  Halves& h = end.halves;
  switch (event) {
    case Event::OpenedActive: h.sending = Sending::SynSent; break;
    case Event::TupleReused:
      h = {.sending = Sending::SynSent, .receiving = Receiving::Open};
      end.fin_end.reset();
      end.fins.clear();
      end.fin_taken.reset();
      end.received = {};
      if (end.heard) end.irs = Seq{end.heard->seq};
      break;
    case Event::SynArrived:
      h.sending = Sending::SynSent;
      h.receiving = Receiving::Open;
      break;
    case Event::SynAckArrived: h.receiving = Receiving::Open; [[fallthrough]];
    case Event::SynAcked: h.sending = Sending::Open; break;
    case Event::CloseCalled:
      end.close_waits = false;
      if (h.receiving == Receiving::None) {
        h = {};
      } else {
        h.sending = Sending::FinSent;
        h.answered = h.receiving == Receiving::FinReceived;
      }
      break;
    case Event::FinAcked: h.sending = Sending::FinAcked; break;
    case Event::FinArrived: h.receiving = Receiving::FinReceived; break;
    case Event::ReuseRefused:
      h = {.sending = Sending::FinAcked, .receiving = Receiving::FinReceived};
      break;
    default: h = {}; break;  // every other event ends the connection
  }
}

void Oracle::complain(const HostRecord& r, const std::string& what) {
  if (!complaint_.empty()) return;
  const TraceHeader& h = r.record.header;
  const Key key{r.host, h.local, h.key.local_port, h.key.remote, h.key.remote_port};
  complaint_ = "t=" + std::to_string(h.at.ns) + "ns host " + std::to_string(r.host) + " "
               + to_string(Endpoint{.address = h.local, .port = h.key.local_port}) + " - "
               + to_string(Endpoint{.address = h.key.remote, .port = h.key.remote_port})
               + ": by its halves it is in " + std::string(tcp::name(ends_.at(key).halves.name()))
               + ", but " + what;
  if (h.kind == TraceKind::Transition) {
    const auto t = r.record.as<TraceTransition>();
    complaint_ += " (" + std::string(tcp::name(static_cast<State>(t.from))) + " to "
                  + std::string(tcp::name(static_cast<State>(t.to))) + ": "
                  + std::string(tcp::name(static_cast<Event>(t.event))) + ")";
  }
}

}  // namespace rapport::sim
