// The second opinions on each end: they are told what its trace says, and asked what they doubt.
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/law.hh"
#include "rapport/sim/patience.hh"
#include "rapport/sim/receiver.hh"
#include "rapport/sim/sender.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <string>
#include <utility>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

// With fewer buffers free a host may have been without any a moment ago.
constexpr uint32_t kPlenty = 100;

// Segments of a host that found no frame, or no room on the way out.
uint64_t unsent_of(const stack::Stack& stack) {
  const tcp::Counters& c = stack.counters();
  return c.dropped(DropReason::PoolExhausted) + c.dropped(DropReason::OutboxFull);
}

}  // namespace

void Invariants::ask_models(const HostRecord& r, Place& place) {
  Incarnation& life = lives_[place.current];
  const bool scarce = world_->pool(r.host).available() <= kPlenty;
  const uint64_t unsent = unsent_of(world_->stack(r.host));
  // It tells of the instant before this record, or of what follows it at the same instant.
  const bool lacked = std::exchange(life.unsent, unsent) != unsent;
  if (lacked) life.sender.lacked();
  life.sender.at(r.record.header.at, scarce);
  if (lacked) life.sender.lacked();
  tell_sender(r, life.sender);
  if (lacked) life.receiver.lacked();
  life.receiver.at(r.record.header.at, scarce);
  if (lacked) life.receiver.lacked();
  tell_receiver(r, life.receiver);
  life.patience.at(r.record.header.at, life.sender, scarce);
  tell_patience(r, life);
  if (r.record.header.kind == TraceKind::Call) judge_close(r, life, place);
  if (r.record.header.kind == TraceKind::Timer) {
    const auto timer = static_cast<TimerKind>(r.record.as<TraceTimer>().timer);
    if (timer == TimerKind::Linger) place.lingered_at = r.record.header.at;
  }
  const Handle handle = r.record.header.connection;
  if (handle != Handle{} && place.heard && wire::Flags{place.heard->flags}.has(wire::kUrg)) {
    urgent_.try_emplace(place.current, handle);
  }
  for (const Doubts* doubts :
       {&life.sender.doubts(), &life.receiver.doubts(), &life.patience.doubts()}) {
    if (const auto& doubt = doubts->first()) note(doubt->which, r.host, doubt->words);
  }
}

void Invariants::chose(const Tuple& tuple, const tcp::ConnectionOptions& options) {
  Place& place = places_[tuple];
  place.options = options;
  if (place.current == kNobody) return;
  Incarnation& life = lives_[place.current];
  life.patience.chose(options);
  life.receiver.hurries(options.quick_ack);
}

void Invariants::tell_patience(const HostRecord& r, Incarnation& life) {
  Patience& patience = life.patience;
  switch (r.record.header.kind) {
    case TraceKind::Segment: {
      const auto s = r.record.as<TraceSegment>();
      if (static_cast<Direction>(s.direction) == Direction::Sent) {
        patience.sent(s, life.sender);
      } else {
        patience.heard(s);
      }
      break;
    }
    case TraceKind::Transition: {
      const auto t = r.record.as<TraceTransition>();
      patience.moved(static_cast<State>(t.to), static_cast<Event>(t.event));
      break;
    }
    case TraceKind::Timer:
      patience.fired(r.record.as<TraceTimer>(), machine(r.host).half_open);
      break;
    case TraceKind::Drop: patience.dropped(r.record.as<TraceDrop>()); break;
    case TraceKind::Sample: patience.sampled(); break;
    case TraceKind::Call: {
      const auto c = r.record.as<TraceCall>();
      if (c.failed == 0) patience.called(static_cast<CallKind>(c.call));
      break;
    }
    case TraceKind::Options:
    case TraceKind::Icmp:
    case TraceKind::Ended: break;
  }
}

// CLOSE with text that nobody has read, or with a linger time of nothing, aborts (RFC 2525 2.17).
void Invariants::judge_close(const HostRecord& r, const Incarnation& life, Place& place) {
  const auto c = r.record.as<TraceCall>();
  if (static_cast<CallKind>(c.call) != CallKind::Close || c.failed != 0) return;
  const auto known = by_handle_.find({r.host, r.record.header.connection.v});
  if (known == by_handle_.end() || known->second != place.current) return;
  const bool open = tcp::is_one_of<State::SynReceived, State::Established, State::FinWait1,
                                   State::FinWait2, State::CloseWait>(life.state);
  const auto& options = life.patience.options();
  const bool at_once = options && options->linger && options->linger_time.ns <= 0;
  const bool unread = life.receiver.has_runs()
                      || life.receiver.octets_in_order() > static_cast<uint32_t>(life.octets_read);
  const bool anywhere = at_once && life.state != State::SynSent && life.state != State::TimeWait;
  place.must_abort = anywhere || (open && unread);
}

// What Status says of urgent text is what came (MUST-33).
void Invariants::judge_urgent() {
  std::erase_if(urgent_, [&](const auto& entry) {
    Incarnation& life = lives_[entry.first];
    if (life.ended || life.crashed || !world_->is_up(life.host)) return true;
    life.receiver.all_is_told();
    const auto status =
        world_->stack(life.host).command(tcp::GetStatus{entry.second}, world_->time_of(life.host));
    const auto ahead = life.receiver.urgent_ahead();
    if (!status || !ahead || status->orphan || status->state != life.state) return false;
    constexpr uint32_t kFewExtras = 10;
    const bool cramped = world_->stack(life.host).config().tcp.max_extras <= kFewExtras;
    if (!cramped && status->urgent_ahead.v != *ahead) {
      note(Invariant::AckDuty, life.host,
           "urgent text is said to end " + std::to_string(status->urgent_ahead.v)
               + " octets ahead, it ends " + std::to_string(*ahead) + " ahead");
    }
    return false;
  });
}

