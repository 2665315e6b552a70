// epoll(7) and epoll_ctl(2): level-triggered, edge-triggered and one-shot.
#include "rapport/base/time.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "world.hh"

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::posix {

class EpollTest : public PosixTest {
 protected:
  void SetUp() override {
    open();
    ep = static_cast<int>(w.server.epoll_create1(kEpollCloexec).value);
  }

  Result control(int op, int fd, uint32_t events) {
    const EpollEvent e{events, static_cast<uint64_t>(fd) + 1000};
    return w.server.epoll_ctl(ep, op, fd, &e);
  }

  // What is reported of `s` now; 0: nothing.
  uint32_t reported() {
    std::array<EpollEvent, 4> got{};
    const Result r = w.server.epoll_wait(ep, got, 0);
    if (r == success(0)) return 0;
    EXPECT_EQ(r, success(1));
    EXPECT_EQ(got[0].data, static_cast<uint64_t>(s) + 1000);
    return got[0].events;
  }

  void say(std::string_view what) {
    EXPECT_TRUE(w.client.write(c, octets(what)).ok());
    w.settle();
  }

  int ep = -1;
};

TEST_F(EpollTest, LevelTriggered) {
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn), success());
  EXPECT_EQ(reported(), 0U);
  say("ab");
  EXPECT_EQ(reported(), kPollIn);
  EXPECT_EQ(reported(), kPollIn);
  EXPECT_EQ(w.server.read(s, std::span(buffer).first(1)), success(1));
  EXPECT_EQ(reported(), kPollIn);
  EXPECT_EQ(w.server.read(s, buffer), success(1));
  EXPECT_EQ(reported(), 0U);
}

// Once for each arrival, whether or not the text was read.
TEST_F(EpollTest, EdgeTriggered) {
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn | kPollOut | kPollRdhup | kEpollEt), success());
  EXPECT_EQ(reported(), kPollOut);
  EXPECT_EQ(reported(), 0U);
  say("ab");
  EXPECT_EQ(reported(), kPollIn | kPollOut);
  EXPECT_EQ(reported(), 0U);
  say("cd");
  EXPECT_EQ(reported(), kPollIn | kPollOut);
  EXPECT_EQ(w.server.read(s, buffer), success(4));
  EXPECT_EQ(reported(), 0U);
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  w.settle();
  EXPECT_EQ(reported(), kPollIn | kPollOut | kPollRdhup);
  EXPECT_EQ(reported(), 0U);
}

// An edge is there already when an item is added or modified.
TEST_F(EpollTest, EdgesOfAddingAndModifying) {
  say("ab");
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn | kEpollEt), success());
  EXPECT_EQ(reported(), kPollIn);
  EXPECT_EQ(reported(), 0U);
  EXPECT_EQ(control(kEpollCtlMod, s, kPollIn | kEpollEt), success());
  EXPECT_EQ(reported(), kPollIn);
}

// Room to send is an edge of its own, after EAGAIN.
TEST_F(EpollTest, RoomIsAnEdge) {
  EXPECT_EQ(set(w.server, s, kSolSocket, kSoSndbuf, 1000), success());
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollOut | kEpollEt), success());
  EXPECT_EQ(reported(), kPollOut);
  const std::vector<uint8_t> much(3000, 'm');
  EXPECT_EQ(w.server.write(s, much), success(1000));
  EXPECT_EQ(w.server.write(s, much), failure(EAGAIN));
  EXPECT_EQ(reported(), 0U);
  w.settle();
  EXPECT_EQ(reported(), kPollOut);
  EXPECT_EQ(reported(), 0U);
}

// ... and level-triggered it is reported also after the buffer was filled to the octet.
TEST_F(EpollTest, RoomAfterAFullBuffer) {
  EXPECT_EQ(set(w.server, s, kSolSocket, kSoSndbuf, 1000), success());
  const std::vector<uint8_t> exactly(1000, 'm');
  EXPECT_EQ(w.server.write(s, exactly), success(1000));
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollOut), success());
  EXPECT_EQ(reported(), 0U);
  w.settle();
  EXPECT_EQ(reported(), kPollOut);
}

TEST_F(EpollTest, OneShot) {
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn | kEpollOneshot), success());
  say("ab");
  EXPECT_EQ(reported(), kPollIn);
  say("cd");
  EXPECT_EQ(reported(), 0U);
  EXPECT_EQ(control(kEpollCtlMod, s, kPollIn | kEpollOneshot), success());
  EXPECT_EQ(reported(), kPollIn);
}

// EPOLLERR and EPOLLHUP need not be asked for; they stay while nobody asks for the error.
TEST_F(EpollTest, ErrorsAreAlwaysReported) {
  EXPECT_EQ(control(kEpollCtlAdd, s, 0), success());
  EXPECT_EQ(reported(), 0U);
  EXPECT_EQ(w.client.connect(c, {}), success());
  w.settle();
  EXPECT_EQ(reported(), kPollErr | kPollHup);
  EXPECT_EQ(so_error(w.server, s), ECONNRESET);
  EXPECT_EQ(reported(), kPollHup);
}

