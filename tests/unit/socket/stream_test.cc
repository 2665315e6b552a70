// Streams and listeners over two real stacks in a world without faults.
#include "rapport/socket/coroutine/stream.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
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
namespace {

const Endpoint kServer{IpAddress::v4(10, 0, 0, 2), 80};

std::span<const uint8_t> octets(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct TwoHosts : sim::World {
  TwoHosts() : World({.seed = 7}) {
    for (uint8_t i = 1; i <= 2; ++i) {
      sim::HostConfig host;
      host.name = i == 1 ? "client" : "server";
      host.stack.addresses = {{IpAddress::v4(10, 0, 0, i), 24}};
      add_host(host);
    }
    connect(0, 1, {.delay = 10_ms});
  }
};

using Answer = std::optional<std::expected<size_t, Error>>;

// WouldBlock: there is no answer yet, or no error.
Error error_in(const Answer& a) {
  return a && !*a ? a->error() : Error::WouldBlock;
}

size_t octets_in(const Answer& a) {
  return a && *a ? **a : SIZE_MAX;
}

using End = std::optional<std::expected<CloseReason, Error>>;

CloseReason reason_in(const End& e) {
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

Task<> serves_upper_case(Host& host) {
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

Task<> asks(Host& host, std::string& answer, std::optional<CloseReason>& reason) {
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

TEST_F(Streams, AQuestionAnAnswerAndAClose) {
  std::string answer;
  std::optional<CloseReason> reason;
  server_host.spawn(serves_upper_case(server_host));
  client_host.spawn(asks(client_host, answer, reason));
  EXPECT_TRUE(world.run_until_idle(600_s));
  EXPECT_EQ(answer, "RAPPORT");
  EXPECT_EQ(reason, CloseReason::ClosedByUs);
  expect_nothing_left();
}

TEST_F(Streams, ConnectingToNobodyIsRefused) {
  std::optional<Error> error;
  const auto connects = [](Host& h, std::optional<Error>& e) -> Task<> {
    auto connecting = h.connect(kServer);
    const auto stream = co_await connecting;
    if (!stream) e = stream.error();
  };
  client_host.spawn(connects(client_host, error));
  EXPECT_TRUE(world.run_until_idle(1_s));
  EXPECT_EQ(error, Error::Refused);
  expect_nothing_left();
}

TEST_F(Streams, ConnectingIntoTheVoidTimesOut) {
  std::optional<Error> error;
  const auto connects = [](Host& h, std::optional<Error>& e) -> Task<> {
    auto connecting = with_timeout(h, 5_s, h.connect(kServer));
    const auto stream = co_await connecting;
    if (!stream) e = stream.error();
  };
  world.partition(0, 1, true);
  client_host.spawn(connects(client_host, error));
  world.run_for(4_s);
  EXPECT_FALSE(error);
  world.run_for(1_s);
  EXPECT_EQ(error, Error::TimedOut);
  expect_nothing_left();
}

Task<> reads_once(Stream& stream, Answer& result) {
  std::array<uint8_t, 100> buffer{};
  auto reading = stream.read(buffer);
  result = co_await reading;
}

TEST_F(Streams, CancelEndsWhatWaitsAndNothingElse) {
  open_both();
  Answer result;
  client_host.spawn(reads_once(client, result));
  world.run_for(1_s);
  EXPECT_FALSE(result);
  client.cancel();
  world.settle();
  ASSERT_TRUE(result);
  EXPECT_EQ(error_in(result), Error::Aborted);
  result.reset();
  client_host.spawn(reads_once(client, result));
  const auto writes = [](Stream& s) -> Task<> {
    auto writing = s.write(octets("still here"));
    (void)co_await writing;
  };
  server_host.spawn(writes(server));
  world.run_for(1_s);
  ASSERT_TRUE(result);
  EXPECT_EQ(octets_in(result), 10U);
  client = {};
  server = {};
  expect_nothing_left();
}

TEST_F(Streams, AReadMayBeLimitedInTime) {
  open_both();
  Answer result;
  const auto reads = [](Host& h, Stream& s, auto& to) -> Task<> {
    std::array<uint8_t, 10> buffer{};
    auto reading = with_timeout(h, 3_s, s.read(buffer));
    to = co_await reading;
  };
  client_host.spawn(reads(client_host, client, result));
  const Instant begin = world.now();
  while (!result && world.step()) {
  }
  EXPECT_EQ(world.now(), begin + 3_s);
  EXPECT_EQ(error_in(result), Error::TimedOut);
  client = {};
  server = {};
  expect_nothing_left();
}

TEST_F(Streams, ADestroyedStreamWithUnreadTextResets) {
  open_both();
  const auto writes = [](Stream& s) -> Task<> {
    auto writing = s.write(octets("nobody reads this"));
    (void)co_await writing;
  };
  Answer result;
  client_host.spawn(writes(client));
  client_host.spawn(reads_once(client, result));
  world.run_for(1_s);
  server = {};
  world.run_for(1_s);
  ASSERT_TRUE(result);
  EXPECT_EQ(error_in(result), Error::Reset);
  EXPECT_EQ(client.reason(), CloseReason::ResetByPeer);
  expect_nothing_left();
}

TEST_F(Streams, ADestroyedStreamClosesAndEndsWhatWaitsOnIt) {
  open_both();
  Answer mine;
  Answer theirs;
  client_host.spawn(reads_once(client, mine));
  server_host.spawn(reads_once(server, theirs));
  world.run_for(1_s);
  client = {};
  world.run_for(1_s);
  ASSERT_TRUE(mine && theirs);
  EXPECT_EQ(error_in(mine), Error::Aborted);
  EXPECT_EQ(octets_in(theirs), 0U);
  const auto status = server.status();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, tcp::State::CloseWait);
  server = {};
  expect_nothing_left();
}

TEST_F(Streams, OneReadsWhileAnotherWrites) {
  open_both();
  constexpr size_t kMuch = 3'000'000;
  const std::vector<uint8_t> sent(kMuch, 42);
  size_t received = 0;
  Answer first;
  Answer second;
  const auto writes = [](Stream& s, std::span<const uint8_t> all, auto& result) -> Task<> {
    auto writing = s.write(all);
    result = co_await writing;
    std::ignore = s.shutdown();
  };
  const auto reads = [](Stream& s, size_t& sum) -> Task<> {
    std::vector<uint8_t> buffer(10'000);
    while (true) {
      auto reading = s.read(buffer);
      const auto got = co_await reading;
      if (!got || *got == 0) break;
      sum += *got;
    }
  };
  client_host.spawn(writes(client, sent, first));
  client_host.spawn(reads(client, received));
  server_host.spawn(writes(server, sent, second));
  server_host.spawn(reads(server, received));
  world.run_for(60_s);
  EXPECT_EQ(received, 2 * kMuch);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(octets_in(first), kMuch);
  EXPECT_EQ(octets_in(second), kMuch);
  client = {};
  server = {};
  expect_nothing_left();
}

// What was acknowledged is there for its reader, however the connection has ended meanwhile.
TEST_F(Streams, WhatIsUnreadOutlivesACloseByTheBook) {
  open_both();
  const auto writes = [](Stream& s) -> Task<> {
    auto writing = s.write(octets("read me later"));
    (void)co_await writing;
    std::ignore = s.shutdown();
  };
  client_host.spawn(writes(client));
  server_host.spawn(writes(server));
  world.run_for(300_s);  // LAST-ACK and TIME-WAIT, or CLOSING on both sides: all over
  for (uint32_t h = 0; h < 2; ++h) {
    EXPECT_EQ(world.stack(h).next_deadline(), kNever);
    EXPECT_EQ(world.stack(h).population().time_wait, 0U);
  }
  for (auto* end : {&client, &server}) {
    EXPECT_EQ(end->reason(), CloseReason::None) << "it is told when all is read";
    Answer text;
    Answer end_of_file;
    Host& host = end == &client ? client_host : server_host;
    host.spawn(reads_once(*end, text));
    world.settle();
    host.spawn(reads_once(*end, end_of_file));
    world.settle();
    ASSERT_TRUE(text && end_of_file);
    EXPECT_EQ(octets_in(text), 13U);
    EXPECT_EQ(octets_in(end_of_file), 0U);
    EXPECT_TRUE(is_graceful(end->reason()));
  }
  client = {};
  server = {};
  expect_nothing_left();
}

TEST_F(Streams, UnreadTextGoesWithTheStreamThatHeldIt) {
  open_both();
  const auto writes = [](Stream& s) -> Task<> {
    auto writing = s.write(octets("nobody will"));
    (void)co_await writing;
    std::ignore = s.shutdown();
  };
  client_host.spawn(writes(client));
  server_host.spawn(writes(server));
  world.run_for(300_s);
  client = {};
  server = {};
  expect_nothing_left();
}

// The memory of the stack is used up by another connection: who waits is told when there is some.
TEST_F(Streams, AWriterThatFoundNoMemoryGoesOn) {
  sim::World small{{.seed = 8}};
  for (uint8_t i = 1; i <= 2; ++i) {
    sim::HostConfig host;
    host.stack.addresses = {{IpAddress::v4(10, 0, 0, i), 24}};
    if (i == 1) host.stack.tcp.max_blocks = 8;
    small.add_host(host);
  }
  small.connect(0, 1, {.delay = 1_ms});
  Stream greedy;
  Stream modest;
  std::array<Stream, 2> peers;
  const auto accepts = [](Host& h, std::array<Stream, 2>& to) -> Task<> {
    auto listener = h.listen(kServer.port);
    if (!listener) co_return;
    for (Stream& s : to) {
      auto accepting = listener->accept();
      auto accepted = co_await accepting;
      if (accepted) s = std::move(*accepted);
    }
  };
  small.host(1).spawn(accepts(small.host(1), peers));
  small.host(0).spawn(connect_one(small.host(0), greedy));
  small.run_for(100_ms);
  small.host(0).spawn(connect_one(small.host(0), modest));
  small.run_for(100_ms);
  ASSERT_TRUE(greedy && modest);
  const std::vector<uint8_t> much(1'000'000, 1);
  Answer all;
  Answer little;
  const auto writes = [](Stream& s, std::span<const uint8_t> text, auto& to) -> Task<> {
    auto writing = s.write(text);
    to = co_await writing;
  };
  small.partition(0, 1, true);
  small.host(0).spawn(writes(greedy, much, all));
  small.settle();
  small.host(0).spawn(writes(modest, octets("a word"), little));
  small.run_for(1_s);
  EXPECT_FALSE(little);
  EXPECT_TRUE(greedy.abort());
  small.run_for(1_s);
  ASSERT_TRUE(little);
  EXPECT_EQ(octets_in(little), 6U);
}

TEST_F(Streams, WritingSomeTakesWhatFits) {
  open_both();
  const std::vector<uint8_t> much(10'000'000, 1);
  Answer result;
  const auto writes = [](Stream& s, std::span<const uint8_t> all, auto& to) -> Task<> {
    auto writing = s.write_some(all);
    to = co_await writing;
  };
  client_host.spawn(writes(client, much, result));
  world.settle();
  EXPECT_GT(octets_in(result), 0U);
  EXPECT_LT(octets_in(result), much.size());
  EXPECT_TRUE(client.abort());
  client = {};
  server = {};
  expect_nothing_left();
}

TEST_F(Streams, AbortTellsBothEndsWhy) {
  open_both();
  End mine;
  End theirs;
  const auto waits = [](Stream& s, auto& to) -> Task<> {
    auto closing = s.closed();
    to = co_await closing;
  };
  client_host.spawn(waits(client, mine));
  server_host.spawn(waits(server, theirs));
  EXPECT_TRUE(client.abort());
  world.run_for(1_s);
  ASSERT_TRUE(mine && theirs);
  EXPECT_EQ(reason_in(mine), CloseReason::AbortedByUs);
  EXPECT_EQ(reason_in(theirs), CloseReason::ResetByPeer);
  expect_nothing_left();
}

TEST_F(Streams, AClosedListenerEndsPendingAccepts) {
  std::optional<Error> error;
  const auto accepts = [](Listener& l, std::optional<Error>& e) -> Task<> {
    auto accepting = l.accept();
    const auto stream = co_await accepting;
    if (!stream) e = stream.error();
  };
  auto opened = server_host.listen(80);
  ASSERT_TRUE(opened);
  server_host.spawn(accepts(*opened, error));
  world.settle();
  EXPECT_FALSE(error);
  EXPECT_TRUE(opened->close());
  world.settle();
  EXPECT_EQ(error, Error::Aborted);
  EXPECT_FALSE(opened->close());
  expect_nothing_left();
}

TEST_F(Streams, ASecondListenerOnAPortIsAnError) {
  auto first = server_host.listen(80);
  ASSERT_TRUE(first);
  const auto second = server_host.listen(80);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), Error::AlreadyExists);
  first = Listener{};
  EXPECT_TRUE(server_host.listen(80));
}

TEST_F(Streams, WhenAMachineDiesItsStreamsAreDead) {
  open_both();
  Answer result;
  server_host.spawn(reads_once(server, result));
  world.settle();
  world.crash(1);
  EXPECT_EQ(server_host.running(), 0U);
  EXPECT_FALSE(server.close());
  EXPECT_EQ(server.status().error(), Error::Aborted);
  world.restart(1);
  server = {};
  EXPECT_EQ(world.stack(1).population().connections, 0U);
  // The client finds out when it sends: a half-open connection (RFC 9293 3.5.1).
  Answer answer;
  const auto writes = [](Stream& s) -> Task<> {
    auto writing = s.write(octets("hello?"));
    (void)co_await writing;
  };
  client_host.spawn(writes(client));
  client_host.spawn(reads_once(client, answer));
  world.run_for(1_s);
  ASSERT_TRUE(answer);
  EXPECT_EQ(error_in(answer), Error::Reset);
  expect_nothing_left();
}

}  // namespace
}  // namespace rapport::coroutine
