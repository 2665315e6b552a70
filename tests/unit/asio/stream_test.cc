// Stream and Acceptor as coroutines and callbacks see them.
#include "rapport/socket/asio/stream.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/asio/acceptor.hh"
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

net::awaitable<void> say(Stream& s, std::string words) {
  co_await net::async_write(s, net::buffer(words), net::use_awaitable);
}

// Reads to the end of file; the error that ended it, empty for eof.
net::awaitable<std::vector<uint8_t>> read_all(Stream& s) {
  std::vector<uint8_t> all;
  std::vector<uint8_t> buffer(32768);
  error_code ec;
  while (!ec) {
    auto token = net::redirect_error(net::use_awaitable, ec);
    const size_t n = co_await s.async_read_some(net::buffer(buffer), token);
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(n));
  }
  EXPECT_EQ(ec, net::error::eof);
  co_return all;
}

TEST(AsioStream, AnEchoWithCoroutines) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        error_code ec;
        const std::string words = co_await read_some(s, ec);
        EXPECT_FALSE(ec);
        co_await say(s, words);
        EXPECT_EQ(s.local_endpoint(), kServer);
        EXPECT_EQ(s.remote_endpoint().address, rapport::test::kLeft);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        co_await say(s, "good day");
        error_code ec;
        EXPECT_EQ(co_await read_some(s, ec), "good day");
        EXPECT_EQ(co_await read_some(s, ec), "");
        EXPECT_EQ(ec, net::error::eof) << "the echo's stream was destroyed, which closes it";
      }(w));
}

TEST(AsioStream, UrgentTextIsToldToTheOtherEnd) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        const auto ahead = [&s] { return s.status().value_or(tcp::Status{}).urgent_ahead; };
        for (int i = 0; i < 100 && ahead() == 0_B; ++i) {
          net::steady_timer pause(world.io, 10ms);
          co_await pause.async_wait(net::use_awaitable);
        }
        EXPECT_EQ(ahead(), 11_B) << "five plain octets, and six urgent ones behind them";
        error_code ec;
        EXPECT_EQ(co_await read_some(s, ec), "plainurgent");
        EXPECT_EQ(ahead(), 0_B);
        co_await say(s, "thanks");
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        co_await say(s, "plain");
        const std::string words = "urgent";
        const size_t n = co_await s.async_write_some_urgent(net::buffer(words), net::use_awaitable);
        EXPECT_EQ(n, words.size());
        error_code ec;
        EXPECT_EQ(co_await read_some(s, ec), "thanks");
      }(w));
}

TEST(AsioStream, HandlersNeverRunInsideTheInitiatingCall) {
  World w;
  std::optional<Stream> server;
  Stream client(w.left);
  std::array<char, 8> buffer{};
  size_t got = 0;
  bool inside = false;
  w.acceptor.async_accept([&](error_code ec, Stream s) {
    ASSERT_FALSE(ec);
    server.emplace(std::move(s));
    inside = true;
    net::async_read(*server, net::buffer(buffer), [&](error_code failed, size_t n) {
      EXPECT_FALSE(inside);
      EXPECT_FALSE(failed);
      got = n;
    });
    inside = false;
  });
  client.async_connect(kServer, [&](error_code ec) {
    ASSERT_FALSE(ec);
    inside = true;
    net::async_write(client, net::buffer("12345678", 8), [&](error_code failed, size_t n) {
      EXPECT_FALSE(inside);
      EXPECT_FALSE(failed);
      EXPECT_EQ(n, 8U);
    });
    inside = false;
  });
  for (int i = 0; i < 100 && got == 0; ++i) w.linger(10ms);
  EXPECT_EQ(got, 8U);
}

TEST(AsioStream, HandlersRunOnTheirOwnExecutor) {
  World w;
  auto strand = net::make_strand(w.io);
  Stream client(w.left);
  bool done = false;
  client.async_connect(kServer, net::bind_executor(strand, [&](error_code ec) {
                         EXPECT_FALSE(ec);
                         EXPECT_TRUE(strand.running_in_this_thread());
                         done = true;
                       }));
  for (int i = 0; i < 100 && !done; ++i) w.linger(10ms);
  EXPECT_TRUE(done);
}

TEST(AsioStream, CarriesMegabytesBothWaysAtOnce) {
  World w(8192);
  const std::vector<uint8_t> octets = pattern(3 << 20);
  const auto both_ways = [](net::awaitable<Stream> open, const std::vector<uint8_t>& data,
                            World& world) -> net::awaitable<void> {
    Stream s = co_await std::move(open);
    world.spawn([](Stream& out, const std::vector<uint8_t>& from) -> net::awaitable<void> {
      co_await net::async_write(out, net::buffer(from), net::use_awaitable);
      EXPECT_FALSE(out.shutdown());
    }(s, data));
    const std::vector<uint8_t> got = co_await read_all(s);
    EXPECT_EQ(got, data);
  };
  w.run(both_ways(w.accepted(), octets, w), both_ways(w.connected(), octets, w));
}

