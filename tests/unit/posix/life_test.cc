// A whole life of a connection through the calls, blocking and not, in both families.
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "world.hh"

#include <cerrno>

#include <gtest/gtest.h>

namespace rapport::posix {

class LifeTest : public PosixTest, public ::testing::WithParamInterface<Family> {};

TEST_P(LifeTest, BlockingCallsFinishOneAfterTheOther) {
  const Family family = GetParam();
  const int listener = listening(family, 8, 0);
  const int client = stream(w.client, family);
  SocketAddress peer;
  const Result accepting = w.server.accept(listener, &peer);
  EXPECT_TRUE(accepting.blocked());
  const Result connecting = w.client.connect(client, server_address(family));
  EXPECT_TRUE(connecting.blocked());
  EXPECT_EQ(w.finish(w.client, connecting), success());
  const Result accepted = w.finish(w.server, accepting);
  ASSERT_TRUE(accepted.ok());
  const int server = static_cast<int>(accepted.value);
  SocketAddress own;
  EXPECT_TRUE(w.client.getsockname(client, own).ok());
  EXPECT_EQ(peer, own);

  const Result reading = w.server.read(server, buffer);
  EXPECT_TRUE(reading.blocked());
  EXPECT_EQ(w.client.write(client, octets("hello")), success(5));
  EXPECT_EQ(w.finish(w.server, reading), success(5));
  EXPECT_EQ(text(buffer, 5), "hello");

  EXPECT_EQ(w.client.shutdown(client, kShutWr), success());
  EXPECT_EQ(w.finish(w.server, w.server.read(server, buffer)), success(0));
  EXPECT_EQ(w.server.close(server), success());
  EXPECT_EQ(w.finish(w.client, w.client.read(client, buffer)), success(0));
  EXPECT_EQ(w.client.close(client), success());
  EXPECT_EQ(w.server.close(listener), success());
  w.run_for(120_s);
  for (World::End* end : {&w.client_end, &w.server_end}) {
    const auto p = end->stack.population();
    EXPECT_EQ(p.connections + p.half_open + p.time_wait + p.listeners + p.transfers + p.blocks, 0U);
    EXPECT_EQ(end->sockets.open_descriptors(), 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, LifeTest, ::testing::Values(Family::V4, Family::V6));

}  // namespace rapport::posix
