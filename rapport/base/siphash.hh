// SipHash-2-4: the keyed hash of the connection table and of initial sequence numbers (RFC 6528).
#pragma once

#include <cstdint>
#include <span>

namespace rapport {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

// SipHash-2-4 of any message (reference byte order: little endian), 64 bits out.
[[nodiscard]] uint64_t siphash24(const SipKey& key, std::span<const uint8_t> message);
// The same for a message of exactly three / two 64-bit little-endian words (24 / 16 octets).
[[nodiscard]] uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b, uint64_t c);
[[nodiscard]] uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b);

}  // namespace rapport
