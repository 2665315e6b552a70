// Addresses as they stand in headers, inside wire/ only: four octets of IPv4, sixteen of IPv6, six
// of Ethernet, to and from the values of base/.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace rapport::wire {

// Written as two whole words: these are read back as words by the pseudo-header and the flow key.
inline IpAddress load_v4(const uint8_t* p) {
  uint32_t v4 = 0;
  std::memcpy(&v4, p, 4);
  return std::bit_cast<IpAddress>(
      std::array<uint64_t, 2>{0, uint64_t{v4} << 32 | uint64_t{0xffff0000}});
}

inline IpAddress load_v6(const uint8_t* p) {
  std::array<uint64_t, 2> words{};
  std::memcpy(words.data(), p, sizeof words);
  return std::bit_cast<IpAddress>(words);
}

inline MacAddress load_mac(const uint8_t* p) {
  MacAddress mac;
  std::memcpy(mac.octets.data(), p, mac.octets.size());
  return mac;
}

inline void store_v4(uint8_t* to, const IpAddress& a) {
  std::memcpy(to, &a.octets[12], 4);
}

inline void store_v6(uint8_t* to, const IpAddress& a) {
  std::memcpy(to, a.octets.data(), a.octets.size());
}

inline void store_mac(uint8_t* to, const MacAddress& mac) {
  std::memcpy(to, mac.octets.data(), mac.octets.size());
}

}  // namespace rapport::wire
