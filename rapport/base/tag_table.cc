// TagTable: putting, taking, and growing in place.
//
// While growing from B to 2B buckets, numbers below unsplit_ are homes by the old, shorter prefix
// of the tag; those from 2 * unsplit_ up are homes by the new one. split(b) takes every entry of
// home b, the highest unsplit one, and puts it to 2b or 2b+1. Both are at or above b, so an entry
// taken from bucket p finds room at p at the latest: it never lands where the walk down has yet to
// pass, and each entry is met once. Entries of other homes may share the bucket; the counts keep
// them apart.
#include "rapport/base/tag_table.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/lanes.hh"
#include "rapport/base/slab.hh"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rapport {
namespace {

constexpr uint32_t kFirstBits = 3;
constexpr uint64_t kGrowAt = 5;        // entries a bucket, of seven
constexpr uint64_t kAhead = 1024;      // buckets: 64 KiB
constexpr uint64_t kPageBuckets = 64;  // 4 KiB

// The fewest buckets that `cap` entries fill to three quarters at most.
constexpr uint32_t bits_for(uint32_t cap, uint32_t slots) {
  uint32_t bits = kFirstBits;
  while ((uint64_t{slots} * 3 << bits) < uint64_t{cap} * 4) ++bits;
  return bits;
}

// Even if all entries had the same home they would find room below it.
constexpr uint64_t room_for_overflow(uint32_t cap, uint32_t slots) {
  const uint64_t buckets = cap / slots + 1;
  return (buckets + kPageBuckets - 1) / kPageBuckets * kPageBuckets;
}

}  // namespace

TagTable::TagTable(uint32_t cap, bool* grew)
    : grew_(grew),
      cap_(cap),
      bits_(kFirstBits),
      max_bits_(bits_for(cap, kSlots)),
      room_below_(room_for_overflow(cap, kSlots)),
      space_((room_below_ + (uint64_t{1} << max_bits_)) * sizeof(Bucket)),
      first_(reinterpret_cast<Bucket*>(space_.data()) + room_below_) {
  // The last page below number 0, and the buckets of the first growths.
  const uint64_t first = std::min(kAhead, uint64_t{1} << max_bits_);
  space_.touch_range((room_below_ - kPageBuckets) * sizeof(Bucket),
                     (room_below_ + first) * sizeof(Bucket));
}

bool TagTable::insert(uint32_t tag, uint32_t value) {
  ASSERT(value != 0);
  if (size_ == cap_) return false;
  grow();
  put(home(tag), tag, value);
  ++size_;
  return true;
}

void TagTable::erase(uint32_t tag, uint32_t value) {
  take(bucket(home(tag)), place_of(tag, value));
  --size_;
}

void TagTable::replace(uint32_t tag, uint32_t from, uint32_t to) {
  ASSERT(to != 0);
  const Place at = place_of(tag, from);
  at.bucket->values[at.slot] = to;
}

TagTable::Place TagTable::place_of(uint32_t tag, uint32_t value) const {
  for (Bucket* b = bucket(home(tag));; --b) {
    const uint32_t hits = matches(*b, tag) & equal_lanes(b->values, value);
    if (hits != 0) return {b, static_cast<uint32_t>(std::countr_zero(hits))};
    ASSERT(b->overflow != 0);  // present, says the caller
  }
}

// Into the first free slot from `home` down.
void TagTable::put(uint64_t home, uint32_t tag, uint32_t value) {
  Bucket* b = bucket(home);
  uint32_t free = equal_lanes(b->values, 0) & kSlotMask;
  while (free == 0) {
    ++b->overflow;
    --b;
    free = equal_lanes(b->values, 0) & kSlotMask;
  }
  const auto slot = static_cast<uint32_t>(std::countr_zero(free));
  b->tags[slot] = tag;
  b->values[slot] = value;
}

