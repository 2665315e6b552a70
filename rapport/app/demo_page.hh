// The HTTP server of `demo --serve`: pages of plain text about the very connections that deliver
// them. Sizes and times of everything that a client may send or delay are bounded (RFC 9112).
#pragma once

#include "rapport/app/demo_chronicle.hh"
#include "rapport/socket/asio/acceptor.hh"

#include <cstdint>

#include <boost/asio/awaitable.hpp>

namespace rapport::app {

// Accepts until the acceptor is closed. Both must outlive every connection. `served` counts the
// pages.
boost::asio::awaitable<void> serve_pages(asio::Acceptor& acceptor, Chronicle& chronicle,
                                         uint64_t& served);

}  // namespace rapport::app
