// Facts: questions about what happened, for sentences that must be true of this very run and for
// tests: which host moved when, by which path, what was lost or sent again.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

namespace rapport::observe {

struct Move {
  uint32_t host;
  uint32_t order;  // of its record
  Instant at;
  tcp::State from, to;
  tcp::Event event;
  FlowKey key;
};

// A segment sent or received.
struct Heard {
  uint32_t host;
  uint32_t order;
  Instant at;
  TraceSegment segment;

  [[nodiscard]] bool has(wire::Flags f) const { return (segment.flags & f.v) == f.v; }

  [[nodiscard]] bool sent() const {
    return segment.direction == static_cast<uint8_t>(Direction::Sent);
  }

  [[nodiscard]] SendCause cause() const { return static_cast<SendCause>(segment.cause); }
};

class Facts {
 public:
  explicit Facts(const Story& story);

  [[nodiscard]] const std::vector<Move>& moves() const { return moves_; }

  [[nodiscard]] const std::vector<Heard>& segments() const { return segments_; }

  // The host went through these states, one right after the other.
  [[nodiscard]] bool went(uint32_t host, std::initializer_list<tcp::State> path) const;
  // The first, or last, move of the host into `to`.
  [[nodiscard]] std::optional<Move> first(uint32_t host, tcp::State to) const;
  [[nodiscard]] std::optional<Move> last(uint32_t host, tcp::State to) const;
  // The first move that `event` caused.
  [[nodiscard]] std::optional<Move> first(uint32_t host, tcp::Event event) const;
  // How long the host stayed in a state that it entered and left again: its first stay.
  [[nodiscard]] std::optional<Duration> stay(uint32_t host, tcp::State in) const;

  // Segments that the host sent (or received) with all of `flags`.
  [[nodiscard]] size_t sent(uint32_t host, wire::Flags flags) const;
  [[nodiscard]] size_t received(uint32_t host, wire::Flags flags) const;
  // Segments that the host sent again.
  [[nodiscard]] size_t retransmissions(uint32_t host) const;
  // Every time that a timer of the host fired.
  [[nodiscard]] std::vector<TraceTimer> timers(uint32_t host, TimerKind timer) const;

  // How often it fired.
  [[nodiscard]] size_t fired(uint32_t host, TimerKind timer) const {
    return timers(host, timer).size();
  }

  // Drops of the host for this reason.
  [[nodiscard]] size_t dropped(uint32_t host, DropReason reason) const;
  // Why the host's connections ended, in order.
  [[nodiscard]] std::vector<CloseReason> ends(uint32_t host) const;
  // Frames that never arrived, from this host.
  [[nodiscard]] size_t lost(uint32_t from) const;
  // Octets that the host's applications have read.
  [[nodiscard]] uint64_t octets_read(uint32_t host) const;

 private:
  const Story& story_;
  std::vector<Move> moves_;
  std::vector<Heard> segments_;
};

}  // namespace rapport::observe
