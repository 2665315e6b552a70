// How large packets to a destination may be, as far as its path has told (RFC 1191, RFC 8201). Only
// what is below the interface's MTU is kept, capped, the oldest evicted. A message never raises an
// estimate; an age does: after kept_for the destination is tried with large packets again (RFC 1191
// 6.3, RFC 8201 4: not within 5 minutes). Whether a message is believed is the caller's business.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/linked_list.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/time.hh"

#include <cstdint>
#include <optional>
#include <vector>

namespace rapport::ip {

inline constexpr uint16_t kLeastMtuV4 = 68;    // RFC 791
inline constexpr uint16_t kLeastMtuV6 = 1280;  // RFC 8200 5

// The next lower plateau of RFC 1191 7.1 below `length`, for routers that tell no MTU.
[[nodiscard]] uint16_t plateau_below(uint16_t length);

class PathMtus {
 public:
  static constexpr Duration kKeptFor = 600_s;  // RFC 1191 6.3

  PathMtus(uint32_t capacity, SipKey key);

  // The estimate; none: nothing is known but the interface.
  [[nodiscard]] std::optional<uint16_t> towards(const IpAddress& remote) const;

  // Lowers the estimate; `mtu` is at least the family's least. False when it is not lower than what
  // is known (R8201-2), and nothing has changed.
  bool lower(const IpAddress& remote, uint16_t mtu, Instant now);

  // Forgets at most `budget` estimates that have aged; returns how many. Their paths may be tried
  // with larger packets from now on.
  uint32_t expire(Instant now, uint32_t budget);
  [[nodiscard]] Instant next_deadline() const;

  [[nodiscard]] uint32_t size() const { return entries_.used(); }

  // Calls add(to, field) for every field that the future depends on (Stack::fingerprint).
  void fingerprint(void (*add)(void* to, uint64_t field), void* to) const;

 private:
  struct Entry {
    uint32_t next = kNone;  // in its bucket; in the slab's free list
    Links by_age;
    uint16_t mtu = 0;
    IpAddress remote;
    Instant expiry;
  };

  [[nodiscard]] uint32_t find(const IpAddress& remote) const;
  [[nodiscard]] uint32_t bucket_of(const IpAddress& remote) const;
  void remove(uint32_t index);

  SipKey key_;
  Slab<Entry> entries_;
  std::vector<uint32_t> buckets_;
  LinkedList<&Entry::by_age> by_age_;  // the oldest first
};

}  // namespace rapport::ip