// Each write's handler is posted, and the next is said in it: still one segment, with the FIN.
TEST(AsioStream, WhatIsSaidOneBehindTheOtherLeavesTogether) {
  World w;
  uint64_t before = 0;
  const auto sent = [&w] { return w.shards.right->stack().counters().segments_sent; };
  w.run(
      [&](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        error_code ec;
        EXPECT_EQ(co_await read_some(s, ec), "good day");
        co_await say(s, "good day");
        before = sent() + 1;  // that is still to go
        EXPECT_EQ(co_await read_some(s, ec), "what is there?");
        co_await say(s, "a head, ");
        co_await say(s, "a body");
        EXPECT_FALSE(s.shutdown());
        (void)co_await read_all(s);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        error_code ec;
        co_await say(s, "good day");
        EXPECT_EQ(co_await read_some(s, ec), "good day");
        co_await say(s, "what is there?");
        const auto got = co_await read_all(s);
        EXPECT_EQ(std::string(got.begin(), got.end()), "a head, a body");
      }(w));
  EXPECT_LE(sent(), before + 2) << "text and FIN; the ACK of the other FIN";
}

TEST(AsioStream, HalfCloseLeavesTheOtherDirectionOpen) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        (void)co_await read_all(s);
        co_await say(s, "heard");
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        co_await say(s, "all there is");
        EXPECT_FALSE(s.shutdown());
        EXPECT_EQ(s.shutdown(), net::error::broken_pipe);
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        (void)co_await s.async_write_some(net::buffer("x", 1), token);
        EXPECT_EQ(ec, net::error::broken_pipe);
        EXPECT_EQ((co_await read_all(s)).size(), 5U);
      }(w));
}

TEST(AsioStream, APortThatNobodyListensOnRefuses) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Stream s(world.left);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await s.async_connect({rapport::test::kRight, 81}, token);
    EXPECT_EQ(ec, net::error::connection_refused);
    EXPECT_EQ(s.reason(), CloseReason::Refused);
  }(w));
}

TEST(AsioStream, OperationsWithoutAConnectionSaySo) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Stream s(world.left);
    EXPECT_FALSE(s.is_open());
    EXPECT_EQ(s.shutdown(), net::error::not_connected);
    EXPECT_EQ(s.set_no_delay(true), net::error::not_connected);
    error_code ec;
    (void)co_await read_some(s, ec);
    EXPECT_EQ(ec, net::error::not_connected);
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await s.async_connect({IpAddress::v4(224, 0, 0, 1), 80}, token);
    EXPECT_EQ(ec, net::error::invalid_argument) << "MUST-46";
  }(w));
}

TEST(AsioStream, CloseEndsWhatWaits) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::eof);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        net::post(world.io, [&s] { s.close(); });
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::operation_aborted);
        EXPECT_FALSE(s.is_open());
      }(w));
}

TEST(AsioStream, CancelEndsWhatWaitsAndKeepsTheConnection) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        error_code ec;
        EXPECT_EQ(co_await read_some(s, ec), "still here");
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        net::post(world.io, [&s] { s.cancel(); });
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::operation_aborted);
        co_await say(s, "still here");
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::eof);
      }(w));
}

TEST(AsioStream, ATimeLimitClosesTheStream) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        EXPECT_TRUE((co_await read_all(s)).empty());
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        s.expires_after(10s);
        s.expires_after(30ms);
        const auto before = std::chrono::steady_clock::now();
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::timed_out);
        EXPECT_TRUE(s.expired());
        EXPECT_GE(std::chrono::steady_clock::now() - before, 30ms);
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::timed_out) << "what comes later ends alike";
        EXPECT_FALSE(s.is_open());
      }(w));
}

TEST(AsioStream, ALimitThatWasLiftedDoesNothing) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        net::steady_timer later(world.io, 60ms);
        co_await later.async_wait(net::use_awaitable);
        co_await say(s, "late");
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        s.expires_after(20ms);
        s.expires_never();
        error_code ec;
        EXPECT_EQ(co_await read_some(s, ec), "late");
        EXPECT_FALSE(s.expired());
      }(w));
}

TEST(AsioStream, AbortResetsThePeer) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        co_await say(s, "accepted");
        error_code ec;
        (void)co_await read_some(s, ec);
        EXPECT_EQ(ec, net::error::connection_reset);
        EXPECT_EQ(s.reason(), CloseReason::ResetByPeer);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        error_code ec;
        EXPECT_EQ(co_await read_some(s, ec), "accepted");
        s.abort();
      }(w));
}

TEST(AsioStream, OptionsReachTheConnection) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        (void)co_await read_all(s);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s(world.left);
        tcp::ConnectionOptions options;
        options.mss_clamp = 600;
        co_await s.async_connect(kServer, &options, net::use_awaitable);
        EXPECT_FALSE(s.set_no_delay(true));
        const auto status = s.status();
        EXPECT_TRUE(status.has_value());
        EXPECT_TRUE(status->options.no_delay);
        EXPECT_EQ(status->options.mss_clamp, 600);
        EXPECT_LE(status->mss, 600);
      }(w));
}

}  // namespace
}  // namespace rapport::asio::test
