// Both files have one form: words, and comments behind '#'.
#include "rapport/socket/asio/names.hh"

#include "rapport/base/address.hh"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rapport::asio {
namespace {

constexpr std::string_view kBlank = " \t\r\f\v";

// Cuts the next line off.
std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line.substr(0, line.find('#'));
}

// Cuts the next word off; empty when there is none.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const size_t end = std::min(line.find_first_of(kBlank), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool names(std::string_view line, std::string_view name) {
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    if (same_name(word, name)) return true;
  }
  return false;
}

}  // namespace

std::vector<IpAddress> find_host(std::string_view hosts, std::string_view name) {
  std::vector<IpAddress> found;
  if (name.ends_with('.')) name.remove_suffix(1);  // the root
  while (!hosts.empty()) {
    std::string_view line = next_line(hosts);
    const auto address = parse_address(next_word(line));
    if (!address || !names(line, name)) continue;
    if (std::ranges::find(found, *address) == found.end()) found.push_back(*address);
  }
  return found;
}

std::optional<uint16_t> find_service(std::string_view services, std::string_view name,
                                     std::string_view protocol) {
  while (!services.empty()) {
    std::string_view line = next_line(services);
    const std::string_view official = next_word(line);
    const std::string_view where = next_word(line);
    const size_t slash = where.find('/');
    if (slash == std::string_view::npos) continue;
    if (!protocol.empty() && where.substr(slash + 1) != protocol) continue;
    const auto port = port_number(where.substr(0, slash));
    if (port && (official == name || names(line, name))) return port;
  }
  return std::nullopt;
}

std::optional<uint16_t> port_number(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace rapport::asio
