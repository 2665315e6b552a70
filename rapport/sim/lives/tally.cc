// Counting what happens.
#include "rapport/sim/lives/tally.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::lives {

namespace {

using tcp::Event;
using tcp::State;

struct NoEdge {
  State from;
  Event event;
  std::string_view why;
};

// Edges of the table that no world can take.
constexpr std::array kNoEdges{
    NoEdge{State::Listen, Event::AbortCalled, "ABORT of a listener is carried out as its CLOSE"},
    NoEdge{State::SynSent, Event::Evicted, "a full table refuses OPEN; nobody in SYN-SENT goes"},
    NoEdge{State::Established, Event::DataAfterClose,
           "who has closed for good has left ESTABLISHED by that"},
};

struct NoEnd {
  CloseReason reason;
  std::string_view why;
};

// These end what an application was never told of, or was told the end of before.
constexpr std::array kNoEnds{
    NoEnd{CloseReason::AcceptOverflow, "ends a handshake: no connection, so no reason is kept"},
    NoEnd{CloseReason::Evicted, "ends TIME-WAIT, whose owner was told closed-by-us before"},
    NoEnd{CloseReason::ReusedTuple, "ends TIME-WAIT, whose owner was told closed-by-us before"},
};

std::string_view why_not(State from, Event event) {
  for (const NoEdge& e : kNoEdges) {
    if (e.from == from && e.event == event) return e.why;
  }
  return {};
}

std::string_view why_not(CloseReason reason) {
  for (const NoEnd& e : kNoEnds) {
    if (e.reason == reason) return e.why;
  }
  return {};
}

uint64_t mixed(uint64_t hash, uint64_t value) {
  return (std::rotl(hash, 5) ^ value) * 0x9e3779b97f4a7c15ULL;
}

}  // namespace

std::string_view name(Fault f) {
  constexpr std::array<std::string_view, kFaults> kNames{
      "random loss", "bursty loss",    "periodic loss", "duplicate", "reorder",
      "corrupt",     "queue overflow", "cut wire",      "host down", "clock drift"};
  return kNames[static_cast<size_t>(f)];
}

void Tally::recorded(const HostRecord& r) {
  ++records;
  const TraceHeader& h = r.record.header;
  fingerprint = mixed(fingerprint, static_cast<uint64_t>(h.at.ns));
  fingerprint = mixed(fingerprint, uint64_t{h.key.local_port} << 16 | h.key.remote_port);
  switch (h.kind) {
    case TraceKind::Transition: {
      const auto t = r.record.as<TraceTransition>();
      ++edges.at(t.from).at(t.event);
      fingerprint = mixed(fingerprint, uint64_t{t.from} << 16 | uint64_t{t.to} << 8 | t.event);
      break;
    }
    case TraceKind::Segment: {
      const auto s = r.record.as<TraceSegment>();
      fingerprint = mixed(fingerprint, uint64_t{s.seq} << 32 | s.ack);
      fingerprint = mixed(fingerprint, uint64_t{s.text_length} << 32 | uint64_t{s.window} << 16
                                           | uint64_t{s.flags} << 8 | s.direction);
      break;
    }
    case TraceKind::Ended: {
      const auto reason = r.record.as<TraceEnded>().reason;
      ++ends.at(reason);
      fingerprint = mixed(fingerprint, reason);
      break;
    }
    default: break;
  }
}

void Tally::departed(const WireRecord& wire) {
  switch (wire.fate) {
    case Fate::Duplicated: count(Fault::Duplicate); break;
    case Fate::Corrupted: count(Fault::Corrupt); break;
    case Fate::Overflowed: count(Fault::QueueOverflow); break;
    case Fate::Partitioned: count(Fault::CutWire); break;
    default: break;
  }
  if (wire.held > Duration{} && wire.has_arrived()) count(Fault::Reorder);
}

void Tally::arrived(const WireRecord& wire) {
  if (wire.fate == Fate::HostDown) count(Fault::HostDown);
}

void Tally::add(const Tally& o) {
  worlds += o.worlds;
  opened += o.opened;
  gentle += o.gentle;
  sure += o.sure;
  complete += o.complete;
  octets += o.octets;
  records += o.records;
  believed += o.believed;
  ended_by_until += o.ended_by_until;
  ended_by_events += o.ended_by_events;
  fingerprint += o.fingerprint;  // the same in whatever order worlds are added
  for (size_t from = 0; from < edges.size(); ++from) {
    for (size_t event = 0; event < edges[from].size(); ++event) {
      edges[from][event] += o.edges[from][event];
    }
  }
  for (size_t i = 0; i < ends.size(); ++i) ends[i] += o.ends[i];
  for (size_t i = 0; i < faults.size(); ++i) faults[i] += o.faults[i];
  for (size_t i = 0; i < mishaps.size(); ++i) mishaps[i] += o.mishaps[i];
}

std::vector<Account> account(const Tally& tally) {
  std::vector<Account> all;
  for (const tcp::Transition& t : tcp::transitions()) {
    all.push_back({"edge", std::string(tcp::name(t.from)) + ": " + std::string(tcp::name(t.event)),
                   tally.edges[static_cast<size_t>(t.from)][static_cast<size_t>(t.event)],
                   why_not(t.from, t.event)});
  }
  for (size_t i = 1; i < tally.ends.size(); ++i) {
    const auto reason = static_cast<CloseReason>(i);
    all.push_back({"close", std::string(name(reason)), tally.ends[i], why_not(reason)});
  }
  for (size_t i = 0; i < kFaults; ++i) {
    all.push_back({"fault", std::string(name(static_cast<Fault>(i))), tally.faults[i], {}});
  }
  for (size_t i = 0; i < kMishapKinds; ++i) {
    all.push_back({"fault", std::string(name(static_cast<MishapKind>(i))), tally.mishaps[i], {}});
  }
  return all;
}

}  // namespace rapport::lives
