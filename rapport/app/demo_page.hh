// The HTTP server of `demo --serve`: pages of plain text about the very connections that deliver
// them. Sizes and times of everything that a client may send or delay are bounded (RFC 9112).
#pragma once

#include "rapport/app/demo_chronicle.hh"
#include "rapport/socket/asio/acceptor.hh"

#include <cstdint>

#include <boost/asio/awaitable.hpp>

namespace rapport::app {

struct PageCounts {
  uint64_t pages = 0;   // answered 200
  uint64_t errors = 0;  // any other answer
};

// Accepts until the acceptor is closed. All three must outlive every connection.
boost::asio::awaitable<void> serve_pages(asio::Acceptor& acceptor, Chronicle& chronicle,
                                         PageCounts& served);

}  // namespace rapport::app
