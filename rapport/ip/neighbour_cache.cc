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
#include <utility>

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
    if (idle_.head == kNone) return kNone;
    remove(idle_.head);
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
  e.list = NeighbourEntry::List::Asked;
  asked_.push_back(i, entries_);
  ++asked_count_;
  return i;
}

uint32_t NeighbourCache::one_too_many() const {
  const auto most = static_cast<uint32_t>(entries_.size() / 2);  // without nobody, rounded up
  return asked_count_ < most ? kNone : asked_.head;
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
  if (idle_.tail == i) return;
  hold(i);
  entries_[i].list = NeighbourEntry::List::Idle;
  idle_.push_back(i, entries_);
}

void NeighbourCache::let_go_first(uint32_t i) {
  hold(i);
  entries_[i].list = NeighbourEntry::List::Idle;
  idle_.push_front(i, entries_);
}

void NeighbourCache::hold(uint32_t i) {
  using List = NeighbourEntry::List;
  switch (std::exchange(entries_[i].list, List::None)) {
    case List::None: return;
    case List::Idle: idle_.remove(i, entries_); return;
    case List::Asked: asked_.remove(i, entries_); --asked_count_;
  }
}

}  // namespace rapport::ip
