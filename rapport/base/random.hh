// Random: xoshiro256**, seeded through splitmix64. One stream per Stack, so that a seed fixes every
// draw. Never two draws in one expression: the order of evaluation would be the compiler's.
// Not for secrets by itself: in production the seed is 32 octets of getrandom(2).
#pragma once

#include <array>
#include <cstdint>

namespace rapport {

class Random {
 public:
  explicit constexpr Random(uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  explicit constexpr Random(const std::array<uint64_t, 4>& seed) : state_(seed) {
    if ((state_[0] | state_[1] | state_[2] | state_[3]) == 0) state_[0] = 1;
  }

  constexpr uint64_t next() {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  constexpr uint32_t next32() { return static_cast<uint32_t>(next() >> 32); }

  // 0 .. bound-1, by multiplication (bias below 2^-32 for the bounds used here). bound > 0.
  constexpr uint32_t below(uint32_t bound) {
    return static_cast<uint32_t>((uint64_t{next32()} * bound) >> 32);
  }

  // What all further draws follow from.
  [[nodiscard]] constexpr const std::array<uint64_t, 4>& state() const { return state_; }

  // true once in `parts_per_million` / 1,000,000.
  constexpr bool chance_ppm(uint32_t parts_per_million) {
    return below(1'000'000) < parts_per_million;
  }

 private:
  static constexpr uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  std::array<uint64_t, 4> state_{};
};

}  // namespace rapport
