// Addresses as 16-byte values: IPv4 is mapped into IPv6 (::ffff:a.b.c.d), so that one type and one
// key serve both families. Parsing text is in address.cc.
#pragma once

#include "rapport/base/reason.hh"

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>

namespace rapport {

struct IpAddress {
  std::array<uint8_t, 16> octets{};

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    const auto x = a.words();
    const auto y = b.words();
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }

  // As they lie in memory.
  [[nodiscard]] constexpr std::array<uint64_t, 2> words() const {
    return std::bit_cast<std::array<uint64_t, 2>>(octets);
  }

  static constexpr IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  }

  // `host` is in host order: 10.0.0.1 is 0x0a000001.
  static constexpr IpAddress v4(uint32_t host) {
    return v4(static_cast<uint8_t>(host >> 24), static_cast<uint8_t>(host >> 16),
              static_cast<uint8_t>(host >> 8), static_cast<uint8_t>(host));
  }

  [[nodiscard]] constexpr bool is_v4() const {
    constexpr auto kMask =
        std::bit_cast<uint64_t>(std::array<uint8_t, 8>{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0});
    constexpr auto kMapped =
        std::bit_cast<uint64_t>(std::array<uint8_t, 8>{0, 0, 0xff, 0xff, 0, 0, 0, 0});
    const auto w = words();
    return w[0] == 0 && (w[1] & kMask) == kMapped;
  }

  // The IPv4 address in host order; meaningful when is_v4().
  [[nodiscard]] constexpr uint32_t v4_host() const {
    return uint32_t{octets[12]} << 24 | uint32_t{octets[13]} << 16 | uint32_t{octets[14]} << 8
           | uint32_t{octets[15]};
  }

  // :: or 0.0.0.0
  [[nodiscard]] constexpr bool is_unspecified() const {
    return *this == IpAddress{} || (is_v4() && v4_host() == 0);
  }

  [[nodiscard]] constexpr bool is_multicast() const {
    return is_v4() ? (octets[12] & 0xf0) == 0xe0 : octets[0] == 0xff;
  }

  // 255.255.255.255 and the reserved class E (240/4).
  [[nodiscard]] constexpr bool is_reserved_or_broadcast() const {
    return is_v4() && (octets[12] & 0xf0) == 0xf0;
  }

  [[nodiscard]] constexpr bool is_loopback() const {
    if (is_v4()) return octets[12] == 127;
    IpAddress one{};
    one.octets[15] = 1;
    return *this == one;
  }

  // A host on a network may have it: none of 0/8, 127/8, 224/4 and 240/4 (RFC 1122 3.2.1.3), nor
  // of ::, ::1 and ff00::/8 (RFC 4291 2.5.2, 2.5.3, 2.7). Broadcasts are known to networks only.
  [[nodiscard]] constexpr bool may_be_a_host() const {
    if (is_v4()) return octets[12] != 0 && octets[12] != 127 && octets[12] < 224;
    return !is_unspecified() && !is_loopback() && !is_multicast();
  }
};

// An address and a port (host order). Port 0 is "unspecified".
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// An address with the length of its network prefix (0..32 for IPv4, 0..128 for IPv6).
struct Cidr {
  IpAddress address;
  uint8_t prefix = 0;
  friend constexpr bool operator==(const Cidr&, const Cidr&) = default;
  [[nodiscard]] bool contains(const IpAddress& a) const;
  // The IPv4 network's directed broadcast address; unspecified for /31, /32 and IPv6.
  [[nodiscard]] IpAddress broadcast() const;
};

// "10.0.0.1", "::1", ... Error::InvalidArgument for anything else.
[[nodiscard]] std::expected<IpAddress, Error> parse_address(std::string_view text);
// "10.0.0.1/24"
[[nodiscard]] std::expected<Cidr, Error> parse_cidr(std::string_view text);
// "10.0.0.1", or RFC 5952 text for IPv6.
[[nodiscard]] std::string to_string(const IpAddress& a);
// "10.0.0.1:80", "[::1]:80"
[[nodiscard]] std::string to_string(const Endpoint& e);

}  // namespace rapport
