// Time limits on each kind of operation, connecting to one of several, futures.
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/socket/asio/stream.hh"
#include "rapport/tcp/state.hh"
#include "tests/unit/asio/world.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

namespace rapport::asio::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

const Endpoint kLost{IpAddress::v4(10, 0, 0, 99), 80};  // nobody has the address
const Endpoint kClosed{rapport::test::kRight, 81};
const Endpoint kGroup{IpAddress::v4(224, 0, 0, 1), 80};

// (g++ 12 takes no braced lists inside coroutines.)
ResolverResults results(const Endpoint& first, const Endpoint& second) {
  ResolverResults all;
  all.emplace_back(first, "somebody", "");
  all.emplace_back(second, "somebody", "");
  return all;
}

// A peer that reads nothing, for as long as the test lasts.
net::awaitable<void> silent(World& w, std::vector<Stream>& kept) {
  kept.push_back(co_await w.accepted());
}

TEST(AsioLimits, ConnectingEndsAtItsLimit) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Stream s(world.left);
    s.expires_at(steady_clock::now() + 30ms);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await s.async_connect(kLost, token);
    EXPECT_EQ(ec, net::error::timed_out);
    EXPECT_TRUE(s.expired());
    EXPECT_FALSE(s.is_open());
    s.expires_after(10s);
    co_await s.async_connect(kServer, token);
    EXPECT_FALSE(ec) << "it may connect anew: " << ec.message();
    EXPECT_FALSE(s.expired());
  }(w));
}

TEST(AsioLimits, WritingEndsAtItsLimit) {
  World w;
  std::vector<Stream> kept;
  w.run(silent(w, kept), [](World& world) -> net::awaitable<void> {
    Stream s = co_await world.connected();
    s.expires_after(100ms);
    const std::vector<uint8_t> much = pattern(16 << 20);  // more than both ends keep
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    const size_t n = co_await net::async_write(s, net::buffer(much), token);
    EXPECT_EQ(ec, net::error::timed_out);
    EXPECT_LT(n, much.size());
  }(w));
}

TEST(AsioLimits, ALimitCountsForReadingAndWritingAtOnce) {
  World w;
  std::vector<Stream> kept;
  const std::vector<uint8_t> much = pattern(16 << 20);
  int timed_out = 0;
  const auto count = [&](error_code ec, size_t) { timed_out += ec == net::error::timed_out; };
  std::array<char, 8> buffer{};
  w.run(silent(w, kept),
        [](World& world, const std::vector<uint8_t>& data, auto& done,
           std::array<char, 8>& into) -> net::awaitable<void> {
          Stream s = co_await world.connected();
          s.expires_after(100ms);
          net::async_read(s, net::buffer(into), done);
          error_code ec;
          auto token = net::redirect_error(net::use_awaitable, ec);
          (void)co_await net::async_write(s, net::buffer(data), token);
          done(ec, 0);
        }(w, much, count, buffer));
  w.linger(10ms);
  EXPECT_EQ(timed_out, 2);
}

TEST(AsioEnd, ComesWhenBothFinsAreAcknowledged) {
  World w;
  bool peer_closed = false;
  w.run(
      [](World& world, bool& closed) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        net::steady_timer pause(world.io, 30ms);
        co_await pause.async_wait(net::use_awaitable);
        closed = true;
        s.close();
      }(w, peer_closed),
      [](World& world, bool& closed) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        EXPECT_FALSE(s.shutdown());
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        co_await s.async_wait_end(token);
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_TRUE(closed);
        EXPECT_EQ(s.status()->state, tcp::State::TimeWait);
        co_await s.async_wait_end(token);
        EXPECT_FALSE(ec) << "it has ended before";
      }(w, peer_closed));
}

TEST(AsioEnd, TellsOfABadOne) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        s.abort();
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        co_await s.async_wait_end(token);
        EXPECT_EQ(ec, net::error::connection_reset);
        Stream unconnected(world.left);
        co_await unconnected.async_wait_end(token);
        EXPECT_EQ(ec, net::error::not_connected);
      }(w));
}

