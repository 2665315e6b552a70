// The numbers are the system's own, where it is Linux.
#include "rapport/socket/posix/constants.hh"

#ifdef __linux__

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace rapport::posix {

TEST(Constants, AreThoseOfTheSystem) {
  EXPECT_EQ(kAfInet, AF_INET);
  EXPECT_EQ(kAfInet6, AF_INET6);
  EXPECT_EQ(kSockStream, int{SOCK_STREAM});
  EXPECT_EQ(kSockDgram, int{SOCK_DGRAM});
  EXPECT_EQ(kSockNonblock, int{SOCK_NONBLOCK});
  EXPECT_EQ(kSockCloexec, int{SOCK_CLOEXEC});
  EXPECT_EQ(kShutRdwr, int{SHUT_RDWR});
  EXPECT_EQ(kMsgOob | kMsgPeek | kMsgTrunc | kMsgDontwait | kMsgEor | kMsgWaitall,
            MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT | MSG_EOR | MSG_WAITALL);
  EXPECT_EQ(kMsgErrqueue | kMsgNosignal | kMsgMore | kMsgCmsgCloexec,
            MSG_ERRQUEUE | MSG_NOSIGNAL | MSG_MORE | MSG_CMSG_CLOEXEC);
  EXPECT_EQ(kONonblock, O_NONBLOCK);
  EXPECT_EQ(kFionread, FIONREAD);
  EXPECT_EQ(kTiocoutq, TIOCOUTQ);
  EXPECT_EQ(kFionbio, FIONBIO);
  EXPECT_EQ(kSiocatmark, SIOCATMARK);
  EXPECT_EQ(kSiocoutqnsd, SIOCOUTQNSD);
}

TEST(Constants, OptionsAreThoseOfTheSystem) {
  EXPECT_EQ(kSolSocket, SOL_SOCKET);
  EXPECT_EQ(kSoReuseaddr, SO_REUSEADDR);
  EXPECT_EQ(kSoReuseport, SO_REUSEPORT);
  EXPECT_EQ(kSoType, SO_TYPE);
  EXPECT_EQ(kSoError, SO_ERROR);
  EXPECT_EQ(kSoSndbuf, SO_SNDBUF);
  EXPECT_EQ(kSoRcvbuf, SO_RCVBUF);
  EXPECT_EQ(kSoKeepalive, SO_KEEPALIVE);
  EXPECT_EQ(kSoOobinline, SO_OOBINLINE);
  EXPECT_EQ(kSoLinger, SO_LINGER);
  EXPECT_EQ(kSoRcvlowat, SO_RCVLOWAT);
  EXPECT_EQ(kSoSndlowat, SO_SNDLOWAT);
  EXPECT_EQ(kSoRcvtimeo, SO_RCVTIMEO);
  EXPECT_EQ(kSoSndtimeo, SO_SNDTIMEO);
  EXPECT_EQ(kSoAcceptconn, SO_ACCEPTCONN);
  EXPECT_EQ(kSoProtocol, SO_PROTOCOL);
  EXPECT_EQ(kSoDomain, SO_DOMAIN);
  EXPECT_EQ(kTcpNodelay, TCP_NODELAY);
  EXPECT_EQ(kTcpMaxseg, TCP_MAXSEG);
  EXPECT_EQ(kTcpCork, TCP_CORK);
  EXPECT_EQ(kTcpKeepidle, TCP_KEEPIDLE);
  EXPECT_EQ(kTcpKeepintvl, TCP_KEEPINTVL);
  EXPECT_EQ(kTcpKeepcnt, TCP_KEEPCNT);
  EXPECT_EQ(kTcpLinger2, TCP_LINGER2);
  EXPECT_EQ(kTcpDeferAccept, TCP_DEFER_ACCEPT);
  EXPECT_EQ(kTcpInfo, TCP_INFO);
  EXPECT_EQ(kTcpQuickack, TCP_QUICKACK);
  EXPECT_EQ(kTcpUserTimeout, TCP_USER_TIMEOUT);
  EXPECT_EQ(kIpTos, IP_TOS);
  EXPECT_EQ(kIpTtl, IP_TTL);
  EXPECT_EQ(kIpv6UnicastHops, IPV6_UNICAST_HOPS);
  EXPECT_EQ(kIpv6V6only, IPV6_V6ONLY);
  EXPECT_EQ(kIpv6Tclass, IPV6_TCLASS);
}

TEST(Constants, EventsAreThoseOfTheSystem) {
  EXPECT_EQ(kPollIn, uint32_t{EPOLLIN});
  EXPECT_EQ(kPollIn, uint32_t{POLLIN});
  EXPECT_EQ(kPollPri, uint32_t{EPOLLPRI});
  EXPECT_EQ(kPollOut, uint32_t{EPOLLOUT});
  EXPECT_EQ(kPollErr, uint32_t{EPOLLERR});
  EXPECT_EQ(kPollHup, uint32_t{EPOLLHUP});
  EXPECT_EQ(kPollNval, uint32_t{POLLNVAL});
  EXPECT_EQ(kPollRdnorm, uint32_t{EPOLLRDNORM});
  EXPECT_EQ(kPollRdband, uint32_t{EPOLLRDBAND});
  EXPECT_EQ(kPollWrnorm, uint32_t{EPOLLWRNORM});
  EXPECT_EQ(kPollWrband, uint32_t{EPOLLWRBAND});
  EXPECT_EQ(kPollRdhup, uint32_t{EPOLLRDHUP});
  EXPECT_EQ(kEpollEt, uint32_t{EPOLLET});
  EXPECT_EQ(kEpollOneshot, uint32_t{EPOLLONESHOT});
  EXPECT_EQ(kEpollExclusive, uint32_t{EPOLLEXCLUSIVE});
  EXPECT_EQ(kEpollCtlAdd, EPOLL_CTL_ADD);
  EXPECT_EQ(kEpollCtlDel, EPOLL_CTL_DEL);
  EXPECT_EQ(kEpollCtlMod, EPOLL_CTL_MOD);
}

}  // namespace rapport::posix

#endif
