// Datagrams for `rapport connect --udp` and `rapport listen --udp`: each read of standard input is
// one datagram to the peer, and what the peer sends goes to standard output as it comes. UDP has no
// end: after the end of input a time of silence is one.
#pragma once

#include "rapport/app/pipe_ends.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/datagram.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <boost/asio/awaitable.hpp>

namespace rapport::app {

struct Exchange {
  Endpoint peer;      // unspecified: whoever speaks first
  bool keep = false;  // with anyone, for ever: answers go to whoever spoke last
  std::chrono::nanoseconds silence = std::chrono::seconds(2);  // after the end of input
  size_t largest = 1472;                                       // octets of a datagram
};

// The text of one that needs no fragments on a device of this MTU.
[[nodiscard]] constexpr size_t largest_datagram(size_t mtu, const IpAddress& peer) {
  return mtu - (peer.is_v4() ? 20 : 40) - 8;
}

// On an open socket. Throws Failure when the peer has nobody at that port or is unreachable, or
// when standard output is closed.
boost::asio::awaitable<void> exchange(asio::Datagram& socket, Input& input, Output& output,
                                      const Exchange& how);

}  // namespace rapport::app
