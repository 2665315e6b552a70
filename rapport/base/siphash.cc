// SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): two rounds for each
// word of the message, four at the end. RFC 6528 wants a PRF for F(); this is it.
#include "rapport/base/siphash.hh"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace rapport {
namespace {

struct State {
  uint64_t v0, v1, v2, v3;

  explicit constexpr State(const SipKey& key)
      : v0(key.k0 ^ 0x736f6d6570736575ULL),
        v1(key.k1 ^ 0x646f72616e646f6dULL),
        v2(key.k0 ^ 0x6c7967656e657261ULL),
        v3(key.k1 ^ 0x7465646279746573ULL) {}

  constexpr void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  constexpr void absorb(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }

  // `last`: the octets left over, and the message's length modulo 256 in the top octet.
  constexpr uint64_t finish(uint64_t last) {
    absorb(last);
    v2 ^= 0xff;
    round();
    round();
    round();
    round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

uint64_t little_endian(const uint8_t* at, size_t octets) {
  uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, at, octets);
  } else {
    for (size_t i = 0; i < octets; ++i) word |= uint64_t{at[i]} << (8 * i);
  }
  return word;
}

}  // namespace

uint64_t siphash24(const SipKey& key, std::span<const uint8_t> message) {
  State state(key);
  const size_t whole = message.size() & ~size_t{7};
  for (size_t i = 0; i < whole; i += 8) state.absorb(little_endian(message.data() + i, 8));
  const uint64_t rest =
      whole == message.size() ? 0 : little_endian(message.data() + whole, message.size() - whole);
  return state.finish(uint64_t{message.size()} << 56 | rest);
}

uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b, uint64_t c) {
  State state(key);
  state.absorb(a);
  state.absorb(b);
  state.absorb(c);
  return state.finish(uint64_t{24} << 56);
}

uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b) {
  State state(key);
  state.absorb(a);
  state.absorb(b);
  return state.finish(uint64_t{16} << 56);
}

}  // namespace rapport
