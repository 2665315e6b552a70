// MAC addresses as text: pairs of hexadecimal digits with colons, as Linux prints them.
#include "rapport/base/mac.hh"

#include "rapport/base/reason.hh"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>

namespace rapport {

std::expected<MacAddress, Error> parse_mac(std::string_view text) {
  constexpr size_t text_length = 17;
  if (text.size() != text_length) return std::unexpected(Error::InvalidArgument);
  MacAddress mac;
  for (size_t i = 0; i < mac.octets.size(); ++i) {
    const std::string_view pair = text.substr(3 * i, 2);
    const auto [end, error] =
        std::from_chars(pair.data(), pair.data() + pair.size(), mac.octets[i], 16);
    const bool whole = error == std::errc{} && end == pair.data() + pair.size();
    if (!whole || (i > 0 && text[3 * i - 1] != ':')) {
      return std::unexpected(Error::InvalidArgument);
    }
  }
  return mac;
}

std::string to_string(const MacAddress& mac) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const uint8_t octet : mac.octets) {
    if (!out.empty()) out += ':';
    out += digits[octet >> 4];
    out += digits[octet & 0x0f];
  }
  return out;
}

}  // namespace rapport
