// recv() and its kin: text, then the pending error, then the end of file (XSH recv(), read()).
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
#include <string_view>

#include <gtest/gtest.h>

namespace rapport::posix {

class ReceiveTest : public PosixTest {
 protected:
  void SetUp() override { open(); }

  // The client writes, and it arrives.
  void say(std::string_view what, int flags = 0) {
    EXPECT_EQ(w.client.send(c, octets(what), flags), success(static_cast<int64_t>(what.size())));
    w.settle();
  }

  // The client's RST.
  void reset() {
    EXPECT_EQ(w.client.setsockopt(c, kSolSocket, kSoLinger, Linger{1, 0}), success());
    EXPECT_EQ(w.client.close(c), success());
    w.settle();
  }

  Part first(size_t n) { return std::span(buffer).first(n); }
};

// XSH recv(): EAGAIN with O_NONBLOCK; MSG_DONTWAIT does the same for one call.
TEST_F(ReceiveTest, NothingThere) {
  EXPECT_EQ(w.server.read(s, buffer), failure(EAGAIN));
  block(w.server, s);
  EXPECT_EQ(w.server.recv(s, buffer, kMsgDontwait), failure(EAGAIN));
  EXPECT_TRUE(w.server.read(s, buffer).blocked());
}

// XSH recv(): ENOTCONN, of a socket that never was, and of one that listens.
TEST_F(ReceiveTest, NotConnected) {
  EXPECT_EQ(w.server.read(stream(w.server), buffer), failure(ENOTCONN));
  EXPECT_EQ(w.server.read(l, buffer), failure(ENOTCONN));
}

// XSH recv(): MSG_PEEK leaves the text where it is.
TEST_F(ReceiveTest, PeekTakesNothing) {
  say("abcdef");
  EXPECT_EQ(w.server.recv(s, first(3), kMsgPeek), success(3));
  EXPECT_EQ(w.server.recv(s, buffer, kMsgPeek), success(6));
  EXPECT_EQ(w.server.read(s, buffer), success(6));
  EXPECT_EQ(text(buffer, 6), "abcdef");
  EXPECT_EQ(w.server.recv(s, buffer, kMsgPeek), failure(EAGAIN));
}

// XSH readv(): the buffers are filled one after the other; recvmsg() the same.
TEST_F(ReceiveTest, SeveralBuffers) {
  std::array<uint8_t, 2> one{};
  std::array<uint8_t, 8> two{};
  const std::array<Part, 2> parts{Part(one), Part(two)};
  say("abcdefgh");
  ReceiveMessage message{parts, {}, 0};
  EXPECT_EQ(w.server.recvmsg(s, message, kMsgPeek), success(8));
  EXPECT_EQ(text(one, 2) + text(two, 6), "abcdefgh");
  two = {};
  EXPECT_EQ(w.server.readv(s, parts), success(8));
  EXPECT_EQ(text(one, 2) + text(two, 6), "abcdefgh");
}

// XSH recv(): MSG_WAITALL waits for all of it, and is content with less at the end of file.
TEST_F(ReceiveTest, WaitallWaitsForAll) {
  block(w.server, s);
  say("abc");
  const Result r = w.server.recv(s, first(6), kMsgWaitall);
  EXPECT_TRUE(r.blocked());
  say("def");
  EXPECT_EQ(w.server.retry(r.ticket), success(6));
  EXPECT_EQ(text(buffer, 6), "abcdef");
  say("gh");
  const Result rest = w.server.recv(s, first(6), kMsgWaitall);
  EXPECT_TRUE(rest.blocked());
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  w.settle();
  EXPECT_EQ(w.server.retry(rest.ticket), success(2));
}

// With O_NONBLOCK, MSG_WAITALL takes what is there.
TEST_F(ReceiveTest, WaitallDoesNotWaitWithNonblock) {
  say("abc");
  EXPECT_EQ(w.server.recv(s, first(6), kMsgWaitall), success(3));
}

// MSG_PEEK with MSG_WAITALL: nothing is taken while it waits.
TEST_F(ReceiveTest, PeekMayWaitForAll) {
  block(w.server, s);
  say("abc");
  const Result r = w.server.recv(s, first(6), kMsgPeek | kMsgWaitall);
  EXPECT_TRUE(r.blocked());
  say("def");
  EXPECT_EQ(w.server.retry(r.ticket), success(6));
  EXPECT_EQ(w.server.read(s, buffer), success(6));
}

// tcp(7): MSG_TRUNC throws text away instead of copying it.
TEST_F(ReceiveTest, TruncSkipsText) {
  say("abcdef");
  buffer.fill('-');
  EXPECT_EQ(w.server.recv(s, first(4), kMsgTrunc), success(4));
  EXPECT_EQ(text(buffer, 4), "----");
  EXPECT_EQ(w.server.read(s, buffer), success(2));
  EXPECT_EQ(text(buffer, 2), "ef");
}

// XSH 2.10.16, SO_RCVLOWAT: a blocked call waits for so many octets, one with O_NONBLOCK does not.
TEST_F(ReceiveTest, LowWaterMark) {
  EXPECT_EQ(set(w.server, s, kSolSocket, kSoRcvlowat, 4), success());
  say("ab");
  EXPECT_EQ(seen(w.server, s), kPollOut);
  block(w.server, s);
  const Result r = w.server.read(s, buffer);
  EXPECT_TRUE(r.blocked());
  say("cd");
  EXPECT_EQ(w.server.retry(r.ticket), success(4));
  say("ef");
  EXPECT_EQ(w.server.recv(s, buffer, kMsgDontwait), success(2));
}

// XSH read(): the end of file, again and again, after the text.
TEST_F(ReceiveTest, EndOfFile) {
  say("abc");
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  w.settle();
  EXPECT_EQ(w.server.read(s, buffer), success(3));
  EXPECT_EQ(w.server.read(s, buffer), success(0));
  EXPECT_EQ(w.server.read(s, buffer), success(0));
}

// XSH recv(): ECONNRESET, once; then the end of file.
TEST_F(ReceiveTest, AResetIsToldOnce) {
  reset();
  EXPECT_EQ(w.server.read(s, buffer), failure(ECONNRESET));
  EXPECT_EQ(w.server.read(s, buffer), success(0));
  EXPECT_EQ(so_error(w.server, s), 0);
}

// SO_ERROR is the same error: whoever asks first hears of it.
TEST_F(ReceiveTest, SoErrorTakesTheReset) {
  reset();
  EXPECT_EQ(so_error(w.server, s), ECONNRESET);
  EXPECT_EQ(w.server.read(s, buffer), success(0));
}

// RFC 9293 3.10.7.4, second: "all segment queues should be flushed": unread text goes with a reset.
TEST_F(ReceiveTest, AResetThrowsUnreadTextAway) {
  say("abc");
  reset();
  EXPECT_EQ(w.server.read(s, buffer), failure(ECONNRESET));
}

// A reset after the peer's FIN is told too.
TEST_F(ReceiveTest, AResetAfterTheEndOfFile) {
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  w.settle();
  EXPECT_EQ(w.server.read(s, buffer), success(0));
  EXPECT_EQ(w.server.write(s, octets("never read")), success(10));
  w.settle();
  EXPECT_EQ(w.client.close(c), success());  // unread text: RST (RFC 2525 2.17)
  w.settle();
  EXPECT_EQ(w.server.read(s, buffer), failure(ECONNRESET));
}

// XSH recv(): ETIMEDOUT (RFC 9293 3.8.3, R2; here by TCP_USER_TIMEOUT).
TEST_F(ReceiveTest, TheConnectionTimesOut) {
  EXPECT_EQ(set(w.server, s, kIpprotoTcp, kTcpUserTimeout, 5000), success());
  w.lose_to_client = lose_all;
  EXPECT_EQ(w.server.write(s, octets("into the void")), success(13));
  w.run_for(20_s);
  EXPECT_EQ(seen(w.server, s) & kPollErr, kPollErr);
  EXPECT_EQ(w.server.read(s, buffer), failure(ETIMEDOUT));
  EXPECT_EQ(w.server.read(s, buffer), success(0));
}

// A lost segment is waited for, as long as it takes.
TEST_F(ReceiveTest, ALostSegmentIsWaitedFor) {
  block(w.server, s);
  const Result r = w.server.recv(s, first(6), kMsgWaitall);
  EXPECT_TRUE(r.blocked());
  int frames = 0;
  w.lose_to_server = [&](const Frame&) { return ++frames == 1; };
  say("abc");
  say("def");
  EXPECT_EQ(w.finish(w.server, r), success(6));
  EXPECT_EQ(text(buffer, 6), "abcdef");
  EXPECT_GE(frames, 3);
}

// RFC 6093, SO_OOBINLINE: urgent octets stay in the stream, reading stops at the mark.
TEST_F(ReceiveTest, UrgentTextInLine) {
  say("abc");
  say("d!", kMsgOob);
  say("ef");
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut | kPollPri);
  int mark = 9;
  EXPECT_EQ(w.server.ioctl(s, kSiocatmark, mark), success());
  EXPECT_EQ(mark, 0);
  EXPECT_EQ(w.server.recv(s, buffer, kMsgOob), failure(EINVAL));
  EXPECT_EQ(w.server.recv(s, buffer, kMsgPeek), success(4));
  EXPECT_EQ(w.server.read(s, buffer), success(4));
  EXPECT_EQ(w.server.ioctl(s, kSiocatmark, mark), success());
  EXPECT_EQ(mark, 1);
  EXPECT_EQ(w.server.read(s, buffer), success(3));
  EXPECT_EQ(text(buffer, 3), "!ef");
  EXPECT_EQ(w.server.ioctl(s, kSiocatmark, mark), success());
  EXPECT_EQ(mark, 0);
  EXPECT_EQ(seen(w.server, s), kPollOut);
}

