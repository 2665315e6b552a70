// TagTable: from a 32-bit tag (the high half of a keyed hash) to a 32-bit value, the index at the
// heart of the connection table. One cache line a bucket: seven tags, an overflow count, seven
// values. The bucket's number is taken from the top bits of the tag, so that growing needs neither
// keys nor hashes: old bucket b goes to 2b and 2b+1. At most one bucket is moved per insert.
#pragma once

#include "rapport/base/slab.hh"

#include <cstdint>

namespace rapport {

class TagTable {
 public:
  // Room for at least `cap` entries, reserved as address space, touched as it grows.
  explicit TagTable(uint32_t cap);

  // The value under `tag` for which same(value) holds; 0 when there is none.
  template <class Same>
  [[nodiscard]] uint32_t find(uint32_t tag, Same&& same) const;
  // `value` must not be 0, (tag, value) not present. False when the cap is reached.
  [[nodiscard]] bool insert(uint32_t tag, uint32_t value);
  // (tag, value) must be present.
  void erase(uint32_t tag, uint32_t value);
  // (tag, from) must be present and becomes (tag, to).
  void replace(uint32_t tag, uint32_t from, uint32_t to);
  // Brings the home bucket of `tag` towards the cache.
  void prefetch(uint32_t tag) const;

  [[nodiscard]] uint32_t size() const;
  [[nodiscard]] uint64_t buckets_moved() const;
  // Once a turn: touches memory ahead of need, at most `limit` octets; returns the octets touched.
  size_t prepare(size_t limit);
};

}  // namespace rapport
