// Remote: whom `rapport fetch` and `rapport connect` speak to: a name becomes endpoints that the
// stack can reach, and an active OPEN tells what ICMP says while nobody answers.
#pragma once

#include "rapport/app/device_options.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

// The endpoints of a host, an address or a name of /etc/hosts, whose family the stack will have.
// `protocol`: "tcp" or "udp". Throws Misuse for a host or port that is none, for what is no peer
// behind an interface (loopback, groups, broadcasts, our own addresses), or no such family.
[[nodiscard]] asio::ResolverResults remotes_of(std::string_view host, std::string_view port,
                                               std::string_view protocol, const DevicePlan& plan);

struct Opened {
  boost::system::error_code error;
  Endpoint remote;         // who answered
  std::string soft_error;  // the first that ICMP told meanwhile; empty: none
};

// Who opens, whom to, and whether people watch.
struct Opening {
  std::string verb, who;
  bool watched = false;
};

// With --verbose, or where standard error is a terminal.
[[nodiscard]] bool is_watched(bool verbose);

// Connects to one after the other until one answers. A soft error ends nothing (RFC 9293 3.9.2.2,
// MUST-56), but whoever waits is told: "`verb`: `who`: host unreachable, still trying", on standard
// error. Who watches is told after 2, 4, 8 ... seconds, too, to whom how many SYNs have gone.
// `stream` must stay until the end.
[[nodiscard]] boost::asio::awaitable<Opened> open_to(asio::Stream& stream,
                                                     const asio::ResolverResults& to,
                                                     const Opening& opening);

}  // namespace rapport::app
