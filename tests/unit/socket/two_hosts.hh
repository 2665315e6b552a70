// Two hosts in a world without faults, and how a test looks at what their coroutines answered.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/timeout.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::coroutine {

inline const Endpoint kServer{IpAddress::v4(10, 0, 0, 2), 80};

inline std::span<const uint8_t> octets(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct TwoHosts : sim::World {
  TwoHosts() : World({.seed = 7}) {
    for (uint8_t i = 1; i <= 2; ++i) {
      sim::HostConfig host;
      host.name = i == 1 ? "client" : "server";
      host.stack.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, i), 24}};
      add_host(host);
    }
    connect(0, 1, {.delay = 10_ms});
  }
};

using Answer = std::optional<std::expected<size_t, Error>>;

// WouldBlock: there is no answer yet, or no error.
inline Error error_in(const Answer& a) {
  return a && !*a ? a->error() : Error::WouldBlock;
}

inline size_t octets_in(const Answer& a) {
  return a && *a ? **a : SIZE_MAX;
}

using End = std::optional<std::expected<CloseReason, Error>>;

inline CloseReason reason_in(const End& e) {
  return e && *e ? **e : CloseReason::None;
}

class Streams : public ::testing::Test {
 protected:
  // Both hosts have come to rest and hold nothing.
  void expect_nothing_left() {
    EXPECT_TRUE(world.run_until_idle(600_s));
    for (uint32_t h = 0; h < 2; ++h) {
      const auto p = world.stack(h).population();
      EXPECT_EQ(p.connections + p.half_open + p.time_wait + p.listeners + p.transfers + p.blocks,
                0U);
      EXPECT_EQ(world.pool(h).in_use(), 0U);
      EXPECT_EQ(world.host(h).running(), 0U);
    }
  }

  // A program that accepts one connection into `stream`.
  static Task<> accept_one(Host& host, Stream& stream) {
    auto listener = host.listen(kServer.port);
    if (!listener) co_return;
    auto accepting = listener->accept();
    auto accepted = co_await accepting;
    if (accepted) stream = std::move(*accepted);
  }

  static Task<> connect_one(Host& host, Stream& stream) {
    auto connecting = host.connect(kServer);
    auto connected = co_await connecting;
    if (connected) stream = std::move(*connected);
  }

  void open_both() {
    server_host.spawn(accept_one(server_host, server));
    client_host.spawn(connect_one(client_host, client));
    world.run_for(100_ms);
    ASSERT_TRUE(client && server);
  }

  Stream client, server;  // outlive nothing: closed or moved by each test
  TwoHosts world;
  Host& client_host = world.host(0);
  Host& server_host = world.host(1);
};

inline Task<> serves_upper_case(Host& host) {
  auto listener = host.listen(kServer.port);
  if (!listener) co_return;
  auto accepting = listener->accept();
  auto stream = co_await accepting;
  if (!stream) co_return;
  std::array<uint8_t, 100> buffer{};
  while (true) {
    auto reading = stream->read(buffer);
    const auto got = co_await reading;
    if (!got || *got == 0) break;
    for (uint8_t& c : std::span(buffer).first(*got)) c = static_cast<uint8_t>(c - 32);
    auto writing = stream->write(std::span(buffer).first(*got));
    (void)co_await writing;
  }
}

inline Task<> asks(Host& host, std::string& answer, std::optional<CloseReason>& reason) {
  auto connecting = host.connect(kServer);
  auto stream = co_await connecting;
  if (!stream) co_return;
  auto writing = stream->write(octets("rapport"));
  const auto written = co_await writing;
  if (!written || !stream->shutdown()) co_return;
  std::array<uint8_t, 100> buffer{};
  auto reading = stream->read_exactly(buffer);  // ends at the end of file
  const auto got = co_await reading;
  if (got) answer.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
  auto closing = stream->closed();
  const auto why = co_await closing;
  if (why) reason = *why;
}

inline Task<> reads_once(Stream& stream, Answer& result) {
  std::array<uint8_t, 100> buffer{};
  auto reading = stream.read(buffer);
  result = co_await reading;
}

}  // namespace rapport::coroutine
