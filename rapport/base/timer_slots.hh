// TimerSlots: the timer wheel without its nodes: where a time belongs, which slot is next, when the
// next deadline is. Levels of 64 slots, each a doubly linked list in order of linking. Level g
// holds times that agree with the cursor above their g-th group of six bits and exceed it in that
// group; so nothing ever wraps, and the first occupied slot of the lowest occupied level is next.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rapport {

class TimerSlots {
 public:
  static constexpr uint32_t kLevels = 9;  // 54 bits of microseconds: all that Instant can say
  static constexpr uint32_t kNoSlot = kLevels * 64;

  // `slot` numbers are level * 64 + index.
  [[nodiscard]] uint32_t slot_for(uint64_t us) const {
    const auto level = static_cast<uint32_t>(std::bit_width((us ^ cursor_) | 1) - 1) / 6;
    return level * 64 + (static_cast<uint32_t>(us >> (6 * level)) & 63);
  }

  // The first microsecond of an occupied slot.
  [[nodiscard]] uint64_t start_of(uint32_t slot) const {
    const uint32_t shift = slot / 64 * 6;
    const uint64_t above = cursor_ >> shift >> 6 << 6;
    return (above | (slot & 63)) << shift;
  }

  // The slot with work at or before `target`, the cursor moved to its start; else kNoSlot, the
  // cursor moved to `target`. A slot that is not yet empty is given again.
  [[nodiscard]] uint32_t next_slot(uint64_t target);
  [[nodiscard]] Instant next_due() const;

  [[nodiscard]] uint64_t cursor() const { return cursor_; }

  struct List {
    uint32_t head = kNone;
    uint32_t tail = kNone;
    uint64_t earliest = UINT64_MAX;  // no member's deadline is before this microsecond
  };

  [[nodiscard]] List& list(uint32_t slot) { return lists_[slot]; }

  void note(uint32_t slot, uint64_t us) {
    lists_[slot].earliest = std::min(lists_[slot].earliest, us);
  }

  void set_occupied(uint32_t slot) {
    occupied_[slot / 64] |= uint64_t{1} << (slot & 63);
    levels_ |= 1U << slot / 64;
  }

  void set_empty(uint32_t slot);

 private:
  uint64_t cursor_ = 0;           // all before this microsecond is done
  uint32_t levels_ = 0;           // which levels have an occupied slot
  uint32_t open_slot_ = kNoSlot;  // above level 0, at the cursor, not yet emptied
  std::array<uint64_t, kLevels> occupied_{};
  std::array<List, size_t{kLevels} * 64> lists_{};
};

}  // namespace rapport
