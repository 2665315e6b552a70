// Taking a URL apart. What may not stand in a request line is refused, not repaired.
#include "rapport/app/url.hh"

#include "rapport/base/address.hh"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace rapport::app {
namespace {

constexpr uint16_t kHttp = 80, kHttps = 443;
constexpr size_t kLongestHost = 253;

std::string lower(std::string_view s) {
  std::string out(s);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= kLongestHost
         && std::ranges::all_of(host, [](unsigned char c) {
              return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
            });
}

// "host", "host:80", "[::1]:80" into `url`; false for anything else.
bool take_authority(std::string_view text, Url& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.host = text.substr(1, end - 1);
    const auto address = parse_address(url.host);
    if (!address || !url.host.contains(':')) return false;
    port = text.substr(end + 1);
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    url.host = lower(text.substr(0, colon));
    if (!is_name(url.host)) return false;
    port = text.substr(colon);
  }
  if (port.empty() || port == ":") return true;
  if (!port.starts_with(':')) return false;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  return error == std::errc() && end == port.data() + port.size() && url.port != 0;
}

}  // namespace

std::string Url::authority() const {
  std::string out = host.contains(':') ? "[" + host + "]" : host;
  if (port != (tls ? kHttps : kHttp)) out += fmt::format(":{}", port);
  return out;
}

std::expected<Url, std::string> parse_url(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(fmt::format("'{}' {}, such as http://10.77.0.1/index.html", text, why));
  };
  Url url;
  std::string_view rest = text.substr(0, text.find('#'));
  if (const size_t end = rest.find("://"); end != std::string_view::npos) {
    const std::string scheme = lower(rest.substr(0, end));
    if (scheme != "http" && scheme != "https") return wrong("is no URL of http or https");
    url.tls = scheme == "https";
    rest.remove_prefix(end + 3);
  }
  url.port = url.tls ? kHttps : kHttp;
  const size_t path = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, path);
  if (authority.contains('@')) return wrong("names a user: a URL without one is needed");
  if (!take_authority(authority, url)) return wrong("names no host (and port)");
  const std::string_view target = rest.substr(path);
  const bool printable =
      std::ranges::all_of(target, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!printable) return wrong("has blanks or other characters that must be percent-encoded");
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

}  // namespace rapport::app
