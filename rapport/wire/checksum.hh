// The Internet checksum (RFC 1071, 1141, 1624), as partial sums that are folded once at the end.
// A partial sum is over 16-bit words as they lie in memory (host loads), any even number of times
// foldable; odd-length pieces may only come last.
#pragma once

#include "rapport/base/address.hh"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

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

// The same two without wide registers: what they come to on a processor without AVX2.
[[nodiscard]] PartialSum plain_sum(std::span<const uint8_t> bytes);
[[nodiscard]] PartialSum plain_copy_and_sum(uint8_t* to, std::span<const uint8_t> from);

// Moves a sum by one octet: what it would be had it begun at an odd offset. That is a factor of
// 2^8, and a rotation multiplies modulo 2^64 - 1, which 65535 divides (RFC 1071 2 (B)).
[[nodiscard]] inline PartialSum swapped(PartialSum s) {
  return {std::rotl(s.v, 8)};
}

// The pseudo-header of RFC 9293 3.1 (IPv4) or RFC 8200 8.1 (IPv6). `length`: of the upper layer.
// A mapped IPv4 address differs from its four octets by the word ffff, which is zero in ones
// complement; length and protocol stand in network order, which is a rotation by one octet.
[[nodiscard]] inline PartialSum pseudo_header(const IpAddress& source, const IpAddress& destination,
                                              uint8_t protocol, uint32_t length) {
  std::array<uint64_t, 2> s{};
  std::array<uint64_t, 2> d{};
  std::memcpy(s.data(), source.octets.data(), sizeof s);
  std::memcpy(d.data(), destination.octets.data(), sizeof d);
  return (PartialSum{s[0]} + PartialSum{s[1]}) + (PartialSum{d[0]} + PartialSum{d[1]})
         + PartialSum{(uint64_t{length} + protocol) << 8};
}

// The text behind a header, as far as the header needs to know it.
struct TextSum {
  uint32_t length = 0;
  PartialSum sum;
};

// Folded and complemented, in memory order: store it as it is (memcpy of the uint16_t).
[[nodiscard]] constexpr uint16_t finish(PartialSum s) {
  const auto half = static_cast<uint32_t>((s.v + std::rotl(s.v, 32)) >> 32);
  return static_cast<uint16_t>(~(half + std::rotl(half, 16)) >> 16);
}

// A region whose stored checksum is included sums to zero when it is right.
[[nodiscard]] inline bool is_right(PartialSum s) {
  return finish(s) == 0;
}

}  // namespace rapport::wire
