// The second opinions on each end: they are told what its trace says, and asked what they doubt.
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/sender.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>

namespace rapport::sim {

namespace {

// With fewer buffers free a host may have been without any a moment ago.
constexpr uint32_t kPlenty = 100;

}  // namespace

void Invariants::ask_models(const HostRecord& r, Incarnation& life) {
  const bool scarce = world_->pool(r.host).available() <= kPlenty;
  life.sender.at(r.record.header.at, scarce);
  tell_sender(r, life.sender);
  if (const auto& doubt = life.sender.doubts().first()) note(doubt->which, r.host, doubt->words);
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
      if (c.failed == 0 && static_cast<CallKind>(c.call) == CallKind::Send) sender.wrote(c.octets);
      break;
    }
    case TraceKind::Icmp: sender.fall_silent(); break;
    case TraceKind::Ended: break;
  }
}

}  // namespace rapport::sim
