// The Internet checksum (RFC 1071). Ones-complement addition is associative and 2^16 = 1 modulo
// 65535, so 64-bit words and 32-bit words in 64-bit lanes give the same sum as 16-bit words; the
// folding is left to finish(). Two ways to the same value: plain 64-bit words for short runs and
// old processors, 256-bit lanes for long runs where the processor has AVX2.
#include "rapport/wire/checksum.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <immintrin.h>

namespace rapport::wire {
namespace {

// Below this the set-up and the horizontal sum of the lanes cost more than they save.
constexpr size_t long_run_octets = 128;

template <typename Word, bool Copy>
uint64_t take(uint8_t* to, const uint8_t* from, size_t at) {
  Word w = 0;
  std::memcpy(&w, from + at, sizeof w);
  if constexpr (Copy) std::memcpy(to + at, &w, sizeof w);
  return w;
}

// The octets [at, n) behind at least eight others, at - n < 8: read together with their
// predecessors, which are shifted out. An odd last octet is padded with zero (RFC 1071 4.1).
template <bool Copy>
uint64_t take_last(uint8_t* to, const uint8_t* from, size_t at, size_t n) {
  return take<uint64_t, Copy>(to, from, n - 8) >> (8 * (8 - (n - at)));
}

// Fewer than eight octets.
template <bool Copy>
PartialSum tiny_run(uint8_t* to, const uint8_t* from, size_t n) {
  uint64_t s = 0;
  size_t at = 0;
  if ((n & 4) != 0) {
    s += take<uint32_t, Copy>(to, from, at);
    at += 4;
  }
  if ((n & 2) != 0) {
    s += take<uint16_t, Copy>(to, from, at);
    at += 2;
  }
  if ((n & 1) != 0) s += take<uint8_t, Copy>(to, from, at);
  return {s};
}

template <bool Copy>
PartialSum plain_run(uint8_t* to, const uint8_t* from, size_t n) {
  if (n < 8) return tiny_run<Copy>(to, from, n);
  PartialSum even;
  PartialSum odd;
  size_t at = 0;
  for (; n - at >= 16; at += 16) {
    even = even + PartialSum{take<uint64_t, Copy>(to, from, at)};
    odd = odd + PartialSum{take<uint64_t, Copy>(to, from, at + 8)};
  }
  if (n - at >= 8) {
    even = even + PartialSum{take<uint64_t, Copy>(to, from, at)};
    at += 8;
  }
  if (at < n) odd = odd + PartialSum{take_last<Copy>(to, from, at, n)};
  return even + odd;
}

// Four lanes of 64 bits. `all` adds whole 64-bit words and may overflow, `high` their upper halves
// and does not (below 2^37 octets). The lower halves' sum is all - 2^32 high, exactly, modulo 2^64.
struct Lanes {
  __m256i all, high;
};

template <bool Copy>
[[gnu::target("avx2"), gnu::always_inline]] inline void take_lane(Lanes& lanes, uint8_t* to,
                                                                  const uint8_t* from, size_t at) {
  __m256i v;
  std::memcpy(&v, from + at, sizeof v);
  if constexpr (Copy) std::memcpy(to + at, &v, sizeof v);
  lanes.all = _mm256_add_epi64(lanes.all, v);
  lanes.high = _mm256_add_epi64(lanes.high, _mm256_srli_epi64(v, 32));
}

[[gnu::target("avx2"), gnu::always_inline]] inline PartialSum across(const Lanes& a,
                                                                     const Lanes& b) {
  const __m256i all = _mm256_add_epi64(a.all, b.all);
  const __m256i high = _mm256_add_epi64(a.high, b.high);
  const __m256i low = _mm256_sub_epi64(all, _mm256_slli_epi64(high, 32));
  const __m256i both = _mm256_add_epi64(low, high);
  const __m128i two =
      _mm_add_epi64(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  return PartialSum{static_cast<uint64_t>(_mm_cvtsi128_si64(two))}
         + PartialSum{static_cast<uint64_t>(_mm_extract_epi64(two, 1))};
}

template <bool Copy>
[[gnu::target("avx2")]] PartialSum long_run(uint8_t* to, const uint8_t* from, size_t n) {
  Lanes a{.all = _mm256_setzero_si256(), .high = _mm256_setzero_si256()};
  Lanes b = a;
  size_t at = 0;
  for (; n - at >= 128; at += 128) {
    take_lane<Copy>(a, to, from, at);
    take_lane<Copy>(b, to, from, at + 32);
    take_lane<Copy>(a, to, from, at + 64);
    take_lane<Copy>(b, to, from, at + 96);
  }
  for (; n - at >= 32; at += 32) take_lane<Copy>(a, to, from, at);
  PartialSum rest;
  for (; n - at >= 8; at += 8) rest = rest + PartialSum{take<uint64_t, Copy>(to, from, at)};
  if (at < n) rest = rest + PartialSum{take_last<Copy>(to, from, at, n)};
  return across(a, b) + rest;
}

template <bool Copy>
PartialSum run(uint8_t* to, const uint8_t* from, size_t n) {
  if (n >= long_run_octets && __builtin_cpu_supports("avx2")) return long_run<Copy>(to, from, n);
  return plain_run<Copy>(to, from, n);
}

}  // namespace

PartialSum sum(std::span<const uint8_t> bytes) {
  return run<false>(nullptr, bytes.data(), bytes.size());
}

PartialSum copy_and_sum(uint8_t* to, std::span<const uint8_t> from) {
  return run<true>(to, from.data(), from.size());
}

PartialSum plain_sum(std::span<const uint8_t> bytes) {
  return plain_run<false>(nullptr, bytes.data(), bytes.size());
}

PartialSum plain_copy_and_sum(uint8_t* to, std::span<const uint8_t> from) {
  return plain_run<true>(to, from.data(), from.size());
}

}  // namespace rapport::wire
