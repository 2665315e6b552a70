// socket(), bind(), listen(), connect(), accept(): what they answer when they cannot be carried out
// (XSH, the ERRORS sections), and when they can.
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"
#include "world.hh"

#include <cerrno>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::posix {

class OpenTest : public PosixTest {};

// XSH socket(): EAFNOSUPPORT, EPROTOTYPE, EPROTONOSUPPORT.
TEST_F(OpenTest, SocketRefusesWhatItCannotMake) {
  EXPECT_EQ(w.client.socket(1, kSockStream, 0), failure(EAFNOSUPPORT));
  EXPECT_EQ(w.client.socket(kAfInet, 3, 0), failure(EPROTOTYPE));
  EXPECT_EQ(w.client.socket(kAfInet, kSockStream, kIpprotoUdp), failure(EPROTOTYPE));
  EXPECT_EQ(w.client.socket(kAfInet, kSockDgram, kIpprotoTcp), failure(EPROTOTYPE));
  EXPECT_EQ(w.client.socket(kAfInet, kSockStream, 132), failure(EPROTONOSUPPORT));
}

// XSH 2.14: the lowest descriptor that is free; EMFILE when there is none.
TEST_F(OpenTest, DescriptorsAreTheLowestFreeUntilThereIsNone) {
  World small(World::config_of(1), World::config_of(2), {.descriptors = 3});
  EXPECT_EQ(stream(small.client), 3);
  EXPECT_EQ(stream(small.client), 4);
  EXPECT_EQ(stream(small.client), 5);
  EXPECT_EQ(small.client.socket(kAfInet, kSockStream, 0), failure(EMFILE));
  EXPECT_EQ(small.client.epoll_create1(0), failure(EMFILE));
  EXPECT_EQ(small.client.close(4), success());
  EXPECT_EQ(small.client.close(4), failure(EBADF));
  EXPECT_EQ(stream(small.client), 4);
  EXPECT_EQ(small.client.open_descriptors(), 3U);
}

// XSH accept(): EMFILE, and the connection stays in the queue.
TEST_F(OpenTest, AcceptWithoutDescriptorLeavesTheConnectionQueued) {
  World small(World::config_of(1), World::config_of(2), {.descriptors = 1});
  const int listener = stream(small.server, Family::V4, kSockNonblock);
  EXPECT_EQ(small.server.bind(listener, server_address()), success());
  EXPECT_EQ(small.server.listen(listener, 1), success());
  const int client = stream(small.client, Family::V4, kSockNonblock);
  EXPECT_EQ(small.client.connect(client, server_address()), failure(EINPROGRESS));
  small.settle();
  EXPECT_EQ(small.server.accept(listener), failure(EMFILE));
  EXPECT_EQ(seen(small.server, listener), kPollIn);
}

// XSH: EBADF of every call.
TEST_F(OpenTest, AClosedDescriptorIsBad) {
  SocketAddress a;
  int value = 0;
  EXPECT_EQ(w.client.bind(9, a), failure(EBADF));
  EXPECT_EQ(w.client.listen(9, 1), failure(EBADF));
  EXPECT_EQ(w.client.connect(9, a), failure(EBADF));
  EXPECT_EQ(w.client.accept(9), failure(EBADF));
  EXPECT_EQ(w.client.read(9, buffer), failure(EBADF));
  EXPECT_EQ(w.client.write(9, octets("x")), failure(EBADF));
  EXPECT_EQ(w.client.shutdown(9, kShutWr), failure(EBADF));
  EXPECT_EQ(w.client.close(9), failure(EBADF));
  EXPECT_EQ(w.client.close(-1), failure(EBADF));
  EXPECT_EQ(w.client.getsockname(9, a), failure(EBADF));
  EXPECT_EQ(w.client.getpeername(9, a), failure(EBADF));
  EXPECT_EQ(w.client.getsockopt(9, kSolSocket, kSoError, value), failure(EBADF));
  EXPECT_EQ(w.client.setsockopt(9, kSolSocket, kSoKeepalive, value), failure(EBADF));
  EXPECT_EQ(w.client.fcntl(9, kFGetfl), failure(EBADF));
  EXPECT_EQ(w.client.ioctl(9, kFionread, value), failure(EBADF));
}

