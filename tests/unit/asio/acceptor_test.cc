// Acceptors, and how a context ends.
#include "rapport/socket/asio/acceptor.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/asio/stream.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"
#include "tests/unit/asio/world.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace rapport::asio::test {
namespace {

using namespace std::chrono_literals;

net::awaitable<std::string> read_some(Stream& s, error_code& ec) {
  std::array<char, 256> buffer{};
  auto token = net::redirect_error(net::use_awaitable, ec);
  const size_t n = co_await s.async_read_some(net::buffer(buffer), token);
  co_return std::string(buffer.data(), n);
}

TEST(AsioAcceptor, APortIsTakenOnlyOnce) {
  World w;
  Acceptor second(w.right);
  EXPECT_EQ(second.listen({{}, 80}), net::error::address_in_use);
  EXPECT_FALSE(second.listen({{}, 81}));
  second.close();
  EXPECT_FALSE(w.shards.right->stack().population().listeners != 1);
}

TEST(AsioAcceptor, CloseEndsAcceptsThatWait) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    net::post(world.io, [&world] { world.acceptor.close(); });
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    Stream s = co_await world.acceptor.async_accept(token);
    EXPECT_EQ(ec, net::error::operation_aborted);
    EXPECT_FALSE(s.is_open());
  }(w));
}

TEST(AsioAcceptor, ManyAcceptsMayWait) {
  World w;
  int accepted = 0;
  std::vector<Stream> kept;
  for (int i = 0; i < 5; ++i) {
    w.acceptor.async_accept([&](error_code ec, Stream s) {
      EXPECT_FALSE(ec);
      ++accepted;
      kept.push_back(std::move(s));
    });
  }
  std::vector<Stream> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(w.left);
    clients.back().async_connect(kServer, [](error_code ec) { EXPECT_FALSE(ec); });
  }
  for (int i = 0; i < 100 && accepted < 5; ++i) w.linger(10ms);
  EXPECT_EQ(accepted, 5);
}

TEST(AsioContext, DrainEndsOperationsAndClosesByTheBook) {
  tcp::Config tcp;
  tcp.two_msl = 1_s;
  World w(0, tcp);
  bool in_time = false;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::operation_aborted) << "this side is drained";
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::eof);
      }(w),
      [](World& world, bool& result) -> net::awaitable<void> {
        net::steady_timer later(world.io, 30ms);
        co_await later.async_wait(net::use_awaitable);
        result = co_await world.right.async_drain(5s, net::use_awaitable);
      }(w, in_time));
  EXPECT_TRUE(in_time);
  EXPECT_EQ(w.shards.right->stack().population().time_wait, 1U) << "we closed first";
  EXPECT_EQ(w.shards.right->stack().population().listeners, 0U);
}

TEST(AsioContext, DrainResetsAtItsDeadlineWhatWillNotClose) {
  World w;
  bool in_time = true;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        error_code ec;
        (void)co_await read_some(s, ec);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::eof);
        (void)co_await read_some(s, ec);  // never closes its own side in time
        net::steady_timer later(world.io, 300ms);
        co_await later.async_wait(net::use_awaitable);
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::connection_reset);
      }(w),
      [](World& world, bool& result) -> net::awaitable<void> {
        net::steady_timer later(world.io, 30ms);
        co_await later.async_wait(net::use_awaitable);
        result = co_await world.right.async_drain(100ms, net::use_awaitable);
      }(w, in_time));
  EXPECT_FALSE(in_time);
  EXPECT_EQ(w.shards.right->stack().counters().ended_by(CloseReason::Drained), 1U);
}

TEST(AsioContext, ItsEndDropsWhatWaits) {
  net::io_context io;
  rapport::test::ShardPair shards;
  bool called = false;
  std::optional<Stream> survivor;
  {
    Context context(io, *shards.left);
    survivor.emplace(context);
    survivor->async_connect(kServer, [&](error_code) { called = true; });
    net::co_spawn(
        io,
        [](Context& c) -> net::awaitable<void> {
          Stream s(c);  // lives in the frame that is dropped with its own read
          co_await s.async_connect(kServer, net::use_awaitable);
        }(context),
        net::detached);
    io.poll();
  }
  io.run();
  EXPECT_FALSE(called);
  EXPECT_EQ(survivor->shutdown(), net::error::operation_aborted);
}

TEST(AsioContext, SaysWhenItsDeviceIsGone) {
  net::io_context io;
  rapport::test::ShardPair shards;
  Context context(io, *shards.left);
  int told = 0;
  context.on_device_gone([&] { ++told; });
  io.poll();
  shards.right.reset();
  io.run_for(50ms);
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace rapport::asio::test
