// Coroutines on a shard in real time: over a device that hands back what it is given, and over a
// socket pair in a loop of the test's own. Limits in time only keep a broken driver from hanging.
#include "rapport/shard/driver.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/device/loopback.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/timeout.hh"
#include "tests/unit/shard/pair.hh"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

namespace rapport::shard {
namespace {

using coroutine::Host;
using coroutine::Listener;
using coroutine::Stream;
using coroutine::Task;
using coroutine::with_timeout;
using Answer = std::optional<std::expected<size_t, Error>>;

const Endpoint kServer{IpAddress::v4(10, 0, 0, 1), 80};
constexpr Duration kPatience = 30_s;

std::unique_ptr<Shard> make_shard() {
  auto device = device::Loopback::make();
  if (!device) throw std::runtime_error("eventfd");
  Config config;
  config.stack.interfaces[0].addresses = {{kServer.address, 24}};
  config.seed = 1;
  auto made = Shard::make(config, std::move(*device));
  if (!made) throw std::runtime_error(made.error().step);
  return std::move(*made);
}

// Gives back what it reads until the peer has finished.
Task<> echo(Stream stream) {
  std::vector<uint8_t> buffer(16 << 10);
  for (;;) {
    auto reading = stream.read(buffer);
    const auto n = co_await reading;
    if (!n || *n == 0) co_return;
    auto writing = stream.write(std::span(buffer).first(*n));
    if (!co_await writing) co_return;
  }
}

Task<> echo_once(Listener& listener) {
  auto accepting = listener.accept();
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto echoing = echo(std::move(*stream));
  co_await echoing;
}

Task<> writes_and_finishes(Stream& stream, std::span<const uint8_t> text) {
  auto writing = stream.write(text);
  (void)co_await writing;
  (void)stream.shutdown();
}

// Sends `text`, reads to the end of file, notes what came and closes.
Task<> ask(Host& host, Endpoint server, std::span<const uint8_t> text, std::vector<uint8_t>& got) {
  auto connecting = host.connect(server);
  auto stream = co_await connecting;
  if (!stream) co_return;
  host.spawn(writes_and_finishes(*stream, text));
  std::vector<uint8_t> buffer(16 << 10);
  for (;;) {
    auto reading = stream->read(buffer);
    const auto n = co_await reading;
    if (!n || *n == 0) break;
    got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(*n));
  }
  (void)stream->close();
}

Answer failed(Error e) {
  return Answer(std::in_place, std::unexpect, e);
}

Task<> reads(Stream& stream, Answer& answer) {
  std::array<uint8_t, 64> buffer{};
  auto reading = stream.read(buffer);
  answer = co_await reading;
}

Task<> reads_within(Host& host, Stream& stream, Duration limit, Answer& answer) {
  std::array<uint8_t, 64> buffer{};
  auto reading = with_timeout(host, limit, stream.read(buffer));
  answer = co_await reading;
}

Task<> connects(Host& host, Endpoint server, Stream& to) {
  auto connecting = host.connect(server);
  auto stream = co_await connecting;
  if (stream) to = std::move(*stream);
}

Task<> accepts(Listener& listener, Stream& to) {
  auto accepting = listener.accept();
  auto stream = co_await accepting;
  if (stream) to = std::move(*stream);
}

Task<> sleeps(Host& host, Duration time) {
  auto sleeping = host.sleep(time);
  co_await sleeping;
}

Task<> throws() {
  throw std::runtime_error("told");
  co_return;
}

std::vector<uint8_t> text_of(size_t size) {
  std::vector<uint8_t> text(size);
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return text;
}

class OverLoopback : public testing::Test {
 protected:
  [[nodiscard]] Instant soon() const { return shard->now() + kPatience; }

  // Both ends of a connection, in this test's hands.
  void open_both() {
    listener = host->listen(kServer.port);
    ASSERT_TRUE(listener);
    host->spawn(accepts(*listener, server));
    host->spawn(connects(*host, kServer, client));
    ASSERT_TRUE(driver.run(soon()));
    ASSERT_TRUE(client);
    ASSERT_TRUE(server);
  }

