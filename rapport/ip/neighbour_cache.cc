// Entries in a chained table under a keyed hash, so that nobody can choose addresses that share a
// bucket, and in a list by last use. Nothing is allocated after construction.
#include "rapport/ip/neighbour_cache.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/siphash.hh"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace rapport::ip {
namespace {

size_t bucket_number(const SipKey& key, const IpAddress& address, size_t buckets) {
  const auto words = address.words();
  return siphash24_words(key, words[0], words[1]) & (buckets - 1);
}

}  // namespace

NeighbourCache::NeighbourCache(uint32_t cap, const SipKey& key)
    : key_(key),
      entries_(size_t{cap} + 1),
      buckets_(std::bit_ceil(size_t{cap} * 2), kNone),
      wheel_(Timers{&entries_}) {
  ASSERT(cap >= 1);
  for (uint32_t i = cap; i >= 1; --i) {
    entries_[i].next_in_bucket = free_;
    free_ = i;
  }
}

uint32_t& NeighbourCache::bucket_of(const IpAddress& address) {
  return buckets_[bucket_number(key_, address, buckets_.size())];
}

uint32_t NeighbourCache::find(const IpAddress& address) const {
  uint32_t i = buckets_[bucket_number(key_, address, buckets_.size())];
  while (i != kNone && entries_[i].address != address) i = entries_[i].next_in_bucket;
  return i;
}

uint32_t NeighbourCache::add(const IpAddress& address) {
  if (free_ == kNone) {
    if (oldest_ == kNone) return kNone;
    remove(oldest_);
  }
  const uint32_t i = free_;
  NeighbourEntry& e = entries_[i];
  free_ = e.next_in_bucket;
  e = NeighbourEntry{};
  e.address = address;
  uint32_t& first = bucket_of(address);
  e.next_in_bucket = first;
  first = i;
  ++size_;
  return i;
}

void NeighbourCache::remove(uint32_t i) {
  hold(i);
  wheel_.remove(i);
  NeighbourEntry& e = entries_[i];
  uint32_t* link = &bucket_of(e.address);
  while (*link != i) link = &entries_[*link].next_in_bucket;
  *link = e.next_in_bucket;
  e.held.reset();
  e.next_in_bucket = free_;
  free_ = i;
  --size_;
}

void NeighbourCache::let_go_last(uint32_t i) {
  if (newest_ == i) return;
  hold(i);
  NeighbourEntry& e = entries_[i];
  e.may_go = true;
  e.older = newest_;
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = i;
  newest_ = i;
}

void NeighbourCache::let_go_first(uint32_t i) {
  hold(i);
  NeighbourEntry& e = entries_[i];
  e.may_go = true;
  e.newer = oldest_;
  (oldest_ == kNone ? newest_ : entries_[oldest_].older) = i;
  oldest_ = i;
}

void NeighbourCache::hold(uint32_t i) {
  NeighbourEntry& e = entries_[i];
  if (!e.may_go) return;
  (e.older == kNone ? oldest_ : entries_[e.older].newer) = e.newer;
  (e.newer == kNone ? newest_ : entries_[e.newer].older) = e.older;
  e.older = e.newer = kNone;
  e.may_go = false;
}

}  // namespace rapport::ip
