// Datagrams as coroutines and callbacks see them.
#include "rapport/socket/asio/datagram.hh"

#include "rapport/base/address.hh"
#include "rapport/udp/commands.hh"
#include "tests/unit/asio/world.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

namespace rapport::asio::test {
namespace {

using namespace std::chrono_literals;

const Endpoint kService{rapport::test::kRight, 53};

net::awaitable<std::string> receive(Datagram& s, Endpoint& from, error_code& ec) {
  std::vector<char> buffer(65536);
  auto token = net::redirect_error(net::use_awaitable, ec);
  const size_t n = co_await s.async_receive_from(net::buffer(buffer), from, token);
  co_return std::string(buffer.data(), n);
}

TEST(AsioDatagram, AQuestionFindsItsAnswer) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Datagram s(world.right);
        EXPECT_FALSE(s.open({{}, 53}));
        Endpoint from;
        error_code ec;
        const std::string asked = co_await receive(s, from, ec);
        EXPECT_EQ(asked, "question");
        EXPECT_EQ(from.address, rapport::test::kLeft);
        const size_t n =
            co_await s.async_send_to(net::buffer("answer", 6), from, net::use_awaitable);
        EXPECT_EQ(n, 6U);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Datagram s(world.left);
        const size_t n =
            co_await s.async_send_to(net::buffer("question", 8), kService, net::use_awaitable);
        EXPECT_EQ(n, 8U);
        EXPECT_TRUE(s.is_open()) << "sending has opened it";
        Endpoint from;
        error_code ec;
        EXPECT_EQ(co_await receive(s, from, ec), "answer");
        EXPECT_EQ(from, kService);
      }(w));
}

TEST(AsioDatagram, SeveralPiecesAreOneDatagram) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Datagram s(world.right);
        EXPECT_FALSE(s.open(kService));
        std::array<char, 3> first{};
        std::array<char, 100> second{};
        const std::array<net::mutable_buffer, 2> into{net::buffer(first), net::buffer(second)};
        const size_t n = co_await s.async_receive(into, net::use_awaitable);
        EXPECT_EQ(std::string(first.data(), 3) + std::string(second.data(), n - 3), "one whole");
      }(w),
      [](World& world) -> net::awaitable<void> {
        Datagram s(world.left);
        EXPECT_FALSE(s.connect(kService));
        const std::array<net::const_buffer, 2> from{net::buffer("one ", 4),
                                                    net::buffer("whole", 5)};
        const size_t n = co_await s.async_send(from, net::use_awaitable);
        EXPECT_EQ(n, 9U);
        net::steady_timer pause(world.io, 20ms);
        co_await pause.async_wait(net::use_awaitable);
      }(w));
}

TEST(AsioDatagram, WhatIsTooLargeIsSaidToBe) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Datagram s(world.right);
        EXPECT_FALSE(s.open(kService));
        std::array<char, 4> small{};
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        const size_t n = co_await s.async_receive(net::buffer(small), token);
        EXPECT_EQ(ec, net::error::message_size);
        EXPECT_EQ(std::string(small.data(), n), "long");
      }(w),
      [](World& world) -> net::awaitable<void> {
        Datagram s(world.left);
        const std::vector<char> much(65508);
        error_code ec;
        auto token = net::redirect_error(net::use_awaitable, ec);
        (void)co_await s.async_send_to(net::buffer(much), kService, token);
        EXPECT_EQ(ec, net::error::message_size);
        (void)co_await s.async_send_to(net::buffer("long text", 9), kService, token);
        EXPECT_FALSE(ec);
        net::steady_timer pause(world.io, 20ms);
        co_await pause.async_wait(net::use_awaitable);
      }(w));
}