// epoll_ctl(2): EBADF, EEXIST, EINVAL, ENOENT, EPERM; epoll_wait(2): EBADF, EINVAL.
TEST_F(EpollTest, Refusals) {
  std::array<EpollEvent, 1> got{};
  EXPECT_EQ(control(kEpollCtlMod, s, kPollIn), failure(ENOENT));
  EXPECT_EQ(control(kEpollCtlDel, s, 0), failure(ENOENT));
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn), success());
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn), failure(EEXIST));
  EXPECT_EQ(control(kEpollCtlAdd, 99, kPollIn), failure(EBADF));
  EXPECT_EQ(control(kEpollCtlAdd, ep, kPollIn), failure(EINVAL));
  EXPECT_EQ(control(7, s, kPollIn), failure(EINVAL));
  EXPECT_EQ(w.server.epoll_ctl(ep, kEpollCtlMod, s, nullptr), failure(EFAULT));
  EXPECT_EQ(w.server.epoll_ctl(s, kEpollCtlAdd, l, got.data()), failure(EINVAL));
  const int other = static_cast<int>(w.server.epoll_create1(0).value);
  EXPECT_EQ(control(kEpollCtlAdd, other, kPollIn), failure(EPERM));
  EXPECT_EQ(w.server.epoll_create1(1), failure(EINVAL));
  EXPECT_EQ(w.server.epoll_wait(s, got, 0), failure(EINVAL));
  EXPECT_EQ(w.server.epoll_wait(ep, {}, 0), failure(EINVAL));
  EXPECT_EQ(w.server.epoll_wait(99, got, 0), failure(EBADF));
}

TEST_F(EpollTest, DeletedAndClosed) {
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn), success());
  say("ab");
  EXPECT_EQ(w.server.epoll_ctl(ep, kEpollCtlDel, s, nullptr), success());
  EXPECT_EQ(reported(), 0U);
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn), success());
  EXPECT_EQ(w.server.close(s), success());
  EXPECT_EQ(reported(), 0U);
  EXPECT_EQ(stream(w.server), s);  // the number is somebody else's now
  EXPECT_EQ(control(kEpollCtlMod, s, kPollIn), failure(ENOENT));
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn), success());
  EXPECT_EQ(w.server.close(ep), success());
  EXPECT_EQ(w.server.close(s), success());
}

// epoll_wait(2): it waits, for a time; what is ready is handed out in turn.
TEST_F(EpollTest, WaitingAndTurns) {
  EXPECT_EQ(control(kEpollCtlAdd, s, kPollIn), success());
  std::array<EpollEvent, 1> got{};
  const Instant begun = w.now;
  EXPECT_EQ(w.finish(w.server, w.server.epoll_wait(ep, got, 100)), success(0));
  EXPECT_EQ(w.now, begun + 100_ms);
  const Result r = w.server.epoll_wait(ep, got, -1);
  EXPECT_TRUE(r.blocked());
  say("ab");
  EXPECT_EQ(w.server.retry(r.ticket), success(1));
  EXPECT_EQ(got[0].data, static_cast<uint64_t>(s) + 1000);

  EXPECT_EQ(control(kEpollCtlAdd, l, kPollIn), success());
  const int other = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(other, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(w.server.epoll_wait(ep, got, 0), success(1));
  const uint64_t first = got[0].data;
  EXPECT_EQ(w.server.epoll_wait(ep, got, 0), success(1));
  EXPECT_NE(got[0].data, first);
}

// The client's side: a connection that is being opened, and one that fails.
TEST_F(EpollTest, Connecting) {
  const int epc = static_cast<int>(w.client.epoll_create1(0).value);
  const int other = stream(w.client, Family::V4, kSockNonblock);
  const EpollEvent e{kPollOut | kEpollEt, 7};
  EXPECT_EQ(w.client.epoll_ctl(epc, kEpollCtlAdd, other, &e), success());
  std::array<EpollEvent, 1> got{};
  EXPECT_EQ(w.client.epoll_wait(epc, got, 0), success(1));
  EXPECT_EQ(got[0].events, kPollOut | kPollHup);
  EXPECT_EQ(w.client.connect(other, address(2, 1)), failure(EINPROGRESS));
  EXPECT_EQ(w.client.epoll_wait(epc, got, 0), success(0));
  w.settle();
  EXPECT_EQ(w.client.epoll_wait(epc, got, 0), success(1));
  EXPECT_EQ(got[0].events, kPollOut | kPollHup | kPollErr);
  EXPECT_EQ(got[0].data, 7U);
}

}  // namespace rapport::posix
