// The Internet checksum (RFC 1071, 1141, 1624), as partial sums that are folded once at the end.
// A partial sum is over 16-bit words as they lie in memory (host loads), any even number of times
// foldable; odd-length pieces may only come last.
#pragma once

#include <cstdint>
#include <span>

#include "rapport/base/address.hh"

namespace rapport::wire {

struct PartialSum {
  uint64_t v = 0;
  constexpr PartialSum operator+(PartialSum o) const {
    const uint64_t s = v + o.v;
    return {s + (s < v ? 1U : 0U)};
  }
};

// The sum of `bytes` (any length and alignment).
[[nodiscard]] PartialSum sum(std::span<const uint8_t> bytes);
// Copies `from` to `to` (not overlapping) and sums it in the same pass.
[[nodiscard]] PartialSum copy_and_sum(uint8_t* to, std::span<const uint8_t> from);
// Moves a sum by one octet: what it would be had it begun at an odd offset.
[[nodiscard]] PartialSum swapped(PartialSum s);
// The pseudo-header of RFC 9293 3.1 (IPv4) or RFC 8200 8.1 (IPv6). `length`: of the upper layer.
[[nodiscard]] PartialSum pseudo_header(const IpAddress& source, const IpAddress& destination,
                                       uint8_t protocol, uint32_t length);
// Folded and complemented, in memory order: store it as it is (memcpy of the uint16_t).
[[nodiscard]] uint16_t finish(PartialSum s);
// A region whose stored checksum is included sums to zero when it is right.
[[nodiscard]] inline bool is_right(PartialSum s) { return finish(s) == 0; }

}  // namespace rapport::wire