TEST(AsioDatagram, LargeOnesComeWholeByFragments) {
  World w;
  const std::vector<uint8_t> octets = pattern(65507);
  w.run(
      [](World& world, const std::vector<uint8_t>& wanted) -> net::awaitable<void> {
        Datagram s(world.right);
        EXPECT_FALSE(s.open(kService));
        std::vector<uint8_t> got(65536);
        got.resize(co_await s.async_receive(net::buffer(got), net::use_awaitable));
        EXPECT_EQ(got, wanted);
      }(w, octets),
      [](World& world, const std::vector<uint8_t>& all) -> net::awaitable<void> {
        Datagram s(world.left);
        (void)co_await s.async_send_to(net::buffer(all), kService, net::use_awaitable);
        net::steady_timer pause(world.io, 50ms);
        co_await pause.async_wait(net::use_awaitable);
      }(w, octets));
}

TEST(AsioDatagram, AConnectedOneHearsThatNobodyHasThePort) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Datagram s(world.left);
    EXPECT_FALSE(s.connect({rapport::test::kRight, 54}));
    EXPECT_EQ(s.remote_endpoint().port, 54);
    co_await s.async_send(net::buffer("x", 1), net::use_awaitable);
    Endpoint from;
    error_code ec;
    (void)co_await receive(s, from, ec);
    EXPECT_EQ(ec, net::error::connection_refused);
    EXPECT_TRUE(s.is_open());
  }(w));
}

TEST(AsioDatagram, ReceivesAreServedInTheirOrder) {
  World w;
  std::string order;
  w.run([](World& world, std::string& said) -> net::awaitable<void> {
    Datagram server(world.right);
    EXPECT_FALSE(server.open(kService));
    std::array<char, 8> first{};
    std::array<char, 8> second{};
    server.async_receive(net::buffer(first),
                         [&](error_code, size_t) { said += "1" + std::string(first.data(), 1); });
    server.async_receive(net::buffer(second),
                         [&](error_code, size_t) { said += "2" + std::string(second.data(), 1); });
    Datagram client(world.left);
    co_await client.async_send_to(net::buffer("a", 1), kService, net::use_awaitable);
    co_await client.async_send_to(net::buffer("b", 1), kService, net::use_awaitable);
    net::steady_timer pause(world.io, 30ms);
    co_await pause.async_wait(net::use_awaitable);
  }(w, order));
  EXPECT_EQ(order, "1a2b");
}

TEST(AsioDatagram, CancelAndCloseEndWhatWaits) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Datagram s(world.left);
    Endpoint from;
    error_code ec;
    (void)co_await receive(s, from, ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    EXPECT_FALSE(s.open({{}, 53}));
    EXPECT_EQ(s.open({{}, 54}), net::error::already_open);
    net::post(world.io, [&s] { s.cancel(); });
    (void)co_await receive(s, from, ec);
    EXPECT_EQ(ec, net::error::operation_aborted);
    EXPECT_TRUE(s.is_open());
    net::post(world.io, [&s] { s.close(); });
    (void)co_await receive(s, from, ec);
    EXPECT_EQ(ec, net::error::operation_aborted);
    EXPECT_FALSE(s.is_open());
    Datagram other(world.left);
    EXPECT_FALSE(other.open({{}, 53})) << "the port is free again";
    EXPECT_EQ(s.open({{}, 53}), net::error::address_in_use);
  }(w));
}

TEST(AsioDatagram, OutlivesItsContextAsADeadOne) {
  World w;
  auto s = std::make_unique<Datagram>(w.left);
  EXPECT_FALSE(s->open({{}, 53}));
  bool called = false;
  std::array<char, 8> buffer{};
  s->async_receive(net::buffer(buffer), [&](error_code, size_t) { called = true; });
  w.left.stop();
  w.linger(10ms);
  EXPECT_FALSE(called) << "dropped, not called";
  auto later = s->async_send_to(net::buffer("x", 1), kService, net::use_future);
  w.linger(10ms);
  EXPECT_EQ(later.wait_for(0s), std::future_status::ready);
  EXPECT_THROW((void)later.get(), boost::system::system_error);
  s.reset();
}

}  // namespace
}  // namespace rapport::asio::test