// XSH: ENOTSOCK.
TEST_F(OpenTest, AnEpollInstanceIsNoSocket) {
  const int ep = static_cast<int>(w.client.epoll_create1(0).value);
  EXPECT_EQ(w.client.bind(ep, server_address()), failure(ENOTSOCK));
  EXPECT_EQ(w.client.connect(ep, server_address()), failure(ENOTSOCK));
  EXPECT_EQ(w.client.accept(ep), failure(ENOTSOCK));
  EXPECT_EQ(w.client.read(ep, buffer), failure(ENOTSOCK));
  EXPECT_EQ(w.client.write(ep, octets("x")), failure(ENOTSOCK));
}

// XSH bind(): EAFNOSUPPORT, EADDRNOTAVAIL, EINVAL (already bound), EADDRINUSE.
TEST_F(OpenTest, BindRefusals) {
  const int a = stream(w.server);
  EXPECT_EQ(w.server.bind(a, server_address(Family::V6)), failure(EAFNOSUPPORT));
  EXPECT_EQ(w.server.bind(a, address(9, 1)), failure(EADDRNOTAVAIL));
  EXPECT_EQ(w.server.bind(a, server_address()), success());
  EXPECT_EQ(w.server.bind(a, server_address()), failure(EINVAL));
  const int b = stream(w.server);
  EXPECT_EQ(w.server.bind(b, server_address()), failure(EADDRINUSE));
  EXPECT_EQ(w.server.bind(b, {kAfInet, {IpAddress::v4(0), kPort}}), failure(EADDRINUSE));
  EXPECT_EQ(w.server.bind(b, address(2, kPort + 1)), success());
}

// XSH bind(): port 0 is one that is free; getsockname() tells which.
TEST_F(OpenTest, BindToPortZeroChoosesOne) {
  SocketAddress x;
  SocketAddress y;
  const int a = stream(w.client);
  const int b = stream(w.client);
  EXPECT_EQ(w.client.bind(a, {kAfInet, {}}), success());
  EXPECT_EQ(w.client.bind(b, {kAfInet, {}}), success());
  EXPECT_EQ(w.client.getsockname(a, x), success());
  EXPECT_EQ(w.client.getsockname(b, y), success());
  EXPECT_GE(x.at.port, 1024);
  EXPECT_NE(x.at.port, y.at.port);
}

// XSH bind(): EACCES.
TEST_F(OpenTest, PrivilegedPortsAreRefused) {
  stack::Config config = World::config_of(2);
  config.tcp.lowest_listen_port = 1024;
  World strict(World::config_of(1), config);
  const int a = stream(strict.server);
  EXPECT_EQ(strict.server.bind(a, address(2, 80)), failure(EACCES));
  EXPECT_EQ(strict.server.bind(a, address(2, 1024)), success());
}

// SO_REUSEADDR: a port whose last connection is in TIME-WAIT may be bound again.
TEST_F(OpenTest, TimeWaitKeepsThePortUnlessReuseIsAllowed) {
  open();
  EXPECT_EQ(w.server.close(s), success());
  w.settle();
  EXPECT_EQ(w.client.close(c), success());
  EXPECT_EQ(w.server.close(l), success());
  w.settle();
  EXPECT_EQ(w.server_end.stack.population().time_wait, 1U);
  const int again = stream(w.server);
  EXPECT_EQ(w.server.bind(again, server_address()), failure(EADDRINUSE));
  EXPECT_EQ(set(w.server, again, kSolSocket, kSoReuseaddr, 1), success());
  EXPECT_EQ(w.server.bind(again, server_address()), success());
  EXPECT_EQ(w.server.listen(again, 1), success());
}

// SO_REUSEPORT: the binding is shared, but this stack has one listener for an address.
TEST_F(OpenTest, ReusePortSharesTheBindingNotTheListener) {
  const int a = stream(w.server);
  const int b = stream(w.server);
  for (const int fd : {a, b}) {
    EXPECT_EQ(set(w.server, fd, kSolSocket, kSoReuseport, 1), success());
    EXPECT_EQ(w.server.bind(fd, server_address()), success());
  }
  EXPECT_EQ(w.server.listen(a, 1), success());
  EXPECT_EQ(w.server.listen(b, 1), failure(EADDRINUSE));
}

