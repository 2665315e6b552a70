// Answers from the records.
#include "rapport/observe/facts.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <vector>

namespace rapport::observe {

Facts::Facts(const Story& story) : story_(story) {
  for (const HostRecord& r : story.records) {
    if (r.record.header.kind == TraceKind::Transition) {
      const auto t = r.record.as<TraceTransition>();
      moves_.push_back({r.host, r.order, r.record.header.at, static_cast<tcp::State>(t.from),
                        static_cast<tcp::State>(t.to), static_cast<tcp::Event>(t.event),
                        r.record.header.key});
    }
    if (r.record.header.kind == TraceKind::Segment)
      segments_.push_back({r.host, r.order, r.record.header.at, r.record.as<TraceSegment>()});
  }
}

bool Facts::went(uint32_t host, std::initializer_list<tcp::State> path) const {
  std::vector<tcp::State> states;
  for (const Move& m : moves_) {
    if (m.host != host) continue;
    if (states.empty() || states.back() != m.from) states.push_back(m.from);
    states.push_back(m.to);
  }
  return !std::ranges::search(states, path).empty();
}

std::optional<Move> Facts::first(uint32_t host, tcp::State to) const {
  const auto m =
      std::ranges::find_if(moves_, [&](const Move& x) { return x.host == host && x.to == to; });
  if (m == moves_.end()) return std::nullopt;
  return *m;
}

std::optional<Move> Facts::last(uint32_t host, tcp::State to) const {
  std::optional<Move> out;
  for (const Move& m : moves_) {
    if (m.host == host && m.to == to) out = m;
  }
  return out;
}

std::optional<Move> Facts::first(uint32_t host, tcp::Event event) const {
  const auto m = std::ranges::find_if(
      moves_, [&](const Move& x) { return x.host == host && x.event == event; });
  if (m == moves_.end()) return std::nullopt;
  return *m;
}

std::optional<Duration> Facts::stay(uint32_t host, tcp::State in) const {
  const auto entered = first(host, in);
  if (!entered) return std::nullopt;
  const auto left = std::ranges::find_if(moves_, [&](const Move& x) {
    return x.host == host && x.from == in && x.order > entered->order;
  });
  if (left == moves_.end()) return std::nullopt;
  return left->at - entered->at;
}

size_t Facts::sent(uint32_t host, wire::Flags flags) const {
  return static_cast<size_t>(std::ranges::count_if(
      segments_, [&](const Heard& s) { return s.host == host && s.sent() && s.has(flags); }));
}

size_t Facts::received(uint32_t host, wire::Flags flags) const {
  return static_cast<size_t>(std::ranges::count_if(
      segments_, [&](const Heard& s) { return s.host == host && !s.sent() && s.has(flags); }));
}

size_t Facts::retransmissions(uint32_t host) const {
  return static_cast<size_t>(std::ranges::count_if(segments_, [&](const Heard& s) {
    return s.host == host && s.sent() && s.segment.retransmission != 0;
  }));
}

std::vector<TraceTimer> Facts::timers(uint32_t host, TimerKind timer) const {
  std::vector<TraceTimer> out;
  for (const HostRecord& r : story_.records) {
    if (r.host != host || r.record.header.kind != TraceKind::Timer) continue;
    const auto t = r.record.as<TraceTimer>();
    if (t.timer == static_cast<uint8_t>(timer)) out.push_back(t);
  }
  return out;
}

size_t Facts::dropped(uint32_t host, DropReason reason) const {
  return static_cast<size_t>(std::ranges::count_if(story_.records, [&](const HostRecord& r) {
    return r.host == host && r.record.header.kind == TraceKind::Drop
           && r.record.as<TraceDrop>().reason == static_cast<uint8_t>(reason);
  }));
}

std::vector<CloseReason> Facts::ends(uint32_t host) const {
  std::vector<CloseReason> out;
  for (const HostRecord& r : story_.records) {
    if (r.host == host && r.record.header.kind == TraceKind::Ended)
      out.push_back(static_cast<CloseReason>(r.record.as<TraceEnded>().reason));
  }
  return out;
}

size_t Facts::lost(uint32_t from) const {
  return static_cast<size_t>(std::ranges::count_if(
      story_.wires, [&](const WireRecord& w) { return w.from_host == from && !w.has_arrived(); }));
}

uint64_t Facts::octets_read(uint32_t host) const {
  uint64_t octets = 0;
  for (const HostRecord& r : story_.records) {
    if (r.host != host || r.record.header.kind != TraceKind::Call) continue;
    const auto c = r.record.as<TraceCall>();
    if (c.failed == 0 && c.call == static_cast<uint8_t>(CallKind::Receive)) octets += c.octets;
  }
  return octets;
}

}  // namespace rapport::observe
