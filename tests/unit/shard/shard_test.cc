// A shard in real time: what fd() and deadline() promise to a foreign loop, a full device, a lost
// one.
#include "rapport/shard/shard.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/packet_fd.hh"
#include "rapport/tcp/commands.hh"
#include "tests/unit/shard/pair.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::shard {
namespace {

using test::kRight;
using test::ShardPair;

struct Collected final : EventSink {
  void on_event(const tcp::Occurrence& event) override { events.push_back(event); }

  [[nodiscard]] bool has(tcp::What what) const {
    for (const auto& e : events) {
      if (e.is(what)) return true;
    }
    return false;
  }

  std::vector<tcp::Occurrence> events;
};

tcp::Listen listen_on(uint16_t port) {
  tcp::Listen c;
  c.port = port;
  return c;
}

tcp::Connect connect_to(const Endpoint& remote) {
  tcp::Connect c;
  c.remote = remote;
  return c;
}

bool is_readable(const Shard& shard) {
  pollfd p{shard.fd(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

// Turns both until `done` or two seconds have passed; true when done.
template <class Done>
bool run(ShardPair& pair, Collected& left, Collected& right, Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    const bool more_left = pair.left->turn(left);
    const bool more_right = pair.right->turn(right);
    if (!more_left && !more_right && !done()) pair.left->wait(pair.left->now() + 1_ms);
  }
  return true;
}

struct Connected {
  explicit Connected(ShardPair& pair) {
    const Handle listener = pair.right->stack().command(listen_on(80), pair.right->now()).value();
    left = pair.left->stack().command(connect_to({kRight, 80}), pair.left->now()).value();
    ok = run(pair, at_left, at_right, [&] {
      return at_left.has(tcp::What::Connected) && at_right.has(tcp::What::Acceptable);
    });
    if (ok) right = pair.right->stack().command(tcp::Accept{listener}, pair.right->now()).value();
  }

  bool ok = false;
  Handle left, right;
  Collected at_left, at_right;
};

TEST(Shard, CarriesAConnectionBetweenTwoStacks) {
  ShardPair pair;
  Connected c(pair);
  ASSERT_TRUE(c.ok);
  const std::array<uint8_t, 5> hello{'h', 'e', 'l', 'l', 'o'};
  ASSERT_EQ(pair.left->stack().command(tcp::Send{c.left, hello}, pair.left->now())->v, 5U);
  std::array<uint8_t, 16> got{};
  ASSERT_TRUE(
      run(pair, c.at_left, c.at_right, [&] { return c.at_right.has(tcp::What::Readable); }));
  EXPECT_EQ(pair.right->stack().command(tcp::Receive{c.right, got}, pair.right->now())->v, 5U);
  EXPECT_EQ(got[4], 'o');
}

TEST(Shard, ItsDescriptorIsReadableExactlyWhenAPacketWaits) {
  ShardPair pair;
  Collected sink;
  EXPECT_FALSE(is_readable(*pair.right));
  ASSERT_TRUE(pair.left->stack().command(connect_to({kRight, 80}), pair.left->now()));
  EXPECT_FALSE(is_readable(*pair.right)) << "nothing leaves before the turn";
  (void)pair.left->flush();
  EXPECT_TRUE(is_readable(*pair.right));
  (void)pair.right->turn(sink);
  EXPECT_FALSE(is_readable(*pair.right));
  EXPECT_TRUE(is_readable(*pair.left)) << "the reset that refuses it";
}

TEST(Shard, ItsDeadlineIsTheStacksAndOnTheMonotonicClock) {
  ShardPair pair;
  EXPECT_EQ(pair.left->deadline(), kNever);
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(pair.left->stack().command(connect_to({kRight, 80}), pair.left->now()));
  (void)pair.left->flush();
  const Instant deadline = pair.left->deadline();
  ASSERT_NE(deadline, kNever);
  const auto at = pair.left->to_steady(deadline);
  EXPECT_GE(at, before + std::chrono::milliseconds(900)) << "RFC 6298 2.1: one second";
  EXPECT_LE(at, before + std::chrono::milliseconds(1500));
}

TEST(Shard, TimeIsReadOnceATurnAndNeverGoesBack) {
  ShardPair pair;
  Collected sink;
  const Instant first = pair.left->now();
  EXPECT_EQ(pair.left->now(), first) << "one reading serves all commands of a turn";
  (void)pair.left->turn(sink);
  EXPECT_GT(pair.left->now(), first);
}

TEST(Shard, WaitEndsAtTheGivenInstant) {
  ShardPair pair;
  const auto before = std::chrono::steady_clock::now();
  pair.left->wait(pair.left->now() + 20_ms);
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, std::chrono::milliseconds(19));
  EXPECT_LT(took, std::chrono::seconds(1));
}

TEST(Shard, AFullDeviceLosesNothing) {
  ShardPair pair(4096);
  Connected c(pair);
  ASSERT_TRUE(c.ok);
  std::vector<uint8_t> sent(1 << 20);
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<uint8_t>(i * 7 + i / 251);
  std::vector<uint8_t> got;
  size_t queued = 0;
  std::vector<uint8_t> buffer(1 << 16);
  ASSERT_TRUE(run(pair, c.at_left, c.at_right, [&] {
    const auto put = pair.left->stack().command(tcp::Send{c.left, std::span(sent).subspan(queued)},
                                                pair.left->now());
    if (queued < sent.size() && put) queued += put->v;
    const auto n = pair.right->stack().command(tcp::Receive{c.right, buffer}, pair.right->now());
    if (n) got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(n->v));
    return got.size() == sent.size();
  }));
  EXPECT_EQ(got, sent);
  EXPECT_GT(pair.left->counters().blocked, 0U) << "the queue was meant to fill";
  EXPECT_EQ(pair.left->device().counters().write_errors, 0U);
}

TEST(Shard, ADeviceThatIsGoneDoesNotKeepTheLoopAwake) {
  ShardPair pair;
  Collected sink;
  pair.right.reset();
  EXPECT_TRUE(is_readable(*pair.left));
  (void)pair.left->turn(sink);
  EXPECT_TRUE(pair.left->device().gone());
  EXPECT_FALSE(is_readable(*pair.left));
}

TEST(Shard, TheSeedIsDrawnAnewUnlessGiven) {
  std::array<uint64_t, 2> prints{};
  for (uint64_t& print : prints) {
    std::array<int, 2> fds{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds.data()), 0);
    const device::Descriptor other(fds[1]);
    Config config;
    config.stack.interfaces[0].addresses = {{kRight, 24}};
    auto shard =
        Shard::make(config, std::make_unique<device::PacketFd>(device::Descriptor(fds[0])));
    ASSERT_TRUE(shard.has_value());
    ASSERT_TRUE((*shard)->stack().command(connect_to({test::kLeft, 80}), Instant{}));
    print = (*shard)->stack().fingerprint();
  }
  EXPECT_NE(prints[0], prints[1]);
}

}  // namespace
}  // namespace rapport::shard