// XSH listen(): EINVAL (connected), EOPNOTSUPP; a second call changes the backlog.
TEST_F(OpenTest, ListenRefusalsAndANewBacklog) {
  open();
  EXPECT_EQ(w.client.listen(c, 1), failure(EINVAL));
  const int datagrams = static_cast<int>(w.client.socket(kAfInet, kSockDgram, 0).value);
  EXPECT_EQ(w.client.listen(datagrams, 1), failure(EOPNOTSUPP));
  EXPECT_EQ(w.server.listen(l, 1), success());
  std::vector<int> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(stream(w.client, Family::V4, kSockNonblock));
    EXPECT_EQ(w.client.connect(clients.back(), server_address()), failure(EINPROGRESS));
    w.settle();
  }
  EXPECT_EQ(seen(w.client, clients[0]), kPollOut);
  EXPECT_EQ(seen(w.client, clients[1]), 0U);  // its SYN found the queue full
  EXPECT_EQ(w.server.listen(l, 5), success());
  w.run_for(2_s);
  EXPECT_EQ(seen(w.client, clients[1]), kPollOut);
}

// XSH listen(): an unbound socket gets a port.
TEST_F(OpenTest, ListenBindsByItself) {
  const int fd = stream(w.server);
  EXPECT_EQ(w.server.listen(fd, 0), success());
  SocketAddress a;
  EXPECT_EQ(w.server.getsockname(fd, a), success());
  EXPECT_NE(a.at.port, 0);
  const int client = stream(w.client);
  EXPECT_EQ(w.finish(w.client, w.client.connect(client, address(2, a.at.port))), success());
}

// A listener at 0.0.0.0 is for IPv4; one at :: for both, IPv4 peers as ::ffff:a.b.c.d (RFC
// 3493 3.7).
TEST_F(OpenTest, WildcardsAndTheFamilies) {
  const int four = stream(w.server);
  EXPECT_EQ(w.server.bind(four, {kAfInet, {IpAddress::v4(0), kPort}}), success());
  EXPECT_EQ(w.server.listen(four, 4), success());
  const int client6 = stream(w.client, Family::V6);
  EXPECT_EQ(w.finish(w.client, w.client.connect(client6, server_address(Family::V6))),
            failure(ECONNREFUSED));
  const int both = stream(w.server, Family::V6);
  EXPECT_EQ(w.server.bind(both, {kAfInet6, {{}, kPort + 1}}), success());
  EXPECT_EQ(w.server.listen(both, 4), success());
  const int client4 = stream(w.client);
  EXPECT_EQ(w.finish(w.client, w.client.connect(client4, address(2, kPort + 1))), success());
  SocketAddress peer;
  EXPECT_TRUE(w.server.accept(both, &peer).ok());
  EXPECT_EQ(peer.family, kAfInet6);
  EXPECT_TRUE(peer.at.address.is_v4());
}

// XSH connect(): EINPROGRESS, EALREADY, EISCONN.
TEST_F(OpenTest, ConnectWithoutWaiting) {
  l = listening();
  c = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EALREADY));
  SocketAddress peer;
  EXPECT_EQ(w.client.getpeername(c, peer), failure(ENOTCONN));
  w.settle();
  EXPECT_EQ(so_error(w.client, c), 0);
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EISCONN));
  EXPECT_EQ(w.client.getpeername(c, peer), success());
  EXPECT_EQ(peer, server_address());
}

// XSH connect(): ECONNREFUSED, told once; then the socket may be used again.
TEST_F(OpenTest, ARefusalIsToldOnce) {
  c = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(seen(w.client, c), kPollIn | kPollOut | kPollErr | kPollHup | kPollRdhup);
  EXPECT_EQ(so_error(w.client, c), ECONNREFUSED);
  EXPECT_EQ(so_error(w.client, c), 0);
  l = listening();
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(seen(w.client, c), kPollOut);
}

// The same when connect() is what asks: the error first, then a new attempt.
TEST_F(OpenTest, ConnectOnAFailedSocketTellsTheErrorFirst) {
  c = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(w.client.connect(c, server_address()), failure(ECONNREFUSED));
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
}

// XSH connect(): ECONNREFUSED and ETIMEDOUT of a call that waits (RFC 9293 3.8.3).
TEST_F(OpenTest, ABlockedConnectFails) {
  c = stream(w.client);
  EXPECT_EQ(w.finish(w.client, w.client.connect(c, server_address())), failure(ECONNREFUSED));
  w.lose_to_server = lose_all;
  EXPECT_EQ(w.finish(w.client, w.client.connect(c, server_address())), failure(ETIMEDOUT));
  EXPECT_GE(w.now, Instant{} + 180_s);
}

