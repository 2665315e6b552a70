// The numbers behind the names of POSIX that this facade knows, as Linux has them, so that programs
// written for <sys/socket.h> may pass theirs. They are no macros: both may be included. By name, as
// scripts have them: names.hh. errno's values are those of <cerrno>.
#pragma once

#include <cstdint>

namespace rapport::posix {

// --- socket() ---
inline constexpr int kAfUnspec = 0, kAfInet = 2, kAfInet6 = 10;
inline constexpr int kSockStream = 1, kSockDgram = 2;
inline constexpr int kSockNonblock = 0x800, kSockCloexec = 0x80000;
inline constexpr int kIpprotoIp = 0, kIpprotoTcp = 6, kIpprotoUdp = 17, kIpprotoIpv6 = 41;

// --- shutdown() ---
inline constexpr int kShutRd = 0, kShutWr = 1, kShutRdwr = 2;

// --- flags of send() and recv() ---
inline constexpr int kMsgOob = 1, kMsgPeek = 2, kMsgTrunc = 0x20, kMsgDontwait = 0x40;
inline constexpr int kMsgEor = 0x80, kMsgWaitall = 0x100, kMsgErrqueue = 0x2000;
inline constexpr int kMsgNosignal = 0x4000, kMsgMore = 0x8000, kMsgCmsgCloexec = 0x40000000;

// --- fcntl(), ioctl() ---
inline constexpr int kFGetfd = 1, kFSetfd = 2, kFGetfl = 3, kFSetfl = 4;
inline constexpr int kFdCloexec = 1, kORdwr = 2, kONonblock = 0x800;
inline constexpr int kFionread = 0x541b;        // SIOCINQ: octets to be read
inline constexpr int kTiocoutq = 0x5411;        // SIOCOUTQ, FIONWRITE: octets not yet acknowledged
inline constexpr int kSiocoutqnsd = 0x894b;     // octets not yet sent
inline constexpr int kFionspace = 0x4004'6676;  // FreeBSD's: room in the send buffer
inline constexpr int kFionbio = 0x5421, kSiocatmark = 0x8905;

// --- SOL_SOCKET ---
inline constexpr int kSolSocket = 1;
inline constexpr int kSoReuseaddr = 2, kSoType = 3, kSoError = 4, kSoSndbuf = 7, kSoRcvbuf = 8;
inline constexpr int kSoKeepalive = 9, kSoOobinline = 10, kSoLinger = 13, kSoReuseport = 15;
inline constexpr int kSoRcvlowat = 18, kSoSndlowat = 19, kSoRcvtimeo = 20, kSoSndtimeo = 21;
inline constexpr int kSoAcceptconn = 30, kSoProtocol = 38, kSoDomain = 39;

// --- IPPROTO_TCP ---
inline constexpr int kTcpNodelay = 1, kTcpMaxseg = 2, kTcpCork = 3, kTcpKeepidle = 4;
inline constexpr int kTcpKeepintvl = 5, kTcpKeepcnt = 6, kTcpLinger2 = 8, kTcpDeferAccept = 9;
inline constexpr int kTcpInfo = 11, kTcpQuickack = 12, kTcpUserTimeout = 18;

// --- IPPROTO_IP, IPPROTO_IPV6 ---
inline constexpr int kIpTos = 1, kIpTtl = 2;
inline constexpr int kIpv6UnicastHops = 16, kIpv6V6only = 26, kIpv6Tclass = 67;

// --- poll(), epoll: EPOLLIN is POLLIN and so on ---
inline constexpr uint32_t kPollIn = 1, kPollPri = 2, kPollOut = 4, kPollErr = 8, kPollHup = 0x10;
inline constexpr uint32_t kPollNval = 0x20, kPollRdnorm = 0x40, kPollRdband = 0x80;
inline constexpr uint32_t kPollWrnorm = 0x100, kPollWrband = 0x200, kPollRdhup = 0x2000;
inline constexpr uint32_t kEpollExclusive = 1U << 28, kEpollWakeup = 1U << 29;
inline constexpr uint32_t kEpollOneshot = 1U << 30, kEpollEt = 1U << 31;
inline constexpr int kEpollCtlAdd = 1, kEpollCtlDel = 2, kEpollCtlMod = 3;
inline constexpr int kEpollCloexec = 0x80000;

}  // namespace rapport::posix
