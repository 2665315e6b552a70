// getsockopt(), setsockopt(), TCP_INFO, fcntl(): every option that is offered, its bounds, and
// those that are not offered (XSH 2.10.16, tcp(7), ip(7)).
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/errors.hh"
#include "rapport/socket/posix/names.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/tcp_info.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/wire/icmp_error.hh"
#include "world.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::posix {

class OptionsTest : public PosixTest {};

// An option whose value is an int, and values that it takes and refuses.
struct IntOption {
  std::string_view name;
  int level, option;
  int initial;
  std::vector<int> taken, refused;
};

const std::vector<IntOption> kIntOptions{
    {"SO_REUSEADDR", kSolSocket, kSoReuseaddr, 0, {1, 0}, {}},
    {"SO_REUSEPORT", kSolSocket, kSoReuseport, 0, {1, 0}, {}},
    {"SO_KEEPALIVE", kSolSocket, kSoKeepalive, 0, {1, 0}, {}},
    {"SO_OOBINLINE", kSolSocket, kSoOobinline, 1, {1}, {0}},
    {"SO_RCVBUF", kSolSocket, kSoRcvbuf, 256 << 10, {1, 4096, 16 << 20}, {0, -1}},
    {"SO_SNDBUF", kSolSocket, kSoSndbuf, 256 << 10, {1, 4096, 16 << 20}, {0, -1}},
    {"SO_RCVLOWAT", kSolSocket, kSoRcvlowat, 1, {5, 1}, {}},
    {"SO_SNDLOWAT", kSolSocket, kSoSndlowat, 1, {5, 1}, {}},
    {"TCP_NODELAY", kIpprotoTcp, kTcpNodelay, 0, {1, 0}, {}},
    {"TCP_CORK", kIpprotoTcp, kTcpCork, 0, {1, 0}, {}},
    {"TCP_QUICKACK", kIpprotoTcp, kTcpQuickack, 0, {1, 0}, {}},
    {"TCP_MAXSEG", kIpprotoTcp, kTcpMaxseg, 536, {64, 1000}, {0, 63, 40'000}},
    {"TCP_KEEPIDLE", kIpprotoTcp, kTcpKeepidle, 7200, {1, 32'767}, {0, 32'768}},
    {"TCP_KEEPINTVL", kIpprotoTcp, kTcpKeepintvl, 75, {1, 32'767}, {0, 32'768}},
    {"TCP_KEEPCNT", kIpprotoTcp, kTcpKeepcnt, 9, {1, 127}, {0, 128}},
    {"TCP_USER_TIMEOUT", kIpprotoTcp, kTcpUserTimeout, 0, {5000, 0}, {-1}},
    {"IP_TOS", kIpprotoIp, kIpTos, 0, {0x28, 0xb8, 0}, {256, -2}},
    {"IP_TTL", kIpprotoIp, kIpTtl, 64, {1, 255, 64}, {0, 256, -2}},
    {"IPV6_TCLASS", kIpprotoIpv6, kIpv6Tclass, 0, {0x28, 0}, {256, -2}},
    {"IPV6_UNICAST_HOPS", kIpprotoIpv6, kIpv6UnicastHops, 64, {1, 255}, {0, 256, -2}},
    {"IPV6_V6ONLY", kIpprotoIpv6, kIpv6V6only, 0, {0}, {}},
};

TEST_F(OptionsTest, EachIsReadBackAsItWasSet) {
  const int fd = stream(w.client, Family::V6);
  for (const IntOption& o : kIntOptions) {
    SCOPED_TRACE(o.name);
    EXPECT_EQ(find_constant(o.name), o.option);
    EXPECT_EQ(get(w.client, fd, o.level, o.option), o.initial);
    for (const int v : o.taken) {
      EXPECT_EQ(set(w.client, fd, o.level, o.option, v), success());
      EXPECT_EQ(get(w.client, fd, o.level, o.option), v);
    }
    for (const int v : o.refused) {
      EXPECT_EQ(set(w.client, fd, o.level, o.option, v), failure(EINVAL)) << v;
    }
    EXPECT_EQ(get(w.client, fd, o.level, o.option), o.taken.back());
  }
}

// The same while a connection is open: the stack hears of it.
TEST_F(OptionsTest, EachMayBeSetWhileConnected) {
  open(Family::V6);
  for (const IntOption& o : kIntOptions) {
    SCOPED_TRACE(o.name);
    for (const int v : o.taken) EXPECT_EQ(set(w.client, c, o.level, o.option, v), success());
  }
  const auto status = w.client_end.stack.command(tcp::GetStatus{w.client.handle_of(c)}, w.now);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->options.keep_alive_probes, 127);
  EXPECT_EQ(status->options.ttl, 255);
}

// XSH getsockopt(): what can only be read, and ENOPROTOOPT for setting it.
TEST_F(OptionsTest, QuestionsOnly) {
  l = listening();
  const int d = static_cast<int>(w.server.socket(kAfInet6, kSockDgram, 0).value);
  EXPECT_EQ(get(w.server, l, kSolSocket, kSoType), kSockStream);
  EXPECT_EQ(get(w.server, d, kSolSocket, kSoType), kSockDgram);
  EXPECT_EQ(get(w.server, l, kSolSocket, kSoProtocol), kIpprotoTcp);
  EXPECT_EQ(get(w.server, d, kSolSocket, kSoProtocol), kIpprotoUdp);
  EXPECT_EQ(get(w.server, l, kSolSocket, kSoDomain), kAfInet);
  EXPECT_EQ(get(w.server, d, kSolSocket, kSoDomain), kAfInet6);
  EXPECT_EQ(get(w.server, l, kSolSocket, kSoAcceptconn), 1);
  EXPECT_EQ(get(w.server, d, kSolSocket, kSoAcceptconn), 0);
  EXPECT_EQ(get(w.server, l, kIpprotoTcp, kTcpLinger2), 60);
  for (const int o : {kSoType, kSoProtocol, kSoDomain, kSoAcceptconn, kSoError}) {
    EXPECT_EQ(set(w.server, l, kSolSocket, o, 1), failure(ENOPROTOOPT));
  }
  EXPECT_EQ(set(w.server, l, kIpprotoTcp, kTcpLinger2, 1), failure(ENOPROTOOPT));
}

// XSH: ENOPROTOOPT for what is not offered; EINVAL for a value that is too short.
TEST_F(OptionsTest, NotOffered) {
  const int fd = stream(w.client);
  const int d = static_cast<int>(w.client.socket(kAfInet, kSockDgram, 0).value);
  EXPECT_EQ(get(w.client, fd, kIpprotoTcp, kTcpDeferAccept), -ENOPROTOOPT);
  EXPECT_EQ(set(w.client, fd, kIpprotoTcp, kTcpDeferAccept, 1), failure(ENOPROTOOPT));
  EXPECT_EQ(set(w.client, fd, kIpprotoIpv6, kIpv6Tclass, 1), failure(ENOPROTOOPT));
  EXPECT_EQ(set(w.client, d, kIpprotoTcp, kTcpNodelay, 1), failure(ENOPROTOOPT));
  EXPECT_EQ(set(w.client, fd, 77, 1, 1), failure(ENOPROTOOPT));
  EXPECT_EQ(set(w.client, stream(w.client, Family::V6), kIpprotoIpv6, kIpv6V6only, 1),
            failure(ENOPROTOOPT));
  const std::array<uint8_t, 2> little{};
  EXPECT_EQ(w.client.setsockopt(fd, kSolSocket, kSoKeepalive, std::span(little)), failure(EINVAL));
  EXPECT_EQ(w.client.setsockopt(fd, kSolSocket, kSoLinger, std::span(little)), failure(EINVAL));
  EXPECT_EQ(w.client.setsockopt(fd, kSolSocket, kSoRcvtimeo, std::span(little)), failure(EINVAL));
}

// XSH getsockopt(): the value is cut to the room that there is, and the length says so.
TEST_F(OptionsTest, LittleRoomForTheValue) {
  const int fd = stream(w.client);
  std::array<uint8_t, 8> value{};
  uint32_t length = 8;
  EXPECT_EQ(w.client.getsockopt(fd, kSolSocket, kSoType, value, length), success());
  EXPECT_EQ(length, 4U);
  length = 1;
  EXPECT_EQ(w.client.getsockopt(fd, kSolSocket, kSoType, value, length), success());
  EXPECT_EQ(length, 1U);
}

TEST_F(OptionsTest, LingerAndTimes) {
  const int fd = stream(w.client);
  EXPECT_EQ(w.client.setsockopt(fd, kSolSocket, kSoLinger, Linger{1, 7}), success());
  Linger linger;
  EXPECT_EQ(w.client.getsockopt(fd, kSolSocket, kSoLinger, linger), success());
  EXPECT_EQ(linger.onoff, 1);
  EXPECT_EQ(linger.linger, 7);
  for (const int o : {kSoRcvtimeo, kSoSndtimeo}) {
    EXPECT_EQ(w.client.setsockopt(fd, kSolSocket, o, TimeValue{3, 250'000}), success());
    TimeValue t;
    EXPECT_EQ(w.client.getsockopt(fd, kSolSocket, o, t), success());
    EXPECT_EQ(t.seconds, 3);
    EXPECT_EQ(t.microseconds, 250'000);
    EXPECT_EQ(w.client.setsockopt(fd, kSolSocket, o, TimeValue{0, 1'000'000}), failure(EDOM));
    EXPECT_EQ(w.client.setsockopt(fd, kSolSocket, o, TimeValue{-1, 0}), failure(EDOM));
  }
}

// A DSCP that this stack does not permit (UC-OPEN-06).
TEST_F(OptionsTest, DiffservOutOfBounds) {
  stack::Config c1 = World::config_of(1);
  c1.tcp.permitted_dscp = 1;
  World strict(c1, World::config_of(2));
  const int fd = stream(strict.client);
  EXPECT_EQ(set(strict.client, fd, kIpprotoIp, kIpTos, 0xb8), failure(EACCES));
}

// What a listener's options are, its children's are too.
TEST_F(OptionsTest, ChildrenInherit) {
  l = stream(w.server, Family::V4, kSockNonblock);
  EXPECT_EQ(set(w.server, l, kIpprotoTcp, kTcpNodelay, 1), success());
  EXPECT_EQ(set(w.server, l, kSolSocket, kSoRcvlowat, 3), success());
  EXPECT_EQ(w.server.bind(l, server_address()), success());
  EXPECT_EQ(w.server.listen(l, 1), success());
  EXPECT_EQ(set(w.server, l, kIpprotoTcp, kTcpKeepcnt, 5), success());
  c = stream(w.client);
  EXPECT_EQ(w.finish(w.client, w.client.connect(c, server_address())), success());
  s = static_cast<int>(w.server.accept(l).value);
  EXPECT_EQ(get(w.server, s, kIpprotoTcp, kTcpNodelay), 1);
  EXPECT_EQ(get(w.server, s, kSolSocket, kSoRcvlowat), 3);
  EXPECT_EQ(get(w.server, s, kIpprotoTcp, kTcpKeepcnt), 5);
}

// XSH fcntl(), ioctl(): O_NONBLOCK by either name.
TEST_F(OptionsTest, FileFlags) {
  const int fd = stream(w.client);
  EXPECT_EQ(w.client.fcntl(fd, kFGetfl), success(kORdwr));
  EXPECT_EQ(w.client.fcntl(fd, kFSetfl, kORdwr | kONonblock), success());
  EXPECT_EQ(w.client.fcntl(fd, kFGetfl), success(kORdwr | kONonblock));
  int off = 0;
  EXPECT_EQ(w.client.ioctl(fd, kFionbio, off), success());
  EXPECT_EQ(w.client.fcntl(fd, kFGetfl), success(kORdwr));
  EXPECT_EQ(w.client.fcntl(fd, kFSetfd, kFdCloexec), success());
  EXPECT_EQ(w.client.fcntl(fd, kFGetfd), success(kFdCloexec));
  EXPECT_EQ(w.client.fcntl(fd, 77), failure(EINVAL));
}

// --- TCP_INFO -----------------------------------------------------------------------------------

class TcpInfoTest : public PosixTest {
 protected:
  static TcpInfo info(Sockets& who, int fd) {
    TcpInfo i;
    EXPECT_EQ(who.getsockopt(fd, kIpprotoTcp, kTcpInfo, i), success());
    return i;
  }

  // The state in both systems' numbers, by their names.
  static void expect_state(const TcpInfo& i, std::string_view linux, std::string_view bsd) {
    EXPECT_EQ(tcp_info_field(i, "tcpi_state", InfoDialect::Linux), find_constant(linux)) << linux;
    EXPECT_EQ(tcp_info_field(i, "tcpi_state", InfoDialect::FreeBsd), find_constant(bsd)) << bsd;
  }
};

TEST_F(TcpInfoTest, StatesInBothNumberings) {
  const int fresh = stream(w.client);
  expect_state(info(w.client, fresh), "TCP_CLOSE", "TCPS_CLOSED");
  open();
  expect_state(info(w.server, l), "TCP_LISTEN", "TCPS_LISTEN");
  expect_state(info(w.client, c), "TCP_ESTABLISHED", "TCPI_ESTABLISHED");
  const int other = stream(w.client, Family::V4, kSockNonblock);
  EXPECT_EQ(w.client.connect(other, server_address()), failure(EINPROGRESS));
  expect_state(info(w.client, other), "TCP_SYN_SENT", "TCPS_SYN_SENT");
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  expect_state(info(w.client, c), "TCP_FIN_WAIT1", "TCPS_FIN_WAIT_1");
  w.settle();
  expect_state(info(w.client, c), "TCP_FIN_WAIT2", "TCPS_FIN_WAIT_2");
  expect_state(info(w.server, s), "TCP_CLOSE_WAIT", "TCPS_CLOSE_WAIT");
  EXPECT_EQ(w.server.shutdown(s, kShutWr), success());
  expect_state(info(w.server, s), "TCP_LAST_ACK", "TCPS_LAST_ACK");
  w.settle();
  expect_state(info(w.client, c), "TCP_TIME_WAIT", "TCPS_TIME_WAIT");
}

TEST_F(TcpInfoTest, BothCloseAtOnce) {
  open();
  w.lose_to_client = lose_all;
  EXPECT_EQ(w.client.shutdown(c, kShutWr), success());
  EXPECT_EQ(w.server.shutdown(s, kShutWr), success());
  (void)w.server_end.stack.next_frame();  // its FIN is out, and lost
  w.settle();
  expect_state(info(w.server, s), "TCP_CLOSING", "TCPS_CLOSING");
}

TEST_F(TcpInfoTest, Numbers) {
  open();
  EXPECT_EQ(set(w.client, c, kIpprotoTcp, kTcpNodelay, 1), success());
  const std::vector<uint8_t> much(3000, 'm');
  EXPECT_EQ(w.client.write(c, much), success(3000));
  w.lose_to_client = lose_all;
  w.settle();
  const TcpInfo i = info(w.client, c);
  EXPECT_EQ(i.options, 7);
  EXPECT_EQ(i.snd_mss, 1448U);
  EXPECT_EQ(get(w.client, c, kIpprotoTcp, kTcpMaxseg), 1448);
  EXPECT_EQ(i.unacked, 3U);
  EXPECT_EQ(i.snd_cwnd, 10U);
  EXPECT_EQ(i.cwnd_octets, 14'600U);
  EXPECT_EQ(i.snd_ssthresh, 0x7fffffffU);
  EXPECT_EQ(i.snd_wscale, i.rcv_wscale);
  EXPECT_EQ(i.notsent_bytes, 0U);
  EXPECT_GE(i.rto, 200'000U);
  w.run_for(1_s);
  EXPECT_GE(info(w.client, c).retransmits, 1);
  w.lose_to_client = nullptr;
  w.run_for(10_s);
  EXPECT_EQ(info(w.client, c).bytes_acked, 3000U);
  EXPECT_EQ(info(w.server, s).bytes_received, 3000U);
  EXPECT_LT(info(w.client, c).snd_ssthresh, 0x7fffffffU);
}

// What is not known is no zero.
TEST_F(TcpInfoTest, UnknownFields) {
  const TcpInfo i;
  EXPECT_EQ(tcp_info_field(i, "tcpi_total_retrans", InfoDialect::Linux), std::nullopt);
  EXPECT_TRUE(is_tcp_info_field("tcpi_total_retrans"));
  EXPECT_FALSE(is_tcp_info_field("tcpi_no_such_thing"));
  EXPECT_EQ(tcp_info_field(i, "tcpi_unacked", InfoDialect::FreeBsd), std::nullopt);
  EXPECT_TRUE(tcp_info_field(i, "tcpi_unacked", InfoDialect::Linux));
}

// --- names and errors ---------------------------------------------------------------------------

TEST(Names, ErrnoByNameAndNumber) {
  EXPECT_EQ(find_errno("ECONNRESET"), ECONNRESET);
  EXPECT_EQ(find_errno("EWOULDBLOCK"), EAGAIN);
  EXPECT_EQ(errno_name(EAGAIN), "EAGAIN");
  EXPECT_EQ(find_errno("ENOSUCHTHING"), std::nullopt);
  EXPECT_EQ(errno_name(4711), "");
  EXPECT_EQ(find_constant("NO_SUCH_THING"), std::nullopt);
  EXPECT_EQ(find_constant("TCPI_OPT_SACK"), 2);
}

// What ICMP told decides which errno it is (RFC 1122 4.2.3.9).
TEST(Errors, WhyAConnectionEnded) {
  using enum wire::IcmpKind;
  EXPECT_EQ(errno_of(CloseReason::ClosedByPeer, Unknown), 0);
  EXPECT_EQ(errno_of(CloseReason::Unreachable, PortUnreachable), ECONNREFUSED);
  EXPECT_EQ(errno_of(CloseReason::Unreachable, NetUnreachable), ENETUNREACH);
  EXPECT_EQ(errno_of(CloseReason::Unreachable, HostUnreachable), EHOSTUNREACH);
  EXPECT_EQ(errno_of(CloseReason::TimedOut, Unknown), ETIMEDOUT);
  EXPECT_EQ(errno_of(CloseReason::TimedOut, HostUnreachable), EHOSTUNREACH);
  EXPECT_EQ(errno_of(CloseReason::KeepAliveTimedOut, HostUnreachable), ETIMEDOUT);
  EXPECT_EQ(errno_of(CloseReason::Evicted, Unknown), ECONNABORTED);
}

}  // namespace rapport::posix