// XSH connect(): EAFNOSUPPORT, EADDRNOTAVAIL, ENETUNREACH (no peer), EOPNOTSUPP, EADDRINUSE.
TEST_F(OpenTest, ConnectRefusals) {
  c = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(c, server_address(Family::V6)), failure(EAFNOSUPPORT));
  EXPECT_EQ(w.client.connect(c, address(2, 0)), failure(EADDRNOTAVAIL));
  EXPECT_EQ(w.client.connect(c, {kAfInet, {IpAddress::v4(224, 0, 0, 1), 1}}), failure(ENETUNREACH));
  l = listening();
  EXPECT_EQ(w.server.connect(l, address(1, 1)), failure(EOPNOTSUPP));
  const int a = stream(w.client, Family::V4, kSockNonblock);
  const int b = stream(w.client, Family::V4, kSockNonblock);
  for (const int fd : {a, b}) {
    EXPECT_EQ(set(w.client, fd, kSolSocket, kSoReuseaddr, 1), success());
    EXPECT_EQ(w.client.bind(fd, address(1, 5000)), success());
  }
  EXPECT_EQ(w.client.connect(a, server_address()), failure(EINPROGRESS));
  EXPECT_EQ(w.client.connect(b, server_address()), failure(EADDRINUSE));
}

// XSH connect(): ENETUNREACH, where no address of ours leads there.
TEST_F(OpenTest, NoWayThere) {
  stack::Config config = World::config_of(1);
  config.interfaces[0].addresses.pop_back();  // IPv4 alone is left
  World four(config, World::config_of(2));
  c = stream(four.client, Family::V6);
  EXPECT_EQ(four.client.connect(c, server_address(Family::V6)), failure(ENETUNREACH));
  const int d = static_cast<int>(four.client.socket(kAfInet6, kSockDgram, 0).value);
  EXPECT_EQ(four.client.sendto(d, octets("x"), 0, server_address(Family::V6)),
            failure(ENETUNREACH));
  EXPECT_EQ(four.client.connect(d, server_address(Family::V6)), failure(ENETUNREACH));
}

// XSH connect(): AF_UNSPEC undoes it. The peer hears a reset.
TEST_F(OpenTest, DisconnectMakesTheSocketFresh) {
  open();
  EXPECT_EQ(w.client.connect(c, {}), success());
  w.settle();
  EXPECT_EQ(so_error(w.server, s), ECONNRESET);
  EXPECT_EQ(w.client.read(c, buffer), failure(ENOTCONN));
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(seen(w.client, c), kPollOut);
}

// XSH accept(): EAGAIN, EINVAL, EOPNOTSUPP; accept4() of Linux: EINVAL.
TEST_F(OpenTest, AcceptRefusals) {
  l = listening();
  EXPECT_EQ(w.server.accept(l), failure(EAGAIN));
  EXPECT_EQ(w.server.accept4(l, nullptr, 1), failure(EINVAL));
  const int fresh = stream(w.server);
  EXPECT_EQ(w.server.accept(fresh), failure(EINVAL));
  const int datagrams = static_cast<int>(w.server.socket(kAfInet, kSockDgram, 0).value);
  EXPECT_EQ(w.server.accept(datagrams), failure(EOPNOTSUPP));
}

// accept4(): the flags are the new descriptor's; without them it blocks, whatever the listener
// does.
TEST_F(OpenTest, AcceptedDescriptorsHaveFlagsOfTheirOwn) {
  l = listening();
  for (const int flags : {0, kSockNonblock | kSockCloexec}) {
    c = stream(w.client);
    EXPECT_EQ(w.finish(w.client, w.client.connect(c, server_address())), success());
    s = static_cast<int>(w.server.accept4(l, nullptr, flags).value);
    EXPECT_EQ(w.server.fcntl(s, kFGetfl), success(kORdwr | (flags & kSockNonblock)));
    EXPECT_EQ(w.server.fcntl(s, kFGetfd), success(flags != 0 ? kFdCloexec : 0));
  }
}

// A connection that is reset while it waits leaves the queue: there is nothing to accept.
TEST_F(OpenTest, AResetConnectionLeavesTheQueue) {
  l = listening();
  c = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(c, server_address()), failure(EINPROGRESS));
  w.settle();
  EXPECT_EQ(w.client.connect(c, {}), success());
  w.settle();
  EXPECT_EQ(w.server.accept(l), failure(EAGAIN));
}

}  // namespace rapport::posix
