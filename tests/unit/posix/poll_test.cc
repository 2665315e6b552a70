// poll(): what it reports of each kind of descriptor in each phase (XSH poll(); poll(2) where POSIX
// leaves it open).
#include "rapport/base/time.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "world.hh"

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>

namespace rapport::posix {

class PollTest : public PosixTest {
 protected:
  static PollEntry entry(int fd, uint32_t events) { return {fd, static_cast<int16_t>(events), 0}; }

  static uint32_t returned(const PollEntry& e) {
    return static_cast<uint32_t>(static_cast<uint16_t>(e.revents));
  }
};

// poll(2): a socket that is not connected hangs up and would not block.
TEST_F(PollTest, BeforeTheConnection) {
  c = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(seen(w.client, c), kPollOut | kPollHup);
  l = listening();
  EXPECT_EQ(seen(w.server, l), 0U);
  w.lose_to_server = lose_all;
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  EXPECT_EQ(seen(w.client, c), 0U);
}

TEST_F(PollTest, AcceptableReadableWritable) {
  l = listening();
  c = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(seen(w.client, c), kPollOut);
  EXPECT_EQ(seen(w.server, l), kPollIn);
  s = static_cast<int>(w.server.accept4(l, nullptr, kSockNonblock).value);
  EXPECT_EQ(seen(w.server, l), 0U);
  EXPECT_EQ(w.client.write(c, octets("x")), success(1));
  w.settle();
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut);
}

// POLLRDHUP when the peer has finished, POLLHUP when both have, POLLERR with a pending error.
TEST_F(PollTest, TheEnds) {
  open();
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  EXPECT_EQ(seen(w.client, c), kPollOut);
  w.settle();
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut | kPollRdhup);
  EXPECT_EQ(w.server.shutdown(s, kShutWr), success());
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut | kPollRdhup | kPollHup);
  w.settle();
  EXPECT_EQ(seen(w.client, c), kPollIn | kPollOut | kPollRdhup | kPollHup);
  EXPECT_EQ(so_error(w.client, c), 0);
}

TEST_F(PollTest, AReset) {
  open();
  EXPECT_EQ(w.client.connect(c, {}), success());
  w.settle();
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut | kPollRdhup | kPollHup | kPollErr);
  EXPECT_EQ(so_error(w.server, s), ECONNRESET);
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut | kPollRdhup | kPollHup);
}

// XSH poll(): POLLNVAL; negative descriptors do not count; only what was asked for is reported, but
// for POLLERR, POLLHUP and POLLNVAL.
TEST_F(PollTest, Entries) {
  open();
  std::array entries{entry(99, kPollIn), entry(-1, kPollIn), entry(c, kPollIn),
                     entry(c, kPollOut | kPollWrnorm)};
  EXPECT_EQ(w.client.poll(entries, 0), success(2));
  EXPECT_EQ(returned(entries[0]), kPollNval);
  EXPECT_EQ(returned(entries[1]), 0U);
  EXPECT_EQ(returned(entries[2]), 0U);
  EXPECT_EQ(returned(entries[3]), kPollOut | kPollWrnorm);
}

// XSH poll(): the time limit.
TEST_F(PollTest, TimeLimits) {
  open();
  std::array entries{entry(c, kPollIn)};
  EXPECT_EQ(w.client.poll(entries, 0), success(0));
  const Instant begun = w.now;
  EXPECT_EQ(w.finish(w.client, w.client.poll(entries, 250)), success(0));
  EXPECT_EQ(w.now, begun + 250_ms);
  const Result r = w.client.poll(entries, -1);
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(w.server.write(s, octets("x")), success(1));
  EXPECT_EQ(w.finish(w.client, r), success(1));
  EXPECT_EQ(returned(entries[0]), kPollIn);
  EXPECT_EQ(w.client.poll({}, 0), success(0));
}

// An epoll instance is readable when it has something to report.
TEST_F(PollTest, AnEpollInstance) {
  open();
  const int ep = static_cast<int>(w.server.epoll_create1(0).value);
  const EpollEvent e{kPollIn, 0};
  EXPECT_EQ(w.server.epoll_ctl(ep, kEpollCtlAdd, s, &e), success());
  EXPECT_EQ(seen(w.server, ep), 0U);
  EXPECT_EQ(w.client.write(c, octets("x")), success(1));
  w.settle();
  EXPECT_EQ(seen(w.server, ep), kPollIn);
}

}  // namespace rapport::posix
