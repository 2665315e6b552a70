// SipHash-2-4: the keyed hash of the connection table and of initial sequence numbers (RFC 6528).
#pragma once

#include "rapport/base/random.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

// A key of its own for each table: two draws, in this order.
[[nodiscard]] inline SipKey draw_key(Random& random) {
  const uint64_t k0 = random.next();
  const uint64_t k1 = random.next();
  return {k0, k1};
}

// SipHash-2-4 of any message (reference byte order: little endian), 64 bits out.
[[nodiscard]] uint64_t siphash24(const SipKey& key, std::span<const uint8_t> message);
// The same for a message of exactly three / two 64-bit little-endian words (24 / 16 octets).
[[nodiscard]] uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b, uint64_t c);
[[nodiscard]] uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b);
// The same for messages of a word and a half (12 octets; the high half of `b` is ignored): one, or
// several at once, lane by lane, as far as the processor has lanes.
[[nodiscard]] uint64_t siphash24_12(const SipKey& key, uint64_t a, uint32_t b);

inline constexpr size_t kSipLanes = 8;

struct SipLanes {
  alignas(64) std::array<uint64_t, kSipLanes> a;     // in: the first eight octets
  alignas(64) std::array<uint64_t, kSipLanes> b;     // in: the last four, the high half zero
  alignas(64) std::array<uint64_t, kSipLanes> hash;  // out
};

void siphash24_12(const SipKey& key, SipLanes& lanes);

}  // namespace rapport
