// Datagram sockets (XSH; RFC 768, RFC 1122 4.1): whole datagrams, their senders, and ICMP errors.
#include "rapport/base/address.hh"
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

class DatagramTest : public PosixTest, public ::testing::WithParamInterface<Family> {
 protected:
  int datagrams(Sockets& who, int flags = kSockNonblock) {
    return static_cast<int>(who.socket(domain(GetParam()), kSockDgram | flags, 0).value);
  }

  // A socket at the server's port.
  int serving() {
    const int fd = datagrams(w.server);
    EXPECT_EQ(w.server.bind(fd, there()), success());
    return fd;
  }

  SocketAddress there() { return server_address(GetParam()); }
};

TEST_P(DatagramTest, ThereAndBack) {
  s = serving();
  c = datagrams(w.client);
  EXPECT_EQ(w.client.sendto(c, octets("question"), 0, there()), success(8));
  w.settle();
  SocketAddress from;
  EXPECT_EQ(seen(w.server, s), kPollIn | kPollOut);
  EXPECT_EQ(w.server.recvfrom(s, buffer, 0, &from), success(8));
  EXPECT_EQ(text(buffer, 8), "question");
  EXPECT_EQ(from.family, domain(GetParam()));
  SocketAddress own;
  EXPECT_EQ(w.client.getsockname(c, own), success());
  EXPECT_EQ(own.at.port, from.at.port);
  EXPECT_EQ(w.server.sendto(s, octets("answer"), 0, from), success(6));
  w.settle();
  EXPECT_EQ(w.client.recv(c, buffer, 0), success(6));
}

// XSH recv(): what does not fit is thrown away; MSG_TRUNC tells, and asks for the whole length.
TEST_P(DatagramTest, Truncation) {
  s = serving();
  c = datagrams(w.client);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(w.client.sendto(c, octets("abcdef"), 0, there()), success(6));
  }
  w.settle();
  int next = 0;
  EXPECT_EQ(w.server.ioctl(s, kFionread, next), success());
  EXPECT_EQ(next, 6);
  const std::array<Part, 1> parts{std::span(buffer).first(4)};
  ReceiveMessage m{parts, {}, 0};
  EXPECT_EQ(w.server.recvmsg(s, m, kMsgPeek), success(4));
  EXPECT_EQ(w.server.recvmsg(s, m, 0), success(4));
  EXPECT_EQ(m.flags, kMsgTrunc);
  EXPECT_EQ(w.server.recv(s, parts[0], kMsgTrunc), success(6));
  EXPECT_EQ(w.server.recv(s, buffer, 0), success(6));
  EXPECT_EQ(w.server.recv(s, buffer, 0), failure(EAGAIN));
}

TEST_P(DatagramTest, SeveralParts) {
  s = serving();
  c = datagrams(w.client);
  const std::array<ConstPart, 2> out{octets("abc"), octets("def")};
  EXPECT_EQ(w.client.sendmsg(c, {out, there()}, 0), success(6));
  w.settle();
  const std::array<Part, 2> in{std::span(buffer).first(2), std::span(buffer).subspan(2, 10)};
  EXPECT_EQ(w.server.readv(s, in), success(6));
  EXPECT_EQ(text(buffer, 6), "abcdef");
}

