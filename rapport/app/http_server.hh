// What the two servers of HTTP here share, that of `serve` and that of `demo --serve`: accepting,
// the status for octets that are no request, and parting (RFC 9112 9.6).
#pragma once

#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/stream.hh"

#include <cstddef>
#include <functional>

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

// Calls `take` with each connection until the acceptor is closed or drained. Where a cap is reached
// it waits until something has ended.
boost::asio::awaitable<void> accept_each(asio::Acceptor& acceptor,
                                         std::function<void(asio::Stream)> take);

// What to answer when Beast's parser has failed; 0 when there is nobody to answer.
[[nodiscard]] unsigned status_of_malformed(const boost::system::error_code& ec);

// FIN first; up to `most` octets that the peer still sends are read, for a close with unread text
// would draw a reset that may overtake our answer. Ends with the peer's FIN, or when the stream's
// time is up.
boost::asio::awaitable<void> part_from(asio::Stream& stream, size_t most);

}  // namespace rapport::app