TEST(AsioConnect, AnEndedStreamMayConnectAnew) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Stream s(world.left);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await s.async_connect(kClosed, token);
    EXPECT_EQ(ec, net::error::connection_refused);
    co_await s.async_connect(kServer, token);
    EXPECT_FALSE(ec);
    co_await s.async_connect(kServer, token);
    EXPECT_EQ(ec, net::error::already_connected);
  }(w));
}

TEST(AsioConnect, TheFirstOfSeveralThatAnswers) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Stream s(world.left);
    const auto to = results(kClosed, kServer);
    const Endpoint answered = co_await s.async_connect(to, net::use_awaitable);
    EXPECT_EQ(answered, kServer);
    EXPECT_EQ(s.remote_endpoint(), kServer);
  }(w));
}

TEST(AsioConnect, TheErrorOfTheLastWhenNobodyAnswers) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Stream s(world.left);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    const auto refusing = results(kGroup, kClosed);
    const Endpoint none = co_await s.async_connect(refusing, token);
    EXPECT_EQ(ec, net::error::connection_refused);
    EXPECT_EQ(none, Endpoint{});
    (void)co_await s.async_connect(ResolverResults{}, token);
    EXPECT_EQ(ec, net::error::host_not_found);
    s.expires_after(50ms);
    const auto lost = results(kLost, kServer);
    (void)co_await s.async_connect(lost, token);
    EXPECT_EQ(ec, net::error::timed_out) << "one limit for all of them";
    EXPECT_FALSE(s.is_open());
  }(w));
}

TEST(AsioConnect, CancelEndsTheWholeRow) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Stream s(world.left);
    net::post(world.io, [&s] { s.cancel(); });
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    (void)co_await s.async_connect(results(kLost, kServer), token);
    EXPECT_EQ(ec, net::error::operation_aborted);
  }(w));
}

// The loop runs in this thread; another one asks by coroutine and waits for the future.
TEST(AsioFuture, AnotherThreadWaitsForAnAnswer) {
  World w;
  std::string answer;
  std::thread asker([&] {
    auto done = net::co_spawn(
        w.io,
        [](World& world) -> net::awaitable<std::string> {
          Stream s = co_await world.connected();
          co_await net::async_write(s, net::buffer("ask", 3), net::use_awaitable);
          std::string said(5, ' ');
          co_await net::async_read(s, net::buffer(said), net::use_awaitable);
          co_return said;
        }(w),
        net::use_future);
    answer = done.get();
  });
  w.run([](World& world) -> net::awaitable<void> {
    Stream s = co_await world.accepted();
    std::string asked(3, ' ');
    co_await net::async_read(s, net::buffer(asked), net::use_awaitable);
    EXPECT_EQ(asked, "ask");
    co_await net::async_write(s, net::buffer("reply", 5), net::use_awaitable);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    (void)co_await s.async_read_some(net::buffer(asked), token);
    EXPECT_EQ(ec, net::error::eof);
  }(w));
  asker.join();
  EXPECT_EQ(answer, "reply");
}

TEST(AsioFuture, EachOperationGivesOne) {
  World w;
  Stream client(w.left);
  std::future<Stream> accepted = w.acceptor.async_accept(net::use_future);
  std::future<void> connected = client.async_connect(kServer, net::use_future);
  const auto run_until = [&](auto& future) {
    for (int i = 0; i < 500 && future.wait_for(0s) != std::future_status::ready; ++i) {
      w.linger(10ms);
    }
    ASSERT_EQ(future.wait_for(0s), std::future_status::ready);
  };
  run_until(accepted);
  run_until(connected);
  connected.get();
  Stream server = accepted.get();
  std::future<size_t> written = client.async_write_some(net::buffer("12345", 5), net::use_future);
  std::array<char, 8> buffer{};
  std::future<size_t> read = server.async_read_some(net::buffer(buffer), net::use_future);
  run_until(written);
  run_until(read);
  EXPECT_EQ(written.get(), 5U);
  EXPECT_EQ(read.get(), 5U);
  client.close();
  read = server.async_read_some(net::buffer(buffer), net::use_future);
  run_until(read);
  EXPECT_THROW((void)read.get(), boost::system::system_error);
}

}  // namespace
}  // namespace rapport::asio::test
