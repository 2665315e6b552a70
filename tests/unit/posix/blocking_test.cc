// Calls that wait: tickets, time limits (SO_RCVTIMEO, SO_SNDTIMEO), interruption.
#include "rapport/base/time.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/tcp/commands.hh"
#include "world.hh"

#include <cerrno>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::posix {

class BlockingTest : public PosixTest {
 protected:
  void SetUp() override { open(); }
};

TEST_F(BlockingTest, ATicketIsGoodForOneCall) {
  block(w.server, s);
  const Result r = w.server.read(s, buffer);
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(w.server.retry(r.ticket).ticket, r.ticket);
  EXPECT_EQ(w.client.write(c, octets("x")), success(1));
  w.settle();
  EXPECT_EQ(w.server.retry(r.ticket), success(1));
  EXPECT_EQ(w.server.retry(r.ticket), failure(EINVAL));
  EXPECT_EQ(w.server.retry(99), failure(EINVAL));
}

// XSH 2.10.16, SO_RCVTIMEO: EAGAIN when the time is over, or what came until then.
TEST_F(BlockingTest, ReceivingHasALimit) {
  block(w.server, s);
  EXPECT_EQ(w.server.setsockopt(s, kSolSocket, kSoRcvtimeo, TimeValue{2, 500'000}), success());
  const Instant begun = w.now;
  const Result r = w.server.read(s, buffer);
  EXPECT_TRUE(r.blocked());
  EXPECT_EQ(w.server.next_deadline(), begun + 2500_ms);
  EXPECT_EQ(w.finish(w.server, r), failure(EAGAIN));
  EXPECT_EQ(w.now, begun + 2500_ms);
  EXPECT_EQ(w.server.next_deadline(), kNever);

  const Result part = w.server.recv(s, buffer, kMsgWaitall);
  EXPECT_EQ(w.client.write(c, octets("abc")), success(3));
  EXPECT_EQ(w.finish(w.server, part), success(3));
}

// SO_RCVTIMEO of a listener limits accept().
TEST_F(BlockingTest, AcceptingHasALimit) {
  block(w.server, l);
  EXPECT_EQ(w.server.setsockopt(l, kSolSocket, kSoRcvtimeo, TimeValue{1, 0}), success());
  EXPECT_EQ(w.finish(w.server, w.server.accept(l)), failure(EAGAIN));
}

// XSH 2.10.16, SO_SNDTIMEO: what was queued until then, or EAGAIN.
TEST_F(BlockingTest, SendingHasALimit) {
  block(w.client, c);
  EXPECT_EQ(w.client.setsockopt(c, kSolSocket, kSoSndtimeo, TimeValue{1, 0}), success());
  EXPECT_EQ(set(w.client, c, kSolSocket, kSoSndbuf, 1000), success());
  w.lose_to_server = lose_all;
  const std::vector<uint8_t> much(3000, 'm');
  EXPECT_EQ(w.finish(w.client, w.client.write(c, much)), success(1000));
  EXPECT_EQ(w.finish(w.client, w.client.write(c, much)), failure(EAGAIN));
}

// connect(2), SO_SNDTIMEO: EINPROGRESS, and the attempt goes on by itself.
TEST_F(BlockingTest, ConnectingHasALimit) {
  const int other = stream(w.client);
  EXPECT_EQ(w.client.setsockopt(other, kSolSocket, kSoSndtimeo, TimeValue{0, 500'000}), success());
  w.lose_to_server = lose_all;
  EXPECT_EQ(w.finish(w.client, w.client.connect(other, server_address())), failure(EINPROGRESS));
  EXPECT_EQ(w.client.connect(other, server_address()), failure(EALREADY));
  w.lose_to_server = nullptr;
  w.run_for(5_s);
  EXPECT_EQ(seen(w.client, other), kPollOut);
}

// XSH: EINTR, or the octets moved so far; an interrupted connect() goes on.
TEST_F(BlockingTest, Interruption) {
  block(w.server, s);
  const Result reading = w.server.read(s, buffer);
  EXPECT_EQ(w.server.interrupt(reading.ticket), failure(EINTR));
  EXPECT_EQ(w.server.retry(reading.ticket), failure(EINVAL));
  const Result all = w.server.recv(s, buffer, kMsgWaitall);
  EXPECT_EQ(w.client.write(c, octets("abc")), success(3));
  w.settle();
  EXPECT_EQ(w.server.interrupt(all.ticket), success(3));
  const int other = stream(w.client);
  const Result connecting = w.client.connect(other, server_address());
  EXPECT_EQ(w.client.interrupt(connecting.ticket), failure(EINTR));
  w.settle();
  EXPECT_EQ(w.client.connect(other, server_address()), failure(EISCONN));
}

// Two calls may wait on one descriptor, one for each direction.
TEST_F(BlockingTest, ReadingAndWritingAtOnce) {
  block(w.client, c);
  EXPECT_EQ(set(w.client, c, kSolSocket, kSoSndbuf, 1000), success());
  const std::vector<uint8_t> much(3000, 'm');
  const Result reading = w.client.read(c, buffer);
  const Result writing = w.client.write(c, much);
  EXPECT_TRUE(reading.blocked() && writing.blocked());
  EXPECT_EQ(w.server.write(s, octets("hi")), success(2));
  EXPECT_EQ(w.finish(w.client, reading), success(2));
  EXPECT_EQ(w.finish(w.client, writing), success(3000));
}

// Somebody else takes the stack's events, and passes them on.
TEST_F(BlockingTest, EventsFromAnotherOwner) {
  stack::Config a = World::config_of(1);
  World shared(a, World::config_of(2), {.takes_events = false});
  const int listener = stream(shared.server, Family::V4, kSockNonblock);
  EXPECT_EQ(shared.server.bind(listener, server_address()), success());
  EXPECT_EQ(shared.server.listen(listener, 1), success());
  const int client = stream(shared.client);
  const Result r = shared.client.connect(client, server_address());
  shared.settle();
  EXPECT_TRUE(shared.client.retry(r.ticket).blocked());
  tcp::Occurrence o;
  while (shared.client_end.stack.next_event(o)) EXPECT_TRUE(shared.client.deliver(o));
  EXPECT_EQ(shared.client.retry(r.ticket), success());
  o.cookie = 12345;
  EXPECT_FALSE(shared.client.deliver(o));
}

}  // namespace rapport::posix
