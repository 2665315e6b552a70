// The second opinions on each end: they are told what its trace says, and asked what they doubt.
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
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <string>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

// With fewer buffers free a host may have been without any a moment ago.
constexpr uint32_t kPlenty = 100;

}  // namespace

void Invariants::ask_models(const HostRecord& r, Incarnation& life) {
  const bool scarce = world_->pool(r.host).available() <= kPlenty;
  life.sender.at(r.record.header.at, scarce);
  tell_sender(r, life.sender);
  life.receiver.at(r.record.header.at, scarce);
  tell_receiver(r, life.receiver);
  life.patience.at(r.record.header.at, life.sender, scarce);
  tell_patience(r, life);
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

// Where a life goes when its application parts (RFC 9293 3.10.4, 3.10.5; RFC 2525 2.17).
void Invariants::judge_parting(const HostRecord& r, const Incarnation& life, const Place& place) {
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
  if (event == Event::DataAfterClose && place.last_word && place.heard
      && place.last_reset.seq != place.heard->ack) {
    complain("text for nobody draws a reset, SEQ " + std::to_string(place.last_reset.seq)
             + ", not " + std::to_string(place.heard->ack));
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
    case TraceKind::Call:
      receiver.called(static_cast<CallKind>(r.record.as<TraceCall>().call));
      break;
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
