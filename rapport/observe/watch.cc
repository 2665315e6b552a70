// What a record changes. A segment and a call stand in the trace right before the transition that
// they cause, at the same instant.
#include "rapport/observe/watch.hh"

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/names.hh"
#include "rapport/tcp/state.hh"

namespace rapport::observe {
namespace {

enum class Cause : uint8_t { Segment, Call, Other };

Cause cause_of(tcp::Event e) {
  using enum tcp::Event;
  switch (e) {
    case OpenedPassive:
    case OpenedActive:
    case CloseCalled:
    case AbortCalled:
    case ListenerClosed: return Cause::Call;
    case GaveUp:
    case TimeWaitExpired:
    case Evicted:
    case HardErrorArrived: return Cause::Other;
    case SynArrived:
    case SynAckArrived:
    case SynAcked:
    case FinAcked:
    case FinArrived:
    case RstArrived:
    case SynInWindow:
    case DataAfterClose:
    case TupleReused:
    case ReuseRefused: return Cause::Segment;
  }
  return Cause::Other;
}

Pair pair_of(const TraceHeader& h) {
  return {{h.local, h.key.local_port}, {h.key.remote, h.key.remote_port}};
}

}  // namespace

const Watched* Watch::find(const Pair& pair) const {
  const auto found = all_.find(pair);
  return found == all_.end() ? nullptr : &found->second;
}

void Watch::take(const TraceRecord& r) {
  const Pair pair = pair_of(r.header);
  switch (r.header.kind) {
    case TraceKind::Segment: return take_segment(pair, r);
    case TraceKind::Transition: return take_transition(pair, r);
    case TraceKind::Call:
      call_pair_ = pair;
      call_at_ = r.header.at;
      call_ = static_cast<CallKind>(r.as<TraceCall>().call);
      return;
    case TraceKind::Timer:
    case TraceKind::Options:
    case TraceKind::Drop:
    case TraceKind::Sample:
    case TraceKind::Ended:
    case TraceKind::Icmp: return;
  }
}

void Watch::take_segment(const Pair& pair, const TraceRecord& r) {
  const auto segment = r.as<TraceSegment>();
  const bool sent = segment.direction == static_cast<uint8_t>(Direction::Sent);
  if (!sent) {
    heard_pair_ = pair;
    heard_at_ = r.header.at;
    heard_ = segment;
  }
  const auto found = all_.find(pair);
  if (found == all_.end()) return;
  Watched& w = found->second;
  (sent ? w.said : w.heard) = r.header.at;
  if (sent && segment.retransmission != 0) ++w.resent;
}

void Watch::take_transition(const Pair& pair, const TraceRecord& r) {
  const auto t = r.as<TraceTransition>();
  const auto to = static_cast<tcp::State>(t.to);
  // A passive opening that failed is its listener's business again.
  const bool is_listener = pair.remote.port == 0;
  if (to == tcp::State::Closed || (to == tcp::State::Listen && !is_listener)) {
    all_.erase(pair);
    return;
  }
  auto found = all_.find(pair);
  if (found == all_.end()) {
    if (all_.size() >= most_) {
      ++missed_;
      return;
    }
    found = all_.emplace(pair, Watched{}).first;
    found->second.born = r.header.at;
  }
  Watched& w = found->second;
  w.connection = r.header.connection;
  w.since = r.header.at;
  w.from = static_cast<tcp::State>(t.from);
  w.state = to;
  w.event = static_cast<tcp::Event>(t.event);
  w.clause = clause_of(t);
  note_cause(w, pair, r.header.at);
}

void Watch::note_cause(Watched& w, const Pair& pair, Instant at) const {
  w.segment.reset();
  w.call.reset();
  const Cause cause = cause_of(w.event);
  if (cause == Cause::Segment && heard_pair_ == pair && heard_at_ == at) {
    w.segment = heard_;
    w.heard = at;
  }
  if (cause == Cause::Call && call_pair_ == pair && call_at_ == at) w.call = call_;
}

}  // namespace rapport::observe
