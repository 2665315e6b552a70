// CRC-32, eight octets at a time.
#include "rapport/sim/record/format.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::sim {

namespace {

constexpr uint32_t kPolynomial = 0xedb88320;
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? kPolynomial : 0);
    t[0][i] = c;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  }
  return t;
}

constexpr Tables kTables = make_tables();

uint32_t word(std::span<const uint8_t, 4> o) {
  return uint32_t{o[0]} | uint32_t{o[1]} << 8 | uint32_t{o[2]} << 16 | uint32_t{o[3]} << 24;
}

}  // namespace

uint32_t crc32(std::span<const uint8_t> octets, uint32_t crc) {
  const auto& t = kTables;
  uint32_t c = ~crc;
  for (; octets.size() >= 8; octets = octets.subspan(8)) {
    const uint32_t low = c ^ word(octets.first<4>());
    const uint32_t high = word(octets.subspan<4, 4>());
    c = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24]
        ^ t[3][high & 0xff] ^ t[2][high >> 8 & 0xff] ^ t[1][high >> 16 & 0xff] ^ t[0][high >> 24];
  }
  for (const uint8_t octet : octets) c = (c >> 8) ^ t[0][(c ^ octet) & 0xff];
  return ~c;
}

}  // namespace rapport::sim
