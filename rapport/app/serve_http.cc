// Accepting, the limits on how many, the clock of all connections, and the end.
#include "rapport/app/serve_http.hh"

#include "rapport/app/http_server.hh"
#include "rapport/app/serve_answer.hh"
#include "rapport/app/serve_session.hh"
#include "rapport/app/transport.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/stream.hh"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kWatchEvery{1};
constexpr size_t kIdleChunks = 64;

// Whom the limit on connections counts together: an IPv6 client has a whole /64.
IpAddress client_of(const asio::Stream& stream) {
  IpAddress a = stream.remote_endpoint().address;
  if (!a.is_v4()) std::fill(a.octets.begin() + 8, a.octets.end(), uint8_t{0});
  return a;
}

}  // namespace

uint64_t HttpCounters::answered(unsigned least, unsigned greatest) const {
  return std::accumulate(answers.begin() + least, answers.begin() + greatest + 1, uint64_t{0});
}

Chunks::Chunk Chunks::take() {
  if (idle_.empty()) return std::make_unique_for_overwrite<std::array<char, kSize>>();
  Chunk chunk = std::move(idle_.back());
  idle_.pop_back();
  return chunk;
}

void Chunks::give_back(Chunk chunk) {
  if (idle_.size() < kIdleChunks) idle_.push_back(std::move(chunk));
}

void HttpService::finish(std::function<void()> ended) {
  finishing_ = true;
  ended_ = std::move(ended);
  for (HttpSession* session : open_) session->finish();  // posts handlers, calls none
  tell_if_ended();
}

void HttpService::tell_if_ended() {
  if (finishing_ && open_.empty() && ended_) std::exchange(ended_, nullptr)();
}

net::awaitable<void> HttpService::watch_times(asio::Stream::executor_type executor) {
  net::steady_timer timer(executor);
  while (true) {
    timer.expires_after(kWatchEvery);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await timer.async_wait(token);
    if (ec) co_return;
    const auto now = std::chrono::steady_clock::now();
    for (HttpSession* session : open_) session->check_time(now);  // posts handlers, calls none
  }
}

// One connection too many: without TLS its client hears why (RFC 6585 4), in time to read it.
net::awaitable<void> HttpService::turn_away(asio::Stream stream) {
  ++counters_.turned_away;
  if (tls_ != nullptr || telling_ >= limits_.told) {
    stream.abort();
    co_return;
  }
  ++counters_.answers[429];
  ++telling_;
  static const std::string kText =
      "HTTP/1.1 429 Too Many Requests\r\nServer: rapport\r\nRetry-After: 5\r\nConnection: close\r\n"
      "Content-Length: 0\r\n\r\n";
  stream.expires_after(limits_.parting);
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  co_await net::async_write(stream, net::buffer(kText), token);
  if (!ec) co_await part_from(stream, limits_.discarded);
  --telling_;
}

net::awaitable<void> HttpService::serve_one(asio::Stream stream) {
  const IpAddress client = client_of(stream);
  if (by_client_[client] >= limits_.per_client) {
    co_await turn_away(std::move(stream));
    co_return;
  }
  ++by_client_[client];
  {
    auto transport =
        tls_ != nullptr ? tls_->accept(std::move(stream)) : plain_transport(std::move(stream));
    HttpSession session(std::move(transport), *this);
    co_await session.run();
  }
  if (--by_client_[client] == 0) by_client_.erase(client);
  tell_if_ended();
}

net::awaitable<void> HttpService::run(asio::Acceptor& acceptor) {
  const auto executor = acceptor.get_executor();
  net::co_spawn(executor, watch_times(executor), net::detached);
  co_await accept_each(acceptor, [this, executor](asio::Stream stream) {
    ++counters_.connections;
    // The last segment of an answer must not wait for the client's delayed ACK (MUST-17).
    (void)stream.set_no_delay(true);
    net::co_spawn(executor, serve_one(std::move(stream)), net::detached);
  });
}

}  // namespace rapport::app
