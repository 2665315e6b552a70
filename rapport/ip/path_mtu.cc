// Estimates in a small keyed table, and in a list by age: all of them are kept equally long.
#include "rapport/ip/path_mtu.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/time.hh"

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

namespace rapport::ip {

namespace {

// RFC 1191 7.1, with the sizes of today's links among them.
constexpr std::array<uint16_t, 13> kPlateaus{65535, 32000, 17914, 9000, 8166, 4352, 2002,
                                             1492,  1280,  1006,  508,  296,  68};

}  // namespace

uint16_t plateau_below(uint16_t length) {
  for (const uint16_t plateau : kPlateaus) {
    if (plateau < length) return plateau;
  }
  return kLeastMtuV4;
}

PathMtus::PathMtus(uint32_t capacity, SipKey key)
    : key_(key), entries_(capacity), buckets_(std::bit_ceil(capacity), kNone) {}

uint32_t PathMtus::bucket_of(const IpAddress& remote) const {
  const auto words = remote.words();
  return static_cast<uint32_t>(siphash24_words(key_, words[0], words[1]) & (buckets_.size() - 1));
}

uint32_t PathMtus::find(const IpAddress& remote) const {
  uint32_t i = buckets_[bucket_of(remote)];
  while (i != kNone && entries_[i].remote != remote) i = entries_[i].next;
  return i;
}

std::optional<uint16_t> PathMtus::towards(const IpAddress& remote) const {
  if (entries_.used() == 0) return std::nullopt;
  const uint32_t i = find(remote);
  if (i == kNone) return std::nullopt;
  return entries_[i].mtu;
}

bool PathMtus::lower(const IpAddress& remote, uint16_t mtu, Instant now) {
  uint32_t i = find(remote);
  if (i != kNone) {
    if (mtu >= entries_[i].mtu) return false;
    by_age_.remove(i, entries_);
  } else {
    if (entries_.full()) remove(by_age_.head);
    i = entries_.allocate();
    Entry& fresh = entries_[i];
    fresh.remote = remote;
    uint32_t& bucket = buckets_[bucket_of(remote)];
    fresh.next = bucket;
    bucket = i;
  }
  entries_[i].mtu = mtu;
  entries_[i].expiry = now + kKeptFor;
  by_age_.push_back(i, entries_);
  return true;
}

// R1191-5; R8201-4.
uint32_t PathMtus::expire(Instant now, uint32_t budget) {
  uint32_t gone = 0;
  for (; gone < budget && by_age_.head != kNone && entries_[by_age_.head].expiry <= now; ++gone) {
    remove(by_age_.head);
  }
  return gone;
}

Instant PathMtus::next_deadline() const {
  return by_age_.head == kNone ? kNever : entries_[by_age_.head].expiry;
}

void PathMtus::fingerprint(void (*add)(void* to, uint64_t field), void* to) const {
  for (uint32_t i = by_age_.head; i != kNone; i = entries_[i].by_age.next) {
    const Entry& e = entries_[i];
    for (const uint64_t word : e.remote.words()) add(to, word);
    add(to, e.mtu);
    add(to, static_cast<uint64_t>(e.expiry.ns));
  }
}

void PathMtus::remove(uint32_t index) {
  by_age_.remove(index, entries_);
  uint32_t* link = &buckets_[bucket_of(entries_[index].remote)];
  while (*link != index) link = &entries_[*link].next;
  *link = entries_[index].next;
  entries_.release(index);
}

}  // namespace rapport::ip
