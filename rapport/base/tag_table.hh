// TagTable: from a 32-bit tag (the high half of a keyed hash) to a 32-bit value, the index at the
// heart of the connection table. One cache line a bucket: seven tags, an overflow count, seven
// values. The bucket's number is taken from the top bits of the tag, so that growing needs neither
// keys nor hashes: old bucket b goes to 2b and 2b+1. At most one bucket is moved per insert.
//
// Two invariants carry it all. An entry lies in its home bucket or below it (overflow goes to the
// next lower number). A bucket's overflow count is the number of entries with their home at or
// above it that lie below it. So a search goes down from home and ends at the first count of zero;
// no tombstones. Growing splits in place, the highest bucket first, where 2b and 2b+1 lie above all
// that is not yet split: an entry's home changes, the invariants do not. See tag_table.cc.
#pragma once

#include "rapport/base/lanes.hh"
#include "rapport/base/slab.hh"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace rapport {

class TagTable {
 public:
  // Room for `cap` entries, reserved as address space, touched as it grows. `*grew` is set whenever
  // prepare() has become worth a call.
  explicit TagTable(uint32_t cap, bool* grew = nullptr);

  // The value under `tag` for which same(value) holds; 0 when there is none.
  template <class Same>
  [[nodiscard]] uint32_t find(uint32_t tag, Same&& same) const {
    for (const Bucket* b = bucket(home(tag));; --b) {
      for (uint32_t hits = matches(*b, tag); hits != 0; hits &= hits - 1) {
        const uint32_t value = b->values[std::countr_zero(hits)];
        if (value != 0 && same(value)) return value;
      }
      if (b->overflow == 0) [[likely]]
        return 0;
    }
  }

  // `value` must not be 0, (tag, value) not present. False when the cap is reached.
  [[nodiscard]] bool insert(uint32_t tag, uint32_t value);
  // (tag, value) must be present.
  void erase(uint32_t tag, uint32_t value);
  // (tag, from) must be present and becomes (tag, to).
  void replace(uint32_t tag, uint32_t from, uint32_t to);

  // Brings the home bucket of `tag` towards the cache.
  void prefetch(uint32_t tag) const { __builtin_prefetch(bucket(home(tag))); }

  [[nodiscard]] uint32_t size() const { return size_; }

  [[nodiscard]] uint32_t cap() const { return cap_; }

  // Buckets in use, now or when the current growth is complete.
  [[nodiscard]] uint64_t buckets() const { return uint64_t{1} << bits_; }

  [[nodiscard]] bool growing() const { return unsplit_ != 0; }

  [[nodiscard]] uint64_t buckets_moved() const { return buckets_moved_; }

  // Of those, how many went to memory that prepare() had not yet touched.
  [[nodiscard]] uint64_t buckets_moved_cold() const { return buckets_moved_cold_; }

  // For tests and figures; walks the whole table. Sound: displaced == overflow, entries == size().
  struct Census {
    uint64_t entries = 0;
    uint64_t displaced = 0;  // how far below their homes the entries lie, all together
    uint64_t overflow = 0;   // the sum of all counts
    friend bool operator==(const Census&, const Census&) = default;
  };

  [[nodiscard]] Census census() const;

  // Once a turn: touches memory ahead of need, at most `limit` octets; returns the octets touched.
  size_t prepare(size_t limit) { return prepared_ ? size_t{0} : prepare_more(limit); }

  // Instead, once at start: makes room for all `cap` entries resident.
  void populate();

 private:
  static constexpr uint32_t kSlots = 7;
  static constexpr uint32_t kSlotMask = (1U << kSlots) - 1;

  struct alignas(64) Bucket {
    uint32_t tags[kSlots];
    uint32_t overflow;
    uint32_t values[kSlots];  // 0: the slot is free
    uint32_t unused;
  };

  static_assert(sizeof(Bucket) == 64);

  struct Place {
    Bucket* bucket;
    uint32_t slot;
  };

  static uint32_t matches(const Bucket& b, uint32_t tag) {
    return equal_lanes(b.tags, tag) & kSlotMask;
  }

  [[nodiscard]] uint64_t home(uint32_t tag) const {
    const uint64_t split = (uint64_t{tag} << bits_) >> 32;
    const uint64_t unsplit = split >> 1;
    return unsplit < unsplit_ ? unsplit : split;
  }

  [[nodiscard]] Bucket* bucket(uint64_t number) const { return first_ + number; }

  [[nodiscard]] Place place_of(uint32_t tag, uint32_t value) const;
  void put(uint64_t home, uint32_t tag, uint32_t value);
  static void take(const Bucket* home, Place from);
  void grow();
  size_t prepare_more(size_t limit);
  [[nodiscard]] uint64_t untouched_from() const;
  [[nodiscard]] uint64_t resident_down_to() const;
  void split(uint64_t number);

  bool* grew_;
  uint32_t cap_;
  uint32_t size_ = 0;
  uint32_t bits_;               // log2 of buckets()
  uint32_t max_bits_;           // log2 of the buckets reserved
  uint64_t unsplit_ = 0;        // buckets below this one still use one bit less
  uint64_t room_below_;         // buckets below number 0, for what overflows from there
  uint32_t resident_bits_ = 0;  // the growth to which resident_from_ belongs
  bool populated_ = false;
  bool prepared_ = false;       // nothing to touch until the table has grown by another bucket
  uint64_t resident_from_ = 0;  // its buckets from here to its end are touched
  uint64_t buckets_moved_ = 0;
  uint64_t buckets_moved_cold_ = 0;
  Reservation space_;
  Bucket* first_;  // number 0
};

}  // namespace rapport
