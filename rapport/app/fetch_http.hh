// One GET over a Transport: the request, the header of the answer, its body into a sink (RFC 9110,
// 9112). Which connection and what becomes of the octets is the caller's business.
#pragma once

#include "rapport/app/transport.hh"
#include "rapport/app/url.hh"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

struct FetchJob {
  Url url;
  std::chrono::seconds patience{30};  // for the next octet
  // Called when the header has come. False: the body is not wanted.
  std::function<bool(unsigned status, std::optional<uint64_t> length)> begin;
  // Takes octets of the body. False: it cannot, and the rest is not wanted.
  std::function<boost::asio::awaitable<bool>(std::span<const char>)> take;
};

struct FetchResult {
  boost::system::error_code error;  // of the transport or of HTTP's grammar; none: all has come
  unsigned status = 0;              // 0: no answer came
  std::string reason;               // its phrase
  std::string location;             // of a redirect
  std::optional<uint64_t> length;   // Content-Length
  uint64_t octets = 0;              // of the body that came
  bool malformed = false;           // what came is no HTTP
  bool cut_short = false;           // the connection ended before the body did
};

[[nodiscard]] boost::asio::awaitable<FetchResult> fetch_over(Transport& transport,
                                                             const FetchJob& job);

}  // namespace rapport::app