// Frees a slot that an entry of bucket `home` holds.
void TagTable::take(const Bucket* home, Place from) {
  from.bucket->tags[from.slot] = 0;
  from.bucket->values[from.slot] = 0;
  for (Bucket* b = from.bucket; b != home;) --(++b)->overflow;
}

// At most one bucket an insert. A growth ends before the next can begin: it takes as many inserts
// as there were buckets, and the next begins kGrowAt times as many later.
void TagTable::grow() {
  if (unsplit_ == 0) {
    if (size_ < kGrowAt << bits_ || bits_ == max_bits_) return;
    unsplit_ = uint64_t{1} << bits_;
    ++bits_;
  }
  --unsplit_;
  prepared_ = false;
  if (grew_ != nullptr) *grew_ = true;
  if (2 * unsplit_ < resident_down_to() && 2 * unsplit_ >= untouched_from()) ++buckets_moved_cold_;
  split(unsplit_);
  ++buckets_moved_;
}

void TagTable::split(uint64_t number) {
  Bucket* const home = bucket(number);
  for (Bucket* b = home;; --b) {
    for (uint32_t held = ~equal_lanes(b->values, 0) & kSlotMask; held != 0; held &= held - 1) {
      const auto slot = static_cast<uint32_t>(std::countr_zero(held));
      const uint32_t tag = b->tags[slot];
      const uint64_t new_home = (uint64_t{tag} << bits_) >> 32;
      if (new_home >> 1 != number) continue;
      const uint32_t value = b->values[slot];
      take(home, {b, slot});
      put(new_home, tag, value);
    }
    if (b->overflow == 0) return;
  }
}

TagTable::Census TagTable::census() const {
  Census sum;
  for (const Bucket* b = first_ + buckets() - 1; b >= first_ || b[1].overflow != 0; --b) {
    sum.overflow += b->overflow;
    for (uint32_t held = ~equal_lanes(b->values, 0) & kSlotMask; held != 0; held &= held - 1) {
      const Bucket* const at_home = bucket(home(b->tags[std::countr_zero(held)]));
      ASSERT(at_home >= b);
      sum.displaced += static_cast<uint64_t>(at_home - b);
      ++sum.entries;
    }
  }
  return sum;
}

// A growth uses the second half of its buckets from the end down; these are numbers of buckets.
uint64_t TagTable::untouched_from() const {
  return std::max(uint64_t{1} << (growing() ? bits_ - 1 : bits_), kAhead);
}

uint64_t TagTable::resident_down_to() const {
  const uint32_t bits = growing() ? bits_ : bits_ + 1;
  if (populated_) return 0;
  return bits == resident_bits_ ? resident_from_ : uint64_t{1} << bits;
}

size_t TagTable::prepare_more(size_t limit) {
  const uint32_t bits = growing() ? bits_ : bits_ + 1;
  if (bits > max_bits_ || populated_) {
    prepared_ = true;
    return 0;
  }
  const uint64_t next =
      growing() ? 2 * unsplit_ : uint64_t{1} << bits;  // used up to here, from above
  const uint64_t resident = std::min(resident_down_to(), next);
  const uint64_t wanted = std::max(next > kAhead ? next - kAhead : 0, untouched_from());
  const uint64_t affordable = limit / sizeof(Bucket) / kPageBuckets * kPageBuckets;
  resident_bits_ = bits;
  resident_from_ = resident / kPageBuckets * kPageBuckets;
  prepared_ = resident_from_ <= wanted;
  if (prepared_ || affordable == 0) return 0;
  const uint64_t upto = resident_from_;
  resident_from_ =
      std::max(wanted / kPageBuckets * kPageBuckets, upto - std::min(upto, affordable));
  return space_.touch_range((room_below_ + resident_from_) * sizeof(Bucket),
                            (room_below_ + upto) * sizeof(Bucket));
}

void TagTable::populate() {
  space_.populate(room_below_ * sizeof(Bucket));
  populated_ = true;
}

}  // namespace rapport
