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

// Four words side by side: the compiler's own vectors, for whatever registers there are.
using Four [[gnu::vector_size(32)]] = uint64_t;

template <int kBits, class Word>
[[gnu::always_inline]] inline void rotate(Word& w) {
  w = (w << kBits) | (w >> (64 - kBits));
}

// Word: a number, or several of them.
template <class Word>
struct State {
  Word v0, v1, v2, v3;

  explicit State(const SipKey& key)
      : v0(Word{} + (key.k0 ^ uint64_t{0x736f6d6570736575})),
        v1(Word{} + (key.k1 ^ uint64_t{0x646f72616e646f6d})),
        v2(Word{} + (key.k0 ^ uint64_t{0x6c7967656e657261})),
        v3(Word{} + (key.k1 ^ uint64_t{0x7465646279746573})) {}

  [[gnu::always_inline]] inline void round() {
    v0 += v1;
    v2 += v3;
    rotate<13>(v1);
    v1 ^= v0;
    rotate<16>(v3);
    v3 ^= v2;
    rotate<32>(v0);
    v2 += v1;
    v0 += v3;
    rotate<17>(v1);
    v1 ^= v2;
    rotate<21>(v3);
    v3 ^= v0;
    rotate<32>(v2);
  }

  [[gnu::always_inline]] inline void absorb(const Word& word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }

  // `last`: the octets left over, and the message's length modulo 256 in the top octet.
  [[gnu::always_inline]] inline void finish(const Word& last, Word& hash) {
    absorb(last);
    v2 ^= Word{} + 0xffULL;
    round();
    round();
    round();
    round();
    hash = v0 ^ v1 ^ v2 ^ v3;
  }
};

uint64_t finished(State<uint64_t>& state, uint64_t last) {
  uint64_t hash = 0;
  state.finish(last, hash);
  return hash;
}

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
  State<uint64_t> state(key);
  const size_t whole = message.size() & ~size_t{7};
  for (size_t i = 0; i < whole; i += 8) state.absorb(little_endian(message.data() + i, 8));
  const uint64_t rest =
      whole == message.size() ? 0 : little_endian(message.data() + whole, message.size() - whole);
  return finished(state, uint64_t{message.size()} << 56 | rest);
}

uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b, uint64_t c) {
  State<uint64_t> state(key);
  state.absorb(a);
  state.absorb(b);
  state.absorb(c);
  return finished(state, uint64_t{24} << 56);
}

uint64_t siphash24_words(const SipKey& key, uint64_t a, uint64_t b) {
  State<uint64_t> state(key);
  state.absorb(a);
  state.absorb(b);
  return finished(state, uint64_t{16} << 56);
}

uint64_t siphash24_12(const SipKey& key, uint64_t a, uint32_t b) {
  State<uint64_t> state(key);
  state.absorb(a);
  return finished(state, uint64_t{12} << 56 | b);
}

void siphash24_12(const SipKey& key, SipLanes& lanes) {
  for (size_t at = 0; at < kSipLanes; at += 4) {
    Four a;
    Four b;
    std::memcpy(&a, &lanes.a[at], sizeof a);
    std::memcpy(&b, &lanes.b[at], sizeof b);
    State<Four> state(key);
    state.absorb(a);
    Four hash;
    state.finish(b | (Four{} + (uint64_t{12} << 56)), hash);
    std::memcpy(&lanes.hash[at], &hash, sizeof hash);
  }
}

}  // namespace rapport
