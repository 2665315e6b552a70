// The slots of the wheel: which is next, and when.
#include "rapport/base/timer_slots.hh"

#include "rapport/base/time.hh"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rapport {

// A slot above level 0 is opened when the cursor comes to its start, and emptied into lower levels
// before anything in those is looked at: so time passes in order even when a budget runs out
// between.
uint32_t TimerSlots::next_slot(uint64_t target) {
  if (open_slot_ != kNoSlot) return open_slot_;
  if (levels_ != 0) {
    const auto level = static_cast<uint32_t>(std::countr_zero(levels_));
    const uint32_t slot = level * 64 + static_cast<uint32_t>(std::countr_zero(occupied_[level]));
    const uint64_t start = start_of(slot);
    if (start <= target) {
      cursor_ = start;
      if (level > 0) open_slot_ = slot;
      return slot;
    }
  }
  cursor_ = std::max(cursor_, target);
  return kNoSlot;
}

void TimerSlots::set_empty(uint32_t slot) {
  const size_t level = slot / 64;
  lists_[slot].earliest = UINT64_MAX;
  occupied_[level] &= ~(uint64_t{1} << (slot & 63));
  if (occupied_[level] == 0) levels_ &= ~(1U << level);
  if (slot == open_slot_) open_slot_ = kNoSlot;
}

Instant TimerSlots::next_due() const {
  if (levels_ == 0) return kNever;
  uint64_t us = cursor_;
  if (open_slot_ == kNoSlot) {
    const auto level = static_cast<size_t>(std::countr_zero(levels_));
    us = lists_[level * 64 + static_cast<size_t>(std::countr_zero(occupied_[level]))].earliest;
  }
  constexpr auto kLast = static_cast<uint64_t>(kNever.ns / 1'000);
  return us > kLast ? kNever : Instant{static_cast<int64_t>(us * 1'000)};
}

}  // namespace rapport
