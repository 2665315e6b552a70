// Watch: for each connection of one host that is alive, its last change of state: from where, what
// moved it (which segment, call or timer) and by which clause, and when something last came and
// went. A pure consumer of the trace, in bounded memory: what ends is forgotten.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/tcp/state.hh"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace rapport::observe {

// A connection, or a listener: then `remote` is unspecified.
struct Pair {
  Endpoint local, remote;
  friend auto operator<=>(const Pair&, const Pair&) = default;
};

struct Watched {
  Handle connection;  // 0 while it is half-open or in TIME-WAIT
  Instant born;       // its first change of state
  Instant since;      // its last one, of which the next five tell
  tcp::State from = tcp::State::Closed, state = tcp::State::Closed;
  tcp::Event event = tcp::Event::OpenedPassive;
  std::string clause;
  std::optional<TraceSegment> segment;  // that moved it
  std::optional<CallKind> call;         // that moved it
  std::optional<Instant> heard, said;   // the last segment received and sent
  uint32_t resent = 0;                  // segments sent again, in its whole life
};

class Watch {
 public:
  static constexpr size_t kMost = 1 << 18;

  explicit Watch(size_t most = kMost) : most_(most) {}

  // Every record of one host's trace, in order.
  void take(const TraceRecord& r);

  // Nothing: it has ended, or began before the trace.
  [[nodiscard]] const Watched* find(const Pair& pair) const;

  [[nodiscard]] const std::map<Pair, Watched>& all() const { return all_; }

  // Connections that were not watched because there were too many.
  [[nodiscard]] uint64_t missed() const { return missed_; }

 private:
  void take_segment(const Pair& pair, const TraceRecord& r);
  void take_transition(const Pair& pair, const TraceRecord& r);
  void note_cause(Watched& w, const Pair& pair, Instant at) const;

  size_t most_;
  uint64_t missed_ = 0;
  std::map<Pair, Watched> all_;
  // The last segment that came and the last call, whoever they were for.
  Pair heard_pair_, call_pair_;
  Instant heard_at_, call_at_;
  TraceSegment heard_{};
  CallKind call_{};
};

}  // namespace rapport::observe
