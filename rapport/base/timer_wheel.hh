// TimerWheel: one intrusive node per timed object, hierarchical, 1 us resolution, O(1) arm and
// disarm. A timer never fires early and fires at the first microsecond at or after its instant
//. Work per call is bounded: advance() visits at most `budget` nodes, moved
// ones included, and next_due() stays at or before `now` while due work is left. The owner gives
// access to its nodes by index: Nodes must offer `TimerNode& operator()(uint32_t)`. What it does
// not know: what a timer means.
#pragma once

#include "rapport/base/assert.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/base/timer_slots.hh"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace rapport {

// 16 octets inside the owner's object. Zero-initialised: not armed, not linked.
struct TimerNode {
  uint32_t next = kNone;
  uint32_t prev = kNone;
  // The deadline in whole microseconds plus one; 0 = cleared. A linked node may be cleared (lazy
  // cancel) or hold a later deadline than its slot's: it is then dropped or moved when visited.
  uint64_t due : 54 = 0;
  uint64_t level : 4 = 0;  // where it is linked, plus one; 0: not linked
  uint64_t slot : 6 = 0;

  [[nodiscard]] bool armed() const { return due != 0; }

  [[nodiscard]] bool linked() const { return level != 0; }

  // When it fires, rounded up to microseconds; meaningful when armed().
  [[nodiscard]] Instant deadline() const { return {static_cast<int64_t>(due - 1) * 1'000}; }
};

static_assert(sizeof(TimerNode) == 16);

// Nodes: `TimerNode& operator()(uint32_t index) const` (or non-const).
template <class Nodes>
class TimerWheel {
 public:
  explicit TimerWheel(Nodes nodes) : nodes_(std::move(nodes)) {}

  // Fires `index` at the first microsecond at or after `at`; at kNever: disarms. Relinks only to
  // fire earlier than now linked; otherwise just notes the new deadline.
  void arm(uint32_t index, Instant at) {
    if (at == kNever) {
      disarm(index);
    } else {
      arm_us(index, microseconds_up(at));
    }
  }

  // The same for a whole microsecond since the world began (at most 2^54 - 2).
  void arm_us(uint32_t index, uint64_t deadline) {
    ASSERT(index != kNone);
    TimerNode& node = nodes_(index);
    node.due = (deadline + 1) & kDueMask;
    const uint64_t us = std::max(deadline, slots_.cursor());
    if (node.linked()) {
      const uint32_t slot = slot_of(node);
      if (us >= slots_.start_of(slot)) {
        slots_.note(slot, us);
        return;
      }
      unlink(node);
    }
    link(index, node, us);
  }

  // Lazy: clears the deadline and leaves the node where it is.
  void disarm(uint32_t index) { nodes_(index).due = 0; }

  // Eager: unlinks. Required before the node's object goes away.
  void remove(uint32_t index) {
    TimerNode& node = nodes_(index);
    node.due = 0;
    if (node.linked()) unlink(node);
  }

  // Moves the wheel to `now`, calling fire(index) for each node whose deadline has come, earliest
  // first (it is unlinked and cleared before the call; fire may arm, disarm and remove any node).
  // Visits at most `budget` nodes, fired, moved and dropped ones alike. Returns true when due work
  // is left: call again before time moves.
  template <class Fire>
  bool advance(Instant now, uint32_t budget, Fire&& fire) {
    const uint64_t target = microseconds_down(now);
    for (;;) {
      const uint32_t slot = slots_.next_slot(target);
      if (slot == TimerSlots::kNoSlot) return false;
      if (budget == 0) return true;
      --budget;
      visit(slots_.list(slot).head, fire);
    }
  }

  // At or before the next instant at which a node fires; kNever when nothing is linked. advance()
  // at that instant makes progress. While due work is left: at or before the last `now`.
  [[nodiscard]] Instant next_due() const { return slots_.next_due(); }

  // Nodes linked just now, cleared ones included.
  [[nodiscard]] uint32_t linked() const { return linked_; }

  // Nodes visited by advance() since construction.
  [[nodiscard]] uint64_t visited() const { return visited_; }

 private:
  static constexpr uint64_t kDueMask = (uint64_t{1} << 54) - 1;

  static uint64_t microseconds_down(Instant t) {
    return t.ns <= 0 ? 0 : static_cast<uint64_t>(t.ns) / 1'000;
  }

  static uint64_t microseconds_up(Instant t) {
    return t.ns <= 0 ? 0 : (static_cast<uint64_t>(t.ns) + 999) / 1'000;
  }

  static uint32_t slot_of(const TimerNode& node) {
    return static_cast<uint32_t>((node.level - 1U) * 64U + node.slot);
  }

  template <class Fire>
  void visit(uint32_t index, Fire& fire) {
    TimerNode& node = nodes_(index);
    ++visited_;
    unlink(node);
    if (node.due == 0) return;
    const uint64_t deadline = node.due - 1;
    if (deadline > slots_.cursor()) {
      link(index, node, deadline);
      return;
    }
    node.due = 0;
    fire(index);
  }

  void link(uint32_t index, TimerNode& node, uint64_t us) {
    const uint32_t slot = slots_.slot_for(us);
    TimerSlots::List& list = slots_.list(slot);
    node.next = kNone;
    node.prev = list.tail;
    node.level = (slot / 64 + 1) & 15;
    node.slot = slot & 63;
    if (list.tail == kNone) {
      list.head = index;
      slots_.set_occupied(slot);
    } else {
      nodes_(list.tail).next = index;
    }
    list.tail = index;
    slots_.note(slot, us);
    ++linked_;
  }

  void unlink(TimerNode& node) {
    const uint32_t slot = slot_of(node);
    TimerSlots::List& list = slots_.list(slot);
    (node.prev == kNone ? list.head : nodes_(node.prev).next) = node.next;
    (node.next == kNone ? list.tail : nodes_(node.next).prev) = node.prev;
    if (list.head == kNone) slots_.set_empty(slot);
    node.level = 0;
    --linked_;
  }

  Nodes nodes_;
  TimerSlots slots_;
  uint32_t linked_ = 0;
  uint64_t visited_ = 0;
};

}  // namespace rapport