// Where a life goes when its application parts (RFC 9293 3.10.4, 3.10.5; RFC 2525 2.17).
void Invariants::judge_parting(const HostRecord& r, const Incarnation& life, Place& place) {
  const auto t = r.record.as<TraceTransition>();
  const auto from = static_cast<State>(t.from);
  const auto event = static_cast<Event>(t.event);
  const bool scarce = world_->pool(r.host).available() <= kPlenty;
  const auto complain = [&](const std::string& words) { note(Invariant::Parting, r.host, words); };
  const std::string where = " in " + std::string(tcp::name(from));
  if (event == Event::AbortCalled && !scarce) {
    const bool knows = tcp::is_one_of<State::SynReceived, State::Established, State::FinWait1,
                                      State::FinWait2, State::CloseWait>(from);
    if (knows != place.last_word) {
      complain("ABORT" + where + (knows ? " sends no reset" : " sends a reset"));
    } else if (knows && !wire::Flags{place.last_reset.flags}.has(wire::kAck)) {
      complain("the reset of an ABORT" + where + " lacks its ACK");
    }
  }
  if (place.must_abort && event == Event::CloseCalled) {
    complain("CLOSE" + where + " with unread text or no time to linger does not abort");
  }
  if (event == Event::CloseCalled || event == Event::AbortCalled) place.must_abort = false;
  const bool lingered = event == Event::GaveUp && place.lingered_at == r.record.header.at;
  if (lingered && !place.last_word && !scarce && from >= State::SynReceived) {
    complain("the time to linger has passed" + where + ", and no reset is sent");
  }
  if (event == Event::DataAfterClose && place.last_word && place.heard
      && place.last_reset.seq != place.heard->ack) {
    complain("text for nobody draws a reset, SEQ " + std::to_string(place.last_reset.seq) + ", not "
             + std::to_string(place.heard->ack));
  }
  const bool queued = life.iss && life.octets_written > 0;
  if (event == Event::CloseCalled && from == State::SynReceived && !life.passive && queued) {
    complain("CLOSE in SYN-RECEIVED does not wait until the text that is queued may go");
  }
  if (event == Event::RstArrived && from == State::SynReceived && life.suspended != kNobody) {
    complain("TIME-WAIT gave way to an old SYN, and is not restored when that is refused");
  }
}

void Invariants::tell_receiver(const HostRecord& r, Receiver& receiver) {
  switch (r.record.header.kind) {
    case TraceKind::Segment: {
      const auto s = r.record.as<TraceSegment>();
      if (static_cast<Direction>(s.direction) == Direction::Sent) {
        receiver.sent(s);
      } else {
        receiver.heard(s);
      }
      break;
    }
    case TraceKind::Transition: {
      const auto t = r.record.as<TraceTransition>();
      receiver.moved(static_cast<tcp::State>(t.from), static_cast<tcp::State>(t.to),
                     static_cast<tcp::Event>(t.event));
      break;
    }
    case TraceKind::Timer: receiver.fired(r.record.as<TraceTimer>()); break;
    case TraceKind::Options: receiver.agreed(r.record.as<TraceOptions>()); break;
    case TraceKind::Drop: receiver.dropped(r.record.as<TraceDrop>()); break;
    case TraceKind::Call: receiver.called(r.record.as<TraceCall>()); break;
    case TraceKind::Sample:
    case TraceKind::Icmp:
    case TraceKind::Ended: break;
  }
}

void Invariants::tell_sender(const HostRecord& r, Sender& sender) {
  switch (r.record.header.kind) {
    case TraceKind::Segment: {
      const auto s = r.record.as<TraceSegment>();
      if (static_cast<Direction>(s.direction) == Direction::Sent) {
        sender.sent(s);
      } else {
        sender.heard(s);
      }
      break;
    }
    case TraceKind::Transition: {
      const auto t = r.record.as<TraceTransition>();
      sender.moved(static_cast<tcp::State>(t.from), static_cast<tcp::State>(t.to),
                   static_cast<tcp::Event>(t.event));
      break;
    }
    case TraceKind::Timer: sender.fired(r.record.as<TraceTimer>()); break;
    case TraceKind::Options: sender.agreed(r.record.as<TraceOptions>()); break;
    case TraceKind::Drop: sender.dropped(r.record.as<TraceDrop>()); break;
    case TraceKind::Sample: sender.sampled(r.record.as<TraceSample>()); break;
    case TraceKind::Call: {
      const auto c = r.record.as<TraceCall>();
      const auto kind = static_cast<CallKind>(c.call);
      if (c.failed != 0) break;
      if (kind == CallKind::Send) sender.wrote(c.octets);
      if (kind == CallKind::Close || kind == CallKind::ShutdownWrite) sender.closes();
      break;
    }
    case TraceKind::Icmp: sender.fall_silent(); break;
    case TraceKind::Ended: break;
  }
}

}  // namespace rapport::sim
