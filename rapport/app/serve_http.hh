// HTTP/1.1 for `rapport serve` (RFC 9110, 9112) over streams of a rapport stack, with TLS or
// without. Sizes, times and numbers of everything that a client may send, delay or open are
// bounded; what is answered is serve_answer.hh's business.
#pragma once

#include "rapport/app/serve_answer.hh"
#include "rapport/app/serve_site.hh"
#include "rapport/app/transport.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/acceptor.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace rapport::app {

struct HttpLimits {
  std::chrono::seconds opening{30};  // for a TLS handshake
  std::chrono::seconds idle{30};     // for a whole header to arrive, from the last answer on
  std::chrono::seconds body{30};     // for a body to arrive, and a second for each `slowest` octets
  uint64_t slowest = 1024;
  std::chrono::seconds stalled{60};  // for 128 KiB of an answer to be taken
  std::chrono::seconds parting{5};   // for the peer to close after us
  size_t discarded = 1 << 20;        // most that is read and thrown away meanwhile
  uint32_t header_octets = 16384;    // request line and fields
  uint32_t per_client = 2048;        // connections of one IPv4 address or IPv6 /64 at a time
  uint32_t told = 256;               // that are told at a time that they are too many
};

struct HttpCounters {
  uint64_t connections = 0, requests = 0;    // requests: all that were answered
  uint64_t turned_away = 0, tls_failed = 0;  // of the connections
  std::array<uint64_t, 600> answers{};       // by status

  // Answers with a status from `least` to `greatest`.
  [[nodiscard]] uint64_t answered(unsigned least, unsigned greatest) const;
};

class HttpSession;  // one connection; only its own file knows more

// Buffers for bodies, used again and again.
class Chunks {
 public:
  static constexpr size_t kSize = 128 << 10;
  using Chunk = std::unique_ptr<std::array<char, kSize>>;

  [[nodiscard]] Chunk take();
  void give_back(Chunk chunk);

 private:
  std::vector<Chunk> idle_;
};

// The server that one Site has: its rules, its connections and what they have done. Must outlive
// the io_context that runs it.
class HttpService {
 public:
  // `tls` may be nullptr; it and `site` must outlive the service.
  HttpService(const Site& site, const Rules& rules, const Tls* tls = nullptr,
              const HttpLimits& limits = {})
      : site_(site), rules_(rules), tls_(tls), limits_(limits) {}

  // Accepts until the acceptor is closed or drained; each connection runs by itself.
  boost::asio::awaitable<void> run(asio::Acceptor& acceptor);

  // No further request is taken: who waits for one is sent a FIN, who is being answered gets it
  // behind the answer. `ended` is called once, when every peer has closed as well or its time is
  // up; at once when there is nobody.
  void finish(std::function<void()> ended);

  [[nodiscard]] bool finishing() const { return finishing_; }

  [[nodiscard]] const HttpCounters& counters() const { return counters_; }

 private:
  friend class HttpSession;

  boost::asio::awaitable<void> serve_one(asio::Stream stream);
  boost::asio::awaitable<void> turn_away(asio::Stream stream);
  boost::asio::awaitable<void> watch_times(asio::Stream::executor_type executor);
  void tell_if_ended();

  const Site& site_;
  Rules rules_;
  const Tls* tls_;
  HttpLimits limits_;
  HttpCounters counters_;
  Chunks chunks_;
  std::set<HttpSession*> open_;
  std::map<IpAddress, uint32_t> by_client_;
  std::function<void()> ended_;
  uint32_t telling_ = 0;  // that they are too many
  bool finishing_ = false;
};

}  // namespace rapport::app
