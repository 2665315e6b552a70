// shutdown() and close(): half closes, SO_LINGER, unread text (XSH shutdown(), close(); RFC 9293
// 3.10.4, RFC 2525 2.17).
#include "rapport/base/time.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "world.hh"

#include <cerrno>
#include <memory>

#include <gtest/gtest.h>

namespace rapport::posix {

class CloseTest : public PosixTest {
 protected:
  void SetUp() override { open(); }
};

// XSH shutdown(): EINVAL, ENOTCONN.
TEST_F(CloseTest, ShutdownRefusals) {
  EXPECT_EQ(w.client.shutdown(c, 3), failure(EINVAL));
  EXPECT_EQ(w.client.shutdown(stream(w.client), kShutWr), failure(ENOTCONN));
  EXPECT_EQ(w.server.shutdown(l, kShutRd), failure(ENOTCONN));
}

// A second shutdown() changes nothing; after both ends have finished it is ENOTCONN.
TEST_F(CloseTest, ShutdownAgain) {
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  EXPECT_EQ(w.client.shutdown(c, kShutRdwr), success());
  w.settle();
  EXPECT_EQ(w.server.shutdown(s, kShutWr), success());
  w.settle();
  EXPECT_EQ(w.client.shutdown(c, kShutWr), failure(ENOTCONN));  // TIME-WAIT
  EXPECT_EQ(w.server.shutdown(s, kShutWr), failure(ENOTCONN));  // gone
}

// The other direction goes on after a half close.
TEST_F(CloseTest, HalfClose) {
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  w.settle();
  EXPECT_EQ(w.server.write(s, octets("answer")), success(6));
  w.settle();
  EXPECT_EQ(w.client.read(c, buffer), success(6));
}

// XSH close() with SO_LINGER of 0: the connection is reset.
TEST_F(CloseTest, LingerOfZeroResets) {
  EXPECT_EQ(w.client.setsockopt(c, kSolSocket, kSoLinger, Linger{1, 0}), success());
  EXPECT_EQ(w.client.close(c), success());
  w.settle();
  EXPECT_EQ(so_error(w.server, s), ECONNRESET);
}

// XSH close() with SO_LINGER: the call waits until all is acknowledged ...
TEST_F(CloseTest, LingerWaitsForAcknowledgements) {
  block(w.client, c);
  EXPECT_EQ(w.client.setsockopt(c, kSolSocket, kSoLinger, Linger{1, 30}), success());
  w.lose_to_server = lose_all;
  EXPECT_EQ(w.client.write(c, octets("late")), success(4));
  const Result r = w.client.close(c);
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(w.client.read(c, buffer), failure(EBADF));
  w.run_for(1_s);
  EXPECT_TRUE(w.client.retry(r.ticket).blocked());
  w.lose_to_server = nullptr;
  EXPECT_EQ(w.finish(w.client, r), success());
  EXPECT_LT(w.now, Instant{} + 20_s);
  EXPECT_EQ(w.server.read(s, buffer), success(4));
}

// ... or the time is over, and what is left is given up.
TEST_F(CloseTest, LingerEndsInTime) {
  block(w.client, c);
  EXPECT_EQ(w.client.setsockopt(c, kSolSocket, kSoLinger, Linger{1, 5}), success());
  w.lose_to_server = lose_all;
  EXPECT_EQ(w.client.write(c, octets("never")), success(5));
  const Instant begun = w.now;
  EXPECT_EQ(w.finish(w.client, w.client.close(c)), success());
  EXPECT_GE(w.now, begun + 5_s);
  EXPECT_LE(w.now, begun + 6_s);
}

// With O_NONBLOCK close() does not wait; the stack lingers by itself.
TEST_F(CloseTest, LingerWithNonblock) {
  EXPECT_EQ(w.client.setsockopt(c, kSolSocket, kSoLinger, Linger{1, 30}), success());
  EXPECT_EQ(w.client.write(c, octets("bye")), success(3));
  EXPECT_EQ(w.client.close(c), success());
  w.settle();
  EXPECT_EQ(w.server.read(s, buffer), success(3));
  EXPECT_EQ(w.server.read(s, buffer), success(0));
}

// RFC 2525 2.17: unread text at close() draws a reset.
TEST_F(CloseTest, UnreadTextDrawsAReset) {
  EXPECT_EQ(w.server.write(s, octets("unread")), success(6));
  w.settle();
  EXPECT_EQ(w.client.close(c), success());
  w.settle();
  EXPECT_EQ(so_error(w.server, s), ECONNRESET);
}

// A listener that closes resets those whom nobody has accepted.
TEST_F(CloseTest, AListenerTakesItsQueueAlong) {
  const int other = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(other, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(w.server.close(l), success());
  w.settle();
  EXPECT_EQ(so_error(w.client, other), ECONNRESET);
  EXPECT_EQ(so_error(w.client, c), 0);
}

// close() while connect() is under way.
TEST_F(CloseTest, ClosingAnAttempt) {
  w.lose_to_server = lose_all;
  const int attempt = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(attempt, server_address()), failure(EINPROGRESS));
  EXPECT_EQ(w.client.close(attempt), success());
  w.settle();
  EXPECT_EQ(w.client_end.stack.population().connections, 1U);  // `c` alone is left
}

// The end of a process closes everything.
TEST_F(CloseTest, TheEndOfAProcess) {
  stack::Config config = World::config_of(3);
  FramePool frames(64, 2048);
  stack::Stack stack(config, frames);
  auto process = std::make_unique<Sockets>(stack, w.now);
  const int fd = stream(*process);
  EXPECT_EQ(process->bind(fd, {kAfInet, {IpAddress::v4(10, 0, 0, 3), 1}}), success());
  EXPECT_EQ(process->listen(fd, 1), success());
  EXPECT_EQ(stack.population().listeners, 1U);
  process.reset();
  EXPECT_EQ(stack.population().listeners, 0U);
}

// A call that waits on a descriptor that is closed answers EBADF.
TEST_F(CloseTest, AWaitingCallLosesItsDescriptor) {
  block(w.server, s);
  const Result r = w.server.read(s, buffer);
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(w.server.close(s), success());
  EXPECT_EQ(stream(w.server), s);  // the number is used again, for something else
  EXPECT_EQ(w.server.retry(r.ticket), failure(EBADF));
}

}  // namespace rapport::posix