// FIONREAD, SIOCINQ.
TEST_F(ReceiveTest, UnreadOctetsAreCounted) {
  int n = -1;
  EXPECT_EQ(w.server.ioctl(s, kFionread, n), success());
  EXPECT_EQ(n, 0);
  say("abcdef");
  EXPECT_EQ(w.server.ioctl(s, kFionread, n), success());
  EXPECT_EQ(n, 6);
  EXPECT_EQ(w.server.ioctl(l, kFionread, n), failure(EINVAL));
  EXPECT_EQ(w.server.ioctl(s, 0x1234, n), failure(ENOTTY));
}

// XSH recv(): EOPNOTSUPP; recv(2): MSG_ERRQUEUE never has anything.
TEST_F(ReceiveTest, FlagsThatAreNotOffered) {
  EXPECT_EQ(w.server.recv(s, buffer, 0x10000), failure(EOPNOTSUPP));
  EXPECT_EQ(w.server.recv(s, buffer, kMsgErrqueue), failure(EAGAIN));
}

// XSH read(): no octets asked for, none given, though nothing is there.
TEST_F(ReceiveTest, NothingAskedFor) {
  EXPECT_EQ(w.server.read(s, {}), success(0));
}

// shutdown(SHUT_RD): what is there may be read, then it is the end of file.
TEST_F(ReceiveTest, ShutForReading) {
  say("abc");
  EXPECT_EQ(w.server.shutdown(s, kShutRd), success());
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut | kPollRdhup);
  EXPECT_EQ(w.server.read(s, buffer), success(3));
  EXPECT_EQ(w.server.read(s, buffer), success(0));
  EXPECT_EQ(w.server.write(s, octets("still")), success(5));
}

}  // namespace rapport::posix
