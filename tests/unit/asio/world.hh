// Two contexts on one io_context, over two shards back to back; one listens on port 80.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/socket/asio/stream.hh"
#include "tests/unit/shard/pair.hh"

#include <chrono>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <gtest/gtest.h>

namespace rapport::asio::test {

namespace net = boost::asio;
using boost::system::error_code;

inline const Endpoint kServer{rapport::test::kRight, 80};

struct World {
  explicit World(int send_buffer = 0, const tcp::Config& tcp = {})
      : shards(send_buffer, tcp),
        left(io, *shards.left),
        right(io, *shards.right),
        acceptor(right) {
    EXPECT_FALSE(acceptor.listen({{}, 80}));
  }

  // Runs the programs until all have ended, or for `limit`.
  template <class... Programs>
  void run(Programs&&... programs) {
    (spawn(std::forward<Programs>(programs)), ...);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (running > 0 && std::chrono::steady_clock::now() < end) {
      io.run_one_for(std::chrono::milliseconds(100));
    }
    EXPECT_EQ(running, 0) << "programs that did not end in ten seconds";
  }

  void spawn(net::awaitable<void> program) {
    ++running;
    net::co_spawn(io, std::move(program), [this](const std::exception_ptr& thrown) {
      --running;
      if (!thrown) return;
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        ADD_FAILURE() << e.what();
      }
    });
  }

  // Lets the loop run for a while, whatever happens in it.
  void linger(std::chrono::milliseconds time) { io.run_for(time); }

  net::awaitable<Stream> connected() {
    Stream s(left);
    co_await s.async_connect(kServer, net::use_awaitable);
    co_return s;
  }

  net::awaitable<Stream> accepted() {
    Stream s = co_await acceptor.async_accept(net::use_awaitable);
    co_return s;
  }

  net::io_context io{1};
  rapport::test::ShardPair shards;
  Context left, right;
  Acceptor acceptor;
  int running = 0;
};

inline std::vector<uint8_t> pattern(size_t n) {
  std::vector<uint8_t> octets(n);
  for (size_t i = 0; i < n; ++i) octets[i] = static_cast<uint8_t>(i * 31 + i / 257);
  return octets;
}

}  // namespace rapport::asio::test
