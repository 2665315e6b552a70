// MacAddress: a 48-bit IEEE 802 address, as Ethernet has it on both ends of a frame. Its text is
// parsed and printed in mac.cc.
#pragma once

#include "rapport/base/reason.hh"

#include <array>
#include <compare>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace rapport {

struct MacAddress {
  std::array<uint8_t, 6> octets{};

  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;

  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }

  // The group bit: the first that goes onto the wire. Broadcast has it too.
  [[nodiscard]] constexpr bool is_multicast() const { return (octets[0] & 1) != 0; }

  [[nodiscard]] constexpr bool is_broadcast() const { return *this == broadcast(); }

  // All zero: nobody's.
  [[nodiscard]] constexpr bool is_unspecified() const { return *this == MacAddress{}; }
};

// "02:00:5e:10:00:01": six pairs of hexadecimal digits with colons between them.
// Error::InvalidArgument for anything else.
[[nodiscard]] std::expected<MacAddress, Error> parse_mac(std::string_view text);
// The same form, in lower case.
[[nodiscard]] std::string to_string(const MacAddress& mac);

}  // namespace rapport
