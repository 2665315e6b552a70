// Loads and stores in network order, at any alignment.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace rapport::wire {

inline uint16_t load16(const uint8_t* p) {
  uint16_t v = 0;
  std::memcpy(&v, p, 2);
  return std::byteswap(v);
}

inline uint32_t load32(const uint8_t* p) {
  uint32_t v = 0;
  std::memcpy(&v, p, 4);
  return std::byteswap(v);
}

inline void store16(uint8_t* p, uint16_t v) {
  v = std::byteswap(v);
  std::memcpy(p, &v, 2);
}

inline void store32(uint8_t* p, uint32_t v) {
  v = std::byteswap(v);
  std::memcpy(p, &v, 4);
}

static_assert(std::endian::native == std::endian::little, "rapport is written for little endian");

}  // namespace rapport::wire
