// Slab<T>: equal slots named by 32-bit indices, in one reserved range of address space that never
// moves. The cap is fixed at construction; memory is first touched ahead of need in small pieces by
// prepare(), never by the one who allocates. Index 0 is never handed out (kNone).
// The object in a slot lives from allocate() to release(). A T with a member `generation` (not
// among its first four octets, which the free list uses) keeps it from tenant to tenant; release()
// raises it, so that a Handle to an earlier tenant is seen to be stale.
#pragma once

#include "rapport/base/assert.hh"
#include "rapport/base/build.hh"
#include "rapport/base/handle.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

namespace rapport {

// Address space: reserve once, commit ahead of need, give back at the end. Implemented in slab.cc.
class Reservation {
 public:
  explicit Reservation(size_t octets);
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  [[nodiscard]] std::byte* data() const { return data_; }

  [[nodiscard]] size_t touched() const { return touched_; }

  // Touches pages so that [0, upto) is resident, at most `limit` octets now. Returns octets
  // touched.
  size_t touch(size_t upto, size_t limit);
  // Touches the pages of [from, upto), whatever touch() has done. Returns octets touched.
  size_t touch_range(size_t from, size_t upto);
  // Makes all from `from` on resident now, on huge pages where there are any: only at start.
  void populate(size_t from = 0);
  // How many mmap calls this thread's reservations have made: for the allocation test.
  [[nodiscard]] static uint64_t mappings();

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t touched_ = 0;
};

enum class Reuse : uint8_t { NewestFirst, OldestFirst };

template <class T, Reuse kReuse = Reuse::NewestFirst>
class Slab {
 public:
  // At most `cap` objects alive at once. `*grew` is set whenever prepare() has become worth a call.
  explicit Slab(uint32_t cap, bool* grew = nullptr)
      : space_((size_t{cap} + 1) * sizeof(Slot)), grew_(grew), cap_(cap) {
    static_assert(std::is_trivially_destructible_v<T>);
    ASSERT(cap < UINT32_MAX);
    (void)prepare(kAhead);
  }

  // The index of a new, value-initialised T; kNone when the cap is reached.
  [[nodiscard]] uint32_t allocate() {
    uint32_t i = free_head_;
    if (i != kNone) {
      free_head_ = link(i);
      if (free_head_ == kNone) free_tail_ = kNone;
    } else {
      if (top_ > cap_) return kNone;
      i = top_++;
      if (grew_ != nullptr) *grew_ = true;
    }
    ++used_;
    if constexpr (kHasGeneration) {
      const auto generation = object(i)->generation;  // 0: never used before, or all used up
      T* fresh = ::new (static_cast<void*>(&slot(i))) T{};
      fresh->generation = generation;
      if (generation == 0) fresh->generation = 1;
    } else {
      ::new (static_cast<void*>(&slot(i))) T{};
    }
    return i;
  }

  void release(uint32_t i) {
    ASSERT(i != kNone && i < top_ && used_ > 0);
    --used_;
    if constexpr (kHasGeneration) {  // a handle to the old tenant is now stale
      T& old = *object(i);
      ASSERT(reinterpret_cast<std::byte*>(&old.generation) - slot(i).bytes >= kLinkOctets);
      ++old.generation;
    }
    if constexpr (kReuse == Reuse::OldestFirst) {
      set_link(i, kNone);
      if (free_tail_ == kNone) {
        free_head_ = i;
      } else {
        set_link(free_tail_, i);
      }
      free_tail_ = i;
    } else {
      set_link(i, free_head_);
      free_head_ = i;
    }
  }

  // `i` was handed out by allocate(). (A released slot may be read, for its generation only.)
  [[nodiscard]] T& operator[](uint32_t i) {
    if constexpr (kChecks) ASSERT(i != kNone && i < top_);
    return *object(i);
  }

  [[nodiscard]] const T& operator[](uint32_t i) const {
    if constexpr (kChecks) ASSERT(i != kNone && i < top_);
    return *std::launder(reinterpret_cast<const T*>(space_.data() + size_t{i} * sizeof(Slot)));
  }

  // The index of an object of this slab.
  [[nodiscard]] uint32_t index_of(const T& object) const {
    const auto at = reinterpret_cast<const std::byte*>(&object) - space_.data();
    return static_cast<uint32_t>(static_cast<size_t>(at) / sizeof(Slot));
  }

  [[nodiscard]] uint32_t used() const { return used_; }

  [[nodiscard]] uint32_t cap() const { return cap_; }

  // One more than the highest index ever handed out.
  [[nodiscard]] uint32_t top() const { return top_; }

  [[nodiscard]] bool full() const { return free_head_ == kNone && top_ > cap_; }

  // Once a turn: touches memory ahead of need, at most `limit` octets; returns the octets touched.
  size_t prepare(size_t limit) {
    if (top_ <= prepared_top_) return 0;
    const size_t want = size_t{top_} * sizeof(Slot) + kAhead;
    const size_t touched = space_.touched() >= want ? 0 : space_.touch(want, limit);
    // Everything below is resident, or the whole range is.
    if (space_.touched() >= want || (touched == 0 && limit >= kAhead)) prepared_top_ = top_;
    return touched;
  }

  // Instead, once at start: makes room for all `cap` objects resident.
  void populate() { space_.populate(); }

  [[nodiscard]] size_t touched() const { return space_.touched(); }

 private:
  static constexpr size_t kAhead = 65536;
  static constexpr std::ptrdiff_t kLinkOctets = sizeof(uint32_t);
  static constexpr bool kHasGeneration = requires(T& t) { &t.generation; };

  // An object or, in its first octets, the index of the next free slot.
  struct alignas(T) alignas(uint32_t) Slot {
    std::byte bytes[std::max(sizeof(T), sizeof(uint32_t))];
  };

  [[nodiscard]] Slot& slot(uint32_t i) { return reinterpret_cast<Slot*>(space_.data())[i]; }

  [[nodiscard]] uint32_t link(uint32_t i) {
    uint32_t next = kNone;
    std::memcpy(&next, slot(i).bytes, sizeof(next));
    return next;
  }

  void set_link(uint32_t i, uint32_t next) { std::memcpy(slot(i).bytes, &next, sizeof(next)); }

  [[nodiscard]] T* object(uint32_t i) { return std::launder(reinterpret_cast<T*>(&slot(i))); }

  Reservation space_;
  bool* grew_;
  uint32_t cap_;
  uint32_t top_ = 1;
  uint32_t prepared_top_ = 0;  // nothing to touch until top_ is beyond
  uint32_t used_ = 0;
  uint32_t free_head_ = kNone;
  uint32_t free_tail_ = kNone;
};

}  // namespace rapport
