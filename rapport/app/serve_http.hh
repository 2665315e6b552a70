// HTTP/1.1 for `rapport serve`: GET and HEAD of a Site's files over streams of a rapport stack
// (RFC 9110, 9112). Sizes and times of everything that a client may send or delay are bounded.
#pragma once

#include "rapport/app/serve_site.hh"
#include "rapport/socket/asio/acceptor.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>

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
  uint64_t connections = 0, requests = 0;  // requests: all that were answered
  uint64_t redirected = 0, failed = 0;     // of them with 3xx, and with 4xx or 5xx
};

class HttpSession;  // one connection; only its own file knows more

// The connections that one server has, and what they have done.
class HttpSessions {
 public:
  HttpCounters counters;

  // No further request is taken: who waits for one is sent a FIN, who is being answered gets it
  // behind the answer. `ended` is called once, when every peer has closed as well or its time is
  // up; at once when there is nobody.
  void finish(std::function<void()> ended);

  [[nodiscard]] bool finishing() const { return finishing_; }

  void enter(HttpSession& session) { open_.insert(&session); }

  void leave(HttpSession& session) { open_.erase(&session); }

  // Calls what finish() was given, if all have left.
  void tell_if_ended();

 private:
  std::set<HttpSession*> open_;
  std::function<void()> ended_;
  bool finishing_ = false;
};

// Accepts until the acceptor is closed or drained; each connection runs by itself. All three must
// outlive the last of them.
boost::asio::awaitable<void> serve_http(asio::Acceptor& acceptor, const Site& site,
                                        HttpSessions& sessions);

}  // namespace rapport::app