// XSH send(): EDESTADDRREQ, EMSGSIZE, EAFNOSUPPORT, EACCES, EISCONN, EOPNOTSUPP, EINVAL.
TEST_P(DatagramTest, SendRefusals) {
  c = datagrams(w.client);
  EXPECT_EQ(w.client.write(c, octets("x")), failure(EDESTADDRREQ));
  const std::vector<uint8_t> huge(66'000, 'x');
  EXPECT_EQ(w.client.sendto(c, huge, 0, there()), failure(EMSGSIZE));
  const int four = static_cast<int>(w.client.socket(kAfInet, kSockDgram, 0).value);
  EXPECT_EQ(w.client.sendto(four, octets("x"), 0, server_address(Family::V6)),
            failure(EAFNOSUPPORT));
  EXPECT_EQ(w.client.sendto(c, octets("x"), kMsgOob, there()), failure(EOPNOTSUPP));
  EXPECT_EQ(w.client.sendto(c, octets("x"), kMsgMore, there()), failure(EOPNOTSUPP));
  EXPECT_EQ(w.client.sendto(c, octets("x"), 0, address(2, 0, GetParam())), failure(EINVAL));
  SocketAddress far = there();
  far.at.address = *parse_address(GetParam() == Family::V4 ? "224.0.0.1" : "ff02::1");
  EXPECT_EQ(w.client.sendto(c, octets("x"), 0, far), failure(EACCES));
  EXPECT_EQ(w.client.connect(c, there()), success());
  EXPECT_EQ(w.client.sendto(c, octets("x"), 0, address(2, 1, GetParam())), failure(EISCONN));
  EXPECT_EQ(w.client.sendto(c, octets("x"), 0, there()), success(1));
}

// XSH bind(): EADDRINUSE, EINVAL, EADDRNOTAVAIL.
TEST_P(DatagramTest, BindRefusals) {
  s = serving();
  EXPECT_EQ(w.server.bind(s, there()), failure(EINVAL));
  const int other = datagrams(w.server);
  EXPECT_EQ(w.server.bind(other, there()), failure(EADDRINUSE));
  EXPECT_EQ(w.server.bind(other, address(9, 1, GetParam())), failure(EADDRNOTAVAIL));
}

// XSH connect(): a peer for a datagram socket, another one, and none again.
TEST_P(DatagramTest, Peers) {
  s = serving();
  c = datagrams(w.client);
  SocketAddress peer;
  EXPECT_EQ(w.client.getpeername(c, peer), failure(ENOTCONN));
  EXPECT_EQ(w.client.connect(c, there()), success());
  EXPECT_EQ(w.client.getpeername(c, peer), success());
  EXPECT_EQ(peer, there());
  EXPECT_EQ(w.client.write(c, octets("hi")), success(2));
  w.settle();
  EXPECT_EQ(w.server.read(s, buffer), success(2));
  EXPECT_EQ(w.client.connect(c, address(2, 9, GetParam())), success());
  EXPECT_EQ(w.client.connect(c, {}), success());
  EXPECT_EQ(w.client.getpeername(c, peer), failure(ENOTCONN));
  EXPECT_EQ(w.client.write(c, octets("hi")), failure(EDESTADDRREQ));
}

// RFC 1122 4.1.3.3: port unreachable is told to a connected socket, once.
TEST_P(DatagramTest, PortUnreachable) {
  c = datagrams(w.client);
  EXPECT_EQ(w.client.connect(c, there()), success());
  EXPECT_EQ(w.client.write(c, octets("anybody?")), success(8));
  w.settle();
  EXPECT_EQ(seen(w.client, c), kPollOut | kPollErr);
  EXPECT_EQ(so_error(w.client, c), ECONNREFUSED);
  EXPECT_EQ(seen(w.client, c), kPollOut);
  EXPECT_EQ(w.client.write(c, octets("anybody?")), success(8));
  w.settle();
  EXPECT_EQ(w.client.read(c, buffer), failure(ECONNREFUSED));
  EXPECT_EQ(w.client.read(c, buffer), failure(EAGAIN));
  EXPECT_EQ(w.client.write(c, octets("anybody?")), success(8));
  w.settle();
  EXPECT_EQ(w.client.write(c, octets("x")), failure(ECONNREFUSED));
  EXPECT_EQ(w.client.write(c, octets("x")), success(1));
}

TEST_P(DatagramTest, AReaderWaits) {
  s = serving();
  block(w.server, s);
  const Result r = w.server.read(s, buffer);
  EXPECT_TRUE(r.blocked());
  c = datagrams(w.client);
  EXPECT_EQ(w.client.sendto(c, octets("x"), 0, there()), success(1));
  EXPECT_EQ(w.finish(w.server, r), success(1));
}

// XSH shutdown() of a datagram socket: ENOTCONN without a peer; then as of a stream.
TEST_P(DatagramTest, Shutdown) {
  c = datagrams(w.client);
  EXPECT_EQ(w.client.shutdown(c, kShutWr), failure(ENOTCONN));
  EXPECT_EQ(w.client.connect(c, there()), success());
  EXPECT_EQ(w.client.shutdown(c, kShutRdwr), success());
  EXPECT_EQ(w.client.read(c, buffer), success(0));
  EXPECT_EQ(w.client.send(c, octets("x"), kMsgNosignal), failure(EPIPE));
  EXPECT_EQ(seen(w.client, c), kPollIn | kPollOut | kPollRdhup | kPollHup);
}

// An empty datagram is one, and no end of file.
TEST_P(DatagramTest, AnEmptyOne) {
  s = serving();
  c = datagrams(w.client);
  EXPECT_EQ(w.client.sendto(c, {}, 0, there()), success(0));
  w.settle();
  EXPECT_EQ(w.server.read(s, buffer), success(0));
  EXPECT_EQ(w.server.read(s, buffer), failure(EAGAIN));
}

TEST_P(DatagramTest, OptionsAndClosing) {
  s = serving();
  EXPECT_EQ(set(w.server, s, kSolSocket, kSoRcvbuf, 1000), success());
  EXPECT_EQ(get(w.server, s, kSolSocket, kSoRcvbuf), 1000);
  EXPECT_EQ(set(w.server, s, kIpprotoIp, kIpTtl, 3), success());
  c = datagrams(w.client);
  const std::vector<uint8_t> text(600, 'x');
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(w.client.sendto(c, text, 0, there()), success(600));
  }
  w.settle();
  EXPECT_EQ(w.server.read(s, buffer), success(256));
  EXPECT_EQ(w.server.read(s, buffer), failure(EAGAIN));  // the second did not fit
  EXPECT_EQ(w.server.close(s), success());
  EXPECT_EQ(w.server_end.stack.population().datagram_sockets, 0U);
}

INSTANTIATE_TEST_SUITE_P(Families, DatagramTest, ::testing::Values(Family::V4, Family::V6));

}  // namespace rapport::posix
