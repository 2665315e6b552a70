// How streams and listeners end, and what outlives them, over two real stacks.
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "tests/unit/socket/two_hosts.hh"

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::coroutine {
namespace {

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
    host.stack.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, i), 24}};
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
