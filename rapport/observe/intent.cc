// Finding the segment that a drop is about, and the timer that sent it.
#include "rapport/observe/intent.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace rapport::observe {

namespace {

// The arrival that the drop is about: the last one at its host.
size_t refused(std::span<const HostRecord> records, size_t drop) {
  const auto about = records[drop].record.as<TraceDrop>();
  for (size_t i = drop; i-- > 0;) {
    const HostRecord& r = records[i];
    if (r.host != records[drop].host || r.record.header.kind != TraceKind::Segment) continue;
    const auto s = r.record.as<TraceSegment>();
    if (s.direction != static_cast<uint8_t>(Direction::Received)) continue;
    return s.serial == about.serial ? i : kAbsent;
  }
  return kAbsent;
}

// The timer that fired right before the departure is one that asks.
bool a_timer_asked(std::span<const HostRecord> records, size_t sent) {
  for (size_t i = sent; i-- > 0;) {
    const HostRecord& r = records[i];
    if (r.host != records[sent].host) continue;
    if (r.record.header.kind != TraceKind::Timer
        || r.record.header.at != records[sent].record.header.at)
      return false;
    const auto timer = static_cast<TimerKind>(r.record.as<TraceTimer>().timer);
    return timer == TimerKind::Persist || timer == TimerKind::KeepAlive;
  }
  return false;
}

}  // namespace

std::string_view intent_of_refused(const Story& story, std::span<const Passage> passages,
                                   size_t drop) {
  const auto reason = static_cast<DropReason>(story.records[drop].record.as<TraceDrop>().reason);
  if (reason != DropReason::NotAcceptable) return {};
  const size_t arrived = refused(story.records, drop);
  if (arrived == kAbsent) return {};
  const auto s = story.records[arrived].record.as<TraceSegment>();
  if ((s.flags & wire::kFin.v) != 0) {
    const bool waits = static_cast<tcp::State>(s.state) == tcp::State::TimeWait;
    return waits ? "the FIN again: 2MSL starts anew" : "";
  }
  const auto p = std::ranges::find(passages, arrived, &Passage::arrived);
  if (p == passages.end() || p->sent == kAbsent || s.text_length > 0) return {};
  return a_timer_asked(story.records, p->sent) ? "a probe: it asks for an ACK" : "";
}

}  // namespace rapport::observe
