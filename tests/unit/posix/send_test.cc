// send() and its kin (XSH send(), write()): how much is taken, when it waits, when it is refused.
#include "rapport/base/time.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "world.hh"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::posix {

class SendTest : public PosixTest {
 protected:
  void SetUp() override {
    open();
    EXPECT_EQ(set(w.client, c, kSolSocket, kSoSndbuf, 4000), success());
  }

  // All that the server has to read.
  std::string all() {
    std::string out;
    while (true) {
      const Result r = w.server.read(s, buffer);
      if (!r.ok() || r.value == 0) return out;
      out += text(buffer, static_cast<size_t>(r.value));
    }
  }

  void reset_by_server() {
    EXPECT_EQ(w.server.setsockopt(s, kSolSocket, kSoLinger, Linger{1, 0}), success());
    EXPECT_EQ(w.server.close(s), success());
    w.settle();
  }

  static Result broken() {
    Result r = failure(EPIPE);
    r.broken_pipe = true;
    return r;
  }

  const std::vector<uint8_t> much = std::vector<uint8_t>(10'000, 'm');
};

// XSH send(): with O_NONBLOCK what fits, then EAGAIN; there is room again when it is acknowledged.
TEST_F(SendTest, WhatFits) {
  EXPECT_EQ(w.client.write(c, much), success(4000));
  EXPECT_EQ(w.client.write(c, much), failure(EAGAIN));
  EXPECT_EQ(seen(w.client, c), 0U);
  w.settle();
  EXPECT_EQ(seen(w.client, c), kPollOut);
}

// XSH write(): a call that may wait returns when all is queued.
TEST_F(SendTest, AllOfItInTime) {
  block(w.client, c);
  const Result r = w.client.write(c, much);
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(w.finish(w.client, r), success(10'000));
  w.run_for(1_s);
  EXPECT_EQ(all().size(), 10'000U);
}

// The same where segments are lost and the window closes.
TEST_F(SendTest, AllOfItThroughLossAndASlowReader) {
  EXPECT_EQ(set(w.server, s, kSolSocket, kSoRcvbuf, 2000), success());
  block(w.client, c);
  int frames = 0;
  w.lose_to_server = [&](const Frame&) { return ++frames % 4 == 1; };
  Result r = w.client.write(c, much);
  std::string got;
  for (int i = 0; i < 2000 && r.blocked(); ++i) {
    (void)w.step(w.now + 120_s);
    got += all();
    r = w.client.retry(r.ticket);
  }
  EXPECT_EQ(r, success(10'000));
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  for (int i = 0; i < 2000 && got.size() < 10'000; ++i) {
    (void)w.step(w.now + 120_s);
    got += all();
  }
  EXPECT_EQ(got.size(), 10'000U);
}

// XSH writev(), sendmsg(): the parts in order, in one segment if they fit.
TEST_F(SendTest, SeveralParts) {
  int frames = 0;
  w.lose_to_server = [&](const Frame&) {
    ++frames;
    return false;
  };
  const std::array<ConstPart, 3> parts{octets("ab"), octets("cde"), octets("f")};
  EXPECT_EQ(w.client.writev(c, parts), success(6));
  w.settle();
  EXPECT_EQ(frames, 1);
  EXPECT_EQ(w.client.sendmsg(c, {parts, {}}, 0), success(6));
  w.settle();
  EXPECT_EQ(all(), "abcdefabcdef");
}

// XSH send(): ENOTCONN, of a socket that never was connected, and of one that listens.
TEST_F(SendTest, NotConnected) {
  EXPECT_EQ(w.client.write(stream(w.client), octets("x")), failure(ENOTCONN));
  EXPECT_EQ(w.server.write(l, octets("x")), failure(ENOTCONN));
}

// XSH send(): EPIPE after shutdown(), with SIGPIPE unless MSG_NOSIGNAL.
TEST_F(SendTest, ShutForWriting) {
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  EXPECT_EQ(w.client.write(c, octets("x")), broken());
  EXPECT_EQ(w.client.send(c, octets("x"), kMsgNosignal), failure(EPIPE));
}

// XSH send(): ECONNRESET once, then EPIPE.
TEST_F(SendTest, AfterAReset) {
  reset_by_server();
  EXPECT_EQ(w.client.write(c, octets("x")), failure(ECONNRESET));
  EXPECT_EQ(w.client.write(c, octets("x")), broken());
}

// A blocked call that had queued a part tells how much; the next one tells the error.
TEST_F(SendTest, AResetInTheMiddle) {
  block(w.client, c);
  w.lose_to_server = lose_all;
  const Result r = w.client.write(c, much);
  EXPECT_TRUE(r.blocked());
  w.lose_to_server = nullptr;
  reset_by_server();
  EXPECT_EQ(w.client.retry(r.ticket), success(4000));
  EXPECT_EQ(w.client.write(c, octets("x")), failure(ECONNRESET));
}

// A connection that is being opened: the call waits for the handshake (RFC 9293 3.10.2).
TEST_F(SendTest, BeforeTheHandshakeIsDone) {
  const int early = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(early, server_address()), failure(EINPROGRESS));
  EXPECT_EQ(w.client.write(early, octets("x")), failure(EAGAIN));
  EXPECT_EQ(w.client.read(early, buffer), failure(EAGAIN));
  block(w.client, early);
  const Result r = w.client.write(early, octets("x"));
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(w.finish(w.client, r), success(1));
}

// tcp(7): MSG_MORE and TCP_CORK hold back what fills no segment; the next call without them sends.
TEST_F(SendTest, MoreFollows) {
  EXPECT_EQ(w.client.send(c, octets("ab"), kMsgMore), success(2));
  w.settle();
  EXPECT_EQ(all(), "");
  EXPECT_EQ(w.client.write(c, octets("cd")), success(2));
  w.settle();
  EXPECT_EQ(all(), "abcd");
  EXPECT_EQ(set(w.client, c, kIpprotoTcp, kTcpNodelay, 1), success());
  EXPECT_EQ(set(w.client, c, kIpprotoTcp, kTcpCork, 1), success());
  EXPECT_EQ(w.client.write(c, octets("ef")), success(2));
  w.settle();
  EXPECT_EQ(all(), "");
  EXPECT_EQ(set(w.client, c, kIpprotoTcp, kTcpCork, 0), success());
  w.settle();
  EXPECT_EQ(all(), "ef");
}

// ... for 200 ms at most, and a FIN takes it along.
TEST_F(SendTest, ACorkDoesNotHoldForever) {
  EXPECT_EQ(w.client.send(c, octets("ab"), kMsgMore), success(2));
  w.run_for(190_ms);
  EXPECT_EQ(all(), "");
  w.run_for(20_ms);
  EXPECT_EQ(all(), "ab");
  EXPECT_EQ(w.client.send(c, octets("cd"), kMsgMore), success(2));
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  w.settle();
  EXPECT_EQ(all(), "cd");
}

// XSH 2.10.16, SO_SNDLOWAT: poll() waits for so much room.
TEST_F(SendTest, LowWaterMark) {
  EXPECT_EQ(set(w.client, c, kSolSocket, kSoSndlowat, 3000), success());
  w.lose_to_server = lose_all;
  EXPECT_EQ(w.client.write(c, std::span(much).first(2000)), success(2000));
  EXPECT_EQ(seen(w.client, c), 0U);
  PollEntry e{c, static_cast<int16_t>(kPollOut), 0};
  const Result r = w.client.poll(std::span(&e, 1), -1);
  EXPECT_TRUE(r.blocked());
  w.lose_to_server = nullptr;
  EXPECT_EQ(w.finish(w.client, r), success(1));
}

// SIOCOUTQ, SIOCOUTQNSD, FIONSPACE.
TEST_F(SendTest, QueuedOctetsAreCounted) {
  int n = -1;
  EXPECT_EQ(w.client.write(c, octets("abc")), success(3));
  EXPECT_EQ(w.client.ioctl(c, kTiocoutq, n), success());
  EXPECT_EQ(n, 3);
  EXPECT_EQ(w.client.ioctl(c, kSiocoutqnsd, n), success());
  EXPECT_EQ(n, 3);
  EXPECT_EQ(w.client.ioctl(c, kFionspace, n), success());
  EXPECT_EQ(n, 3997);
  w.lose_to_client = lose_all;
  w.settle();
  EXPECT_EQ(w.client.ioctl(c, kTiocoutq, n), success());
  EXPECT_EQ(n, 3);
  EXPECT_EQ(w.client.ioctl(c, kSiocoutqnsd, n), success());
  EXPECT_EQ(n, 0);
  w.lose_to_client = nullptr;
  w.run_for(5_s);
  EXPECT_EQ(w.client.ioctl(c, kTiocoutq, n), success());
  EXPECT_EQ(n, 0);
}

// XSH send(): EOPNOTSUPP.
TEST_F(SendTest, FlagsThatAreNotOffered) {
  EXPECT_EQ(w.client.send(c, octets("x"), 0x10000), failure(EOPNOTSUPP));
}

// XSH sendto(): on a connected stream the address does not count.
TEST_F(SendTest, AnAddressDoesNotCount) {
  EXPECT_EQ(w.client.sendto(c, octets("x"), 0, address(9, 9)), success(1));
  EXPECT_EQ(w.client.sendto(c, {}, 0, {}), success(0));
}

// No memory is left for the stack: ENOBUFS or a wait, never a lost octet.
TEST_F(SendTest, TheStacksMemoryIsUsedUp) {
  stack::Config small = World::config_of(1);
  small.tcp.max_blocks = 2;
  World t(small, World::config_of(2));
  const int listener = stream(t.server, Family::V4, kSockNonblock);
  EXPECT_EQ(t.server.bind(listener, server_address()), success());
  EXPECT_EQ(t.server.listen(listener, 1), success());
  const int client = stream(t.client);
  EXPECT_EQ(t.finish(t.client, t.client.connect(client, server_address())), success());
  const Result r = t.client.write(client, much);
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(t.finish(t.client, r), success(10'000));
}

}  // namespace rapport::posix
