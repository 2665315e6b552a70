// HTTP/1.1 for `rapport serve`: GET and HEAD of a Site's files over streams of a rapport stack
// (RFC 9110, 9112). Sizes and times of everything that a client may send or delay are bounded.
#pragma once

#include "rapport/app/serve_site.hh"
#include "rapport/socket/asio/acceptor.hh"

#include <chrono>
#include <cstdint>

#include <boost/asio/awaitable.hpp>

namespace rapport::app {

struct HttpLimits {
  std::chrono::seconds idle{30};     // for a whole request to arrive, from the last answer on
  std::chrono::seconds stalled{60};  // for a piece of an answer to be taken
  std::chrono::seconds parting{5};   // for the peer to close after us
  uint32_t header_octets = 16384;    // request line and fields
  uint32_t body_octets = 65536;      // of a request; GET and HEAD have no use for one
};

struct HttpCounters {
  uint64_t connections = 0, requests = 0, refused = 0;  // refused: answered with 4xx or 5xx
};

// Accepts until the acceptor is closed or drained; each connection runs by itself. All three must
// outlive the last of them.
boost::asio::awaitable<void> serve_http(asio::Acceptor& acceptor, const Site& site,
                                        HttpCounters& counters);

}  // namespace rapport::app
