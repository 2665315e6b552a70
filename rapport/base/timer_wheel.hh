// TimerWheel: one intrusive node per timed object, hierarchical, 1 us resolution, O(1) arm and
// disarm. A timer never fires early and fires at the first microsecond at or after its instant
// (DESIGN: Contracts). Work per call is bounded: advance() visits at most `budget` nodes, moved
// ones included, and next_due() stays at or before `now` while due work is left. The owner gives
// access to its nodes by index: Nodes must offer `TimerNode& operator()(uint32_t)`. What it does
// not know: what a timer means.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"

#include <cstdint>
#include <vector>

namespace rapport {

// 16 octets inside the owner's object. Zero-initialised: not armed.
struct TimerNode {
  uint32_t next = kNone;
  uint32_t prev = kNone;
  // Absolute microseconds since the world began; 0 = cleared. A linked node may be cleared (lazy
  // cancel) or hold a later deadline than its slot's: it is then moved or dropped when visited.
  uint64_t deadline_us : 47 = 0;
  uint64_t linked : 1 = 0;
  uint64_t slot : 16 = 0;  // level << 8 | index, where it is linked
};

static_assert(sizeof(TimerNode) == 16);

// Nodes: `TimerNode& operator()(uint32_t index) const` (or non-const).
template <class Nodes>
class TimerWheel {
 public:
  explicit TimerWheel(Nodes nodes);

  // Fires `index` at the first microsecond at or after `at`. Relinks only to fire earlier than now
  // linked; otherwise just notes the new deadline.
  void arm(uint32_t index, Instant at);
  // Lazy: clears the deadline and leaves the node where it is.
  void disarm(uint32_t index);
  // Eager: unlinks. Required before the node's object goes away.
  void remove(uint32_t index);

  // Moves the wheel to `now`, calling fire(index) for each node whose deadline has come (it is
  // unlinked and cleared before the call; fire may arm, disarm and remove any node). Visits at most
  // `budget` nodes, fired, moved and dropped ones alike. Returns true when due work is left.
  template <class Fire>
  bool advance(Instant now, uint32_t budget, Fire&& fire);

  // At or before the next instant at which advance() has something to do; kNever when empty.
  // While due work is left: at or before the last `now`.
  [[nodiscard]] Instant next_due() const;
};

}  // namespace rapport
