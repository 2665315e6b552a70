// Streams and listeners over two real stacks in a world without faults.
#include "rapport/socket/coroutine/stream.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/timeout.hh"
#include "rapport/tcp/state.hh"
#include "tests/unit/socket/two_hosts.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::coroutine {
namespace {

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

}  // namespace
}  // namespace rapport::coroutine
