// URLs of http and https (RFC 3986, RFC 9110 4.2) as `fetch` takes them. Values only.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace rapport::app {

struct Url {
  bool tls = false;
  std::string host;  // a name or a literal address, that of IPv6 without its brackets
  uint16_t port = 80;
  std::string target = "/";  // path and query, as in the request line; the fragment is left out

  // For the Host field: brackets around IPv6, no port where it is the usual one.
  [[nodiscard]] std::string authority() const;
};

// An error is one line for people. A URL without a scheme is one of http.
[[nodiscard]] std::expected<Url, std::string> parse_url(std::string_view text);

}  // namespace rapport::app
