// Addresses as text: dotted decimal without leading zeros, IPv6 by RFC 4291 2.2 in and RFC 5952
// out. Zones (%eth0) are not understood: an interface is named elsewhere.
#include "rapport/base/address.hh"

#include "rapport/base/reason.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rapport {
namespace {

using Groups = std::array<uint16_t, 8>;

// All of `text` as an unsigned number of at most `digits` digits.
std::optional<uint32_t> whole_number(std::string_view text, int base, size_t digits) {
  if (text.empty() || text.size() > digits) return {};
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

std::optional<uint32_t> decimal(std::string_view text, uint32_t highest) {
  if (text.size() > 1 && text.front() == '0') return {};  // 010 is 8 to some readers
  const auto value = whole_number(text, 10, 3);
  return value && *value <= highest ? value : std::nullopt;
}

std::optional<uint32_t> parse_v4(std::string_view text) {
  uint32_t host = 0;
  for (int part = 0; part < 4; ++part) {
    const size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return {};
    const auto octet = decimal(text.substr(0, dot), 255);
    if (!octet) return {};
    host = host << 8 | *octet;
    text.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return host;
}

// Groups divided by single colons, the last of them possibly dotted decimal; how many 16-bit groups
// that made, or nothing when malformed or more than `room`.
std::optional<size_t> parse_groups(std::string_view text, Groups& out, size_t room) {
  size_t count = 0;
  while (!text.empty()) {
    const size_t colon = text.find(':');
    const bool last = colon == std::string_view::npos;
    const std::string_view part = text.substr(0, colon);
    if (last && part.contains('.')) {
      const auto v4 = parse_v4(part);
      if (!v4 || count + 2 > room) return {};
      out[count++] = static_cast<uint16_t>(*v4 >> 16);
      out[count++] = static_cast<uint16_t>(*v4);
      return count;
    }
    const auto group = whole_number(part, 16, 4);
    if (!group || count == room) return {};
    out[count++] = static_cast<uint16_t>(*group);
    if (last) return count;
    text.remove_prefix(colon + 1);
    if (text.empty()) return {};  // a colon at the end
  }
  return count;
}

IpAddress from_groups(const Groups& groups) {
  IpAddress a;
  for (size_t i = 0; i < 8; ++i) {
    a.octets[2 * i] = static_cast<uint8_t>(groups[i] >> 8);
    a.octets[2 * i + 1] = static_cast<uint8_t>(groups[i]);
  }
  return a;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  Groups head{};
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto count = parse_groups(text, head, 8);
    if (!count || *count != 8) return {};
    return from_groups(head);
  }
  // "::" stands for at least one group. Dotted decimal may stand only at the very end.
  const std::string_view left = text.substr(0, gap);
  if (left.contains('.')) return {};
  Groups tail{};
  const auto before = parse_groups(left, head, 7);
  if (!before) return {};
  const auto after = parse_groups(text.substr(gap + 2), tail, 7 - *before);
  if (!after) return {};
  std::copy_n(tail.begin(), *after, head.end() - static_cast<std::ptrdiff_t>(*after));
  return from_groups(head);
}

// RFC 5952 4.2: the longest run of at least two zero groups, the first of equals.
struct Run {
  size_t at = 8, length = 0;
};

Run longest_zero_run(const Groups& groups) {
  Run best;
  for (size_t i = 0; i < 8;) {
    size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.length) best = {i, end - i};
    i = end + 1;
  }
  return best;
}

void append_number(std::string& out, uint32_t value, int base) {
  std::array<char, 12> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

// How many leading bits `a` and `b` have in common, up to `bits`.
bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) {
  const size_t whole = bits / 8;
  if (!std::equal(a.octets.begin(), a.octets.begin() + static_cast<std::ptrdiff_t>(whole),
                  b.octets.begin())) {
    return false;
  }
  if (bits % 8 == 0) return true;
  const auto differ = static_cast<unsigned>(a.octets[whole] ^ b.octets[whole]);
  return differ >> (8 - bits % 8) == 0;
}

}  // namespace

bool Cidr::contains(const IpAddress& a) const {
  if (a.is_v4() != address.is_v4()) return false;
  return same_prefix(a, address, address.is_v4() ? 96U + prefix : prefix);
}

IpAddress Cidr::broadcast() const {
  if (!address.is_v4() || prefix > 30) return {};
  return IpAddress::v4(address.v4_host() | (0xffffffffU >> prefix));
}

std::expected<IpAddress, Error> parse_address(std::string_view text) {
  if (text.contains(':')) {
    if (const auto v6 = parse_v6(text)) return *v6;
  } else if (const auto v4 = parse_v4(text)) {
    return IpAddress::v4(*v4);
  }
  return std::unexpected(Error::InvalidArgument);
}

std::expected<Cidr, Error> parse_cidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::unexpected(Error::InvalidArgument);
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::unexpected(Error::InvalidArgument);
  const auto prefix = decimal(text.substr(slash + 1), address->is_v4() ? 32 : 128);
  if (!prefix) return std::unexpected(Error::InvalidArgument);
  return Cidr{*address, static_cast<uint8_t>(*prefix)};
}

std::string to_string(const IpAddress& a) {
  std::string out;
  if (a.is_v4()) {
    for (size_t i = 12; i < 16; ++i) {
      if (i > 12) out += '.';
      append_number(out, a.octets[i], 10);
    }
    return out;
  }
  Groups groups{};
  for (size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<uint16_t>(a.octets[2 * i] << 8 | a.octets[2 * i + 1]);
  }
  const Run gap = longest_zero_run(groups);
  for (size_t i = 0; i < 8; ++i) {
    if (i == gap.at) {
      out += "::";
      i += gap.length - 1;
      continue;
    }
    if (i > 0 && i != gap.at + gap.length) out += ':';
    append_number(out, groups[i], 16);
  }
  return out;
}

std::string to_string(const Endpoint& e) {
  std::string out = e.address.is_v4() ? to_string(e.address) : '[' + to_string(e.address) + ']';
  out += ':';
  append_number(out, e.port, 10);
  return out;
}

}  // namespace rapport