  std::unique_ptr<Shard> shard = make_shard();
  std::unique_ptr<Host> host = std::make_unique<Host>(shard->stack(), shard->now());
  Driver<Host> driver{*shard, *host};
  std::expected<Listener, Error> listener = std::unexpected(Error::Aborted);
  Stream client, server;
};

TEST_F(OverLoopback, ConnectsAcceptsEchoesAndCloses) {
  listener = host->listen(kServer.port);
  ASSERT_TRUE(listener);
  const auto text = text_of(1 << 20);
  std::vector<uint8_t> got;
  host->spawn(echo_once(*listener));
  host->spawn(ask(*host, kServer, text, got));
  ASSERT_TRUE(driver.run(soon()));
  EXPECT_EQ(got, text);
  EXPECT_TRUE(driver.drain(kPatience));
  const auto left = shard->stack().population();
  EXPECT_EQ(left.listeners + left.half_open + left.connections, 0U);
  EXPECT_EQ(left.time_wait, 1U) << "who closed first waits for 2MSL";
}

TEST_F(OverLoopback, AReadThatIsOutOfTimeSaysSo) {
  open_both();
  Answer answer;
  const Instant before = shard->now();
  host->spawn(reads_within(*host, server, 20_ms, answer));
  const Instant end = soon();
  ASSERT_TRUE(driver.run(end));
  EXPECT_EQ(answer, failed(Error::TimedOut));
  EXPECT_GE(shard->now(), before + 20_ms) << "never early";
  EXPECT_LT(shard->now(), end) << "the limit woke the loop, not its end";
}

TEST_F(OverLoopback, SleepersJoinTheDeadlineAndTheLoopSleepsMeanwhile) {
  host->spawn(sleeps(*host, 50_ms));
  EXPECT_EQ(driver.deadline(), kNever);
  EXPECT_FALSE(driver.turn());
  EXPECT_EQ(shard->deadline(), kNever);
  EXPECT_EQ(driver.deadline(), host->now() + 50_ms);
  const uint64_t turns_before = shard->counters().turns;
  const Instant end = soon();
  ASSERT_TRUE(driver.run(end));
  EXPECT_LT(shard->now(), end);
  EXPECT_LE(shard->counters().turns - turns_before, 8U) << "it must wait, not spin";
  EXPECT_EQ(driver.deadline(), kNever);
}

TEST_F(OverLoopback, ACancelledReadIsAborted) {
  open_both();
  Answer answer;
  host->spawn(reads(server, answer));
  (void)driver.turn();
  EXPECT_FALSE(answer);
  EXPECT_EQ(host->running(), 1U);
  server.cancel();
  ASSERT_TRUE(driver.run(soon()));
  EXPECT_EQ(answer, failed(Error::Aborted));
}

TEST_F(OverLoopback, AStreamThatIsDestroyedCloses) {
  open_both();
  Answer answer;
  host->spawn(reads(server, answer));
  (void)driver.turn();
  EXPECT_FALSE(answer);
  client = {};
  ASSERT_TRUE(driver.run(soon()));
  EXPECT_EQ(answer, Answer(0U)) << "the end of file";
}

TEST_F(OverLoopback, AHostThatIsDestroyedClosesAllThatItsProgramsHeld) {
  listener = host->listen(kServer.port);
  ASSERT_TRUE(listener);
  const auto holds = [](Host& h) -> Task<> {
    auto connecting = h.connect(kServer);
    const auto stream = co_await connecting;
    auto sleeping = h.sleep(3600_s);
    co_await sleeping;
  };
  const auto serves = [](Listener l) -> Task<> {
    auto echoing = echo_once(l);
    co_await echoing;
  };
  host->spawn(serves(std::move(*listener)));
  host->spawn(holds(*host));
  const auto both_are_open = [&] { return shard->stack().population().connections == 2; };
  ASSERT_TRUE(driver.run_until(both_are_open, soon()));
  EXPECT_EQ(host->running(), 2U);
  host.reset();
  EXPECT_EQ(shard->stack().population().listeners, 0U);
  Host nobody(shard->stack(), shard->now());
  Driver after(*shard, nobody);
  EXPECT_TRUE(after.run_until([&] { return shard->stack().drained(); }, soon()));
  EXPECT_EQ(shard->stack().population().connections, 0U);
  EXPECT_GT(shard->stack().population().time_wait, 0U) << "closed by FIN, not by RST";
}

TEST_F(OverLoopback, RunEndsAtTheGivenInstant) {
  host->spawn(sleeps(*host, 3600_s));
  const Instant latest = shard->now() + 20_ms;
  EXPECT_FALSE(driver.run(latest));
  EXPECT_GE(shard->now(), latest);
  EXPECT_EQ(host->running(), 1U);
}

TEST_F(OverLoopback, WhatAProgramThrowsComesOutAndTheOthersGoOn) {
  open_both();
  Answer answer;
  host->spawn(reads(server, answer));
  host->spawn(throws());
  EXPECT_THROW((void)driver.run(soon()), std::runtime_error);
  EXPECT_EQ(host->running(), 1U);
  client = {};
  ASSERT_TRUE(driver.run(soon()));
  EXPECT_TRUE(answer);
}

// Two shards in one loop that is not ours: descriptors, deadlines, turns.
struct TwoEnds {
  test::ShardPair pair;
  Host left_host{pair.left->stack(), pair.left->now()};
  Host right_host{pair.right->stack(), pair.right->now()};
  Driver<Host> left{*pair.left, left_host};
  Driver<Host> right{*pair.right, right_host};

