// Eight 32-bit lanes compared at once: the only place of base/ that knows vector instructions. The
// answer is a bit mask, lane 0 in bit 0. Every variant gives the same answer.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>  // <immintrin.h> would cost each file half a second
#endif

namespace rapport {

// The lanes of `lanes` (aligned to 32 octets) that equal `value`.
[[nodiscard]] inline uint32_t equal_lanes(const uint32_t* lanes, uint32_t value) {
#if defined(__AVX2__)
  const __m256i all = _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes));
  const __m256i same = _mm256_cmpeq_epi32(all, _mm256_set1_epi32(static_cast<int>(value)));
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(same)));
#elif defined(__SSE2__)
  const __m128i wanted = _mm_set1_epi32(static_cast<int>(value));
  const auto* halves = reinterpret_cast<const __m128i*>(lanes);
  const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(halves), wanted);
  const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(halves + 1), wanted);
  const int mask =
      _mm_movemask_ps(_mm_castsi128_ps(low)) | _mm_movemask_ps(_mm_castsi128_ps(high)) << 4;
  return static_cast<uint32_t>(mask);
#else
  uint32_t mask = 0;
  for (size_t i = 0; i < 8; ++i) mask |= static_cast<uint32_t>(lanes[i] == value) << i;
  return mask;
#endif
}

}  // namespace rapport