  // Milliseconds of poll(2) until the deadline, rounded up; at most a second.
  static int until(const Shard& shard, Instant deadline) {
    const auto left_over =
        shard.to_steady(std::min(deadline, Instant{} + 3600_s)) - std::chrono::steady_clock::now();
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left_over).count();
    return static_cast<int>(std::clamp<int64_t>(ms, 0, 1000));
  }

  // False when `done` is not reached in time.
  template <class Done>
  bool loop(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < end) {
      const bool more_left = left.turn();
      const bool more_right = right.turn();
      if (done()) return true;
      if (more_left || more_right) continue;
      std::array<pollfd, 2> fds{{{pair.left->fd(), POLLIN, 0}, {pair.right->fd(), POLLIN, 0}}};
      const int wait =
          std::min(until(*pair.left, left.deadline()), until(*pair.right, right.deadline()));
      (void)::poll(fds.data(), fds.size(), wait);
    }
    return false;
  }
};

TEST(Driver, ServesAForeignLoopByDescriptorAndDeadline) {
  TwoEnds ends;
  auto listener = ends.right_host.listen(80);
  ASSERT_TRUE(listener);
  const auto text = text_of(200'000);
  std::vector<uint8_t> got;
  ends.right_host.spawn(echo_once(*listener));
  ends.left_host.spawn(ask(ends.left_host, {test::kRight, 80}, text, got));
  EXPECT_TRUE(ends.loop([&] { return ends.left_host.running() + ends.right_host.running() == 0; }));
  EXPECT_EQ(got, text);
}

// A connection retires when its turn to send has come: here behind one that owes a frame.
TEST(Driver, AnEndThatIsToldWhileFramesAreSentNeedsNoOtherPacketToWakeItsReader) {
  TwoEnds ends;
  auto listener = ends.right_host.listen(80);
  ASSERT_TRUE(listener);
  std::array<Stream, 2> clients, servers;
  for (size_t i = 0; i < 2; ++i) {
    ends.right_host.spawn(accepts(*listener, servers[i]));
    ends.left_host.spawn(connects(ends.left_host, {test::kRight, 80}, clients[i]));
    ASSERT_TRUE(ends.loop([&] { return clients[i] && servers[i]; }));
  }
  Answer answer;
  ends.right_host.spawn(reads(servers[1], answer));
  (void)ends.right.turn();
  const auto text = text_of(4000);
  ends.left_host.spawn(writes_and_finishes(clients[0], text));
  EXPECT_TRUE(ends.left_host.run_ready());
  (void)ends.pair.left->flush();  // the text goes first, the reset behind it, both in one burst
  EXPECT_TRUE(clients[1].abort());
  (void)ends.pair.left->flush();
  for (int turns = 0; turns < 16 && ends.right.turn(); ++turns) {
  }
  EXPECT_EQ(answer, failed(Error::Reset)) << "the driver went to sleep on an event";
}

TEST(Driver, DrainResetsWhatAPeerDoesNotFinish) {
  TwoEnds ends;
  auto listener = ends.right_host.listen(80);
  ASSERT_TRUE(listener);
  Stream client, server;
  ends.right_host.spawn(accepts(*listener, server));
  ends.left_host.spawn(connects(ends.left_host, {test::kRight, 80}, client));
  ASSERT_TRUE(ends.loop([&] { return client && server; }));
  EXPECT_FALSE(ends.left.drain(20_ms)) << "the peer's turns have stopped";
  EXPECT_EQ(ends.pair.left->stack().counters().ended_by(CloseReason::Drained), 1U);
  EXPECT_EQ(ends.pair.left->stack().population().connections, 0U);
}

}  // namespace
}  // namespace rapport::shard
