// Two tables. Where a number has two names, the one that POSIX prefers comes first.
#include "rapport/socket/posix/names.hh"

#include "rapport/socket/posix/constants.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rapport::posix {

namespace {

struct Constant {
  std::string_view name;
  int64_t value;
};

constexpr auto kConstants = std::to_array<Constant>({
    {"AF_UNSPEC", kAfUnspec},
    {"AF_INET", kAfInet},
    {"AF_INET6", kAfInet6},
    {"PF_INET", kAfInet},
    {"PF_INET6", kAfInet6},
    {"SOCK_STREAM", kSockStream},
    {"SOCK_DGRAM", kSockDgram},
    {"SOCK_NONBLOCK", kSockNonblock},
    {"SOCK_CLOEXEC", kSockCloexec},
    {"IPPROTO_IP", kIpprotoIp},
    {"IPPROTO_TCP", kIpprotoTcp},
    {"IPPROTO_UDP", kIpprotoUdp},
    {"IPPROTO_IPV6", kIpprotoIpv6},
    {"SOL_IP", kIpprotoIp},
    {"SOL_TCP", kIpprotoTcp},
    {"SOL_UDP", kIpprotoUdp},
    {"SOL_IPV6", kIpprotoIpv6},
    {"SHUT_RD", kShutRd},
    {"SHUT_WR", kShutWr},
    {"SHUT_RDWR", kShutRdwr},
    {"MSG_OOB", kMsgOob},
    {"MSG_PEEK", kMsgPeek},
    {"MSG_TRUNC", kMsgTrunc},
    {"MSG_DONTWAIT", kMsgDontwait},
    {"MSG_EOR", kMsgEor},
    {"MSG_WAITALL", kMsgWaitall},
    {"MSG_ERRQUEUE", kMsgErrqueue},
    {"MSG_NOSIGNAL", kMsgNosignal},
    {"MSG_MORE", kMsgMore},
    {"MSG_CMSG_CLOEXEC", kMsgCmsgCloexec},
    {"F_GETFD", kFGetfd},
    {"F_SETFD", kFSetfd},
    {"F_GETFL", kFGetfl},
    {"F_SETFL", kFSetfl},
    {"FD_CLOEXEC", kFdCloexec},
    {"O_RDWR", kORdwr},
    {"O_NONBLOCK", kONonblock},
    {"FIONREAD", kFionread},
    {"SIOCINQ", kFionread},
    {"TIOCOUTQ", kTiocoutq},
    {"SIOCOUTQ", kTiocoutq},
    {"FIONWRITE", kTiocoutq},
    {"SIOCOUTQNSD", kSiocoutqnsd},
    {"FIONSPACE", kFionspace},
    {"FIONBIO", kFionbio},
    {"SIOCATMARK", kSiocatmark},
    {"SOL_SOCKET", kSolSocket},
    {"SO_REUSEADDR", kSoReuseaddr},
    {"SO_TYPE", kSoType},
    {"SO_ERROR", kSoError},
    {"SO_SNDBUF", kSoSndbuf},
    {"SO_RCVBUF", kSoRcvbuf},
    {"SO_KEEPALIVE", kSoKeepalive},
    {"SO_OOBINLINE", kSoOobinline},
    {"SO_LINGER", kSoLinger},
    {"SO_REUSEPORT", kSoReuseport},
    {"SO_RCVLOWAT", kSoRcvlowat},
    {"SO_SNDLOWAT", kSoSndlowat},
    {"SO_RCVTIMEO", kSoRcvtimeo},
    {"SO_SNDTIMEO", kSoSndtimeo},
    {"SO_ACCEPTCONN", kSoAcceptconn},
    {"SO_PROTOCOL", kSoProtocol},
    {"SO_DOMAIN", kSoDomain},
    {"TCP_NODELAY", kTcpNodelay},
    {"TCP_MAXSEG", kTcpMaxseg},
    {"TCP_CORK", kTcpCork},
    {"TCP_NOPUSH", kTcpCork},
    {"TCP_KEEPIDLE", kTcpKeepidle},
    {"TCP_KEEPINTVL", kTcpKeepintvl},
    {"TCP_KEEPCNT", kTcpKeepcnt},
    {"TCP_LINGER2", kTcpLinger2},
    {"TCP_DEFER_ACCEPT", kTcpDeferAccept},
    {"TCP_INFO", kTcpInfo},
    {"TCP_QUICKACK", kTcpQuickack},
    {"TCP_USER_TIMEOUT", kTcpUserTimeout},
    {"IP_TOS", kIpTos},
    {"IP_TTL", kIpTtl},
    {"IPV6_UNICAST_HOPS", kIpv6UnicastHops},
    {"IPV6_V6ONLY", kIpv6V6only},
    {"IPV6_TCLASS", kIpv6Tclass},
    {"POLLIN", kPollIn},
    {"POLLPRI", kPollPri},
    {"POLLOUT", kPollOut},
    {"POLLERR", kPollErr},
    {"POLLHUP", kPollHup},
    {"POLLNVAL", kPollNval},
    {"POLLRDNORM", kPollRdnorm},
    {"POLLRDBAND", kPollRdband},
    {"POLLWRNORM", kPollWrnorm},
    {"POLLWRBAND", kPollWrband},
    {"POLLRDHUP", kPollRdhup},
    {"EPOLLIN", kPollIn},
    {"EPOLLPRI", kPollPri},
    {"EPOLLOUT", kPollOut},
    {"EPOLLERR", kPollErr},
    {"EPOLLHUP", kPollHup},
    {"EPOLLRDNORM", kPollRdnorm},
    {"EPOLLRDBAND", kPollRdband},
    {"EPOLLWRNORM", kPollWrnorm},
    {"EPOLLWRBAND", kPollWrband},
    {"EPOLLRDHUP", kPollRdhup},
    {"EPOLLEXCLUSIVE", kEpollExclusive},
    {"EPOLLWAKEUP", kEpollWakeup},
    {"EPOLLONESHOT", kEpollOneshot},
    {"EPOLLET", kEpollEt},
    {"EPOLL_CTL_ADD", kEpollCtlAdd},
    {"EPOLL_CTL_DEL", kEpollCtlDel},
    {"EPOLL_CTL_MOD", kEpollCtlMod},
    {"EPOLL_CLOEXEC", kEpollCloexec},
    {"TCPI_OPT_TIMESTAMPS", 1},
    {"TCPI_OPT_SACK", 2},
    {"TCPI_OPT_WSCALE", 4},
    {"TCPI_OPT_ECN", 8},
    // Linux' states
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
});

// FreeBSD's, after TCPS_ or TCPI_.
constexpr auto kFreeBsdStates = std::to_array<Constant>({
    {"CLOSED", 0},
    {"LISTEN", 1},
    {"SYN_SENT", 2},
    {"SYN_RECEIVED", 3},
    {"ESTABLISHED", 4},
    {"CLOSE_WAIT", 5},
    {"FIN_WAIT_1", 6},
    {"CLOSING", 7},
    {"LAST_ACK", 8},
    {"FIN_WAIT_2", 9},
    {"TIME_WAIT", 10},
});

struct Errno {
  std::string_view name;
  int number;
};

constexpr auto kErrnos = std::to_array<Errno>({
    {"EACCES", EACCES},
    {"EADDRINUSE", EADDRINUSE},
    {"EADDRNOTAVAIL", EADDRNOTAVAIL},
    {"EAFNOSUPPORT", EAFNOSUPPORT},
    {"EAGAIN", EAGAIN},
    {"EALREADY", EALREADY},
    {"EBADF", EBADF},
    {"ECONNABORTED", ECONNABORTED},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ECONNRESET", ECONNRESET},
    {"EDESTADDRREQ", EDESTADDRREQ},
    {"EDOM", EDOM},
    {"EEXIST", EEXIST},
    {"EFAULT", EFAULT},
    {"EHOSTUNREACH", EHOSTUNREACH},
    {"EINPROGRESS", EINPROGRESS},
    {"EINTR", EINTR},
    {"EINVAL", EINVAL},
    {"EISCONN", EISCONN},
    {"EMFILE", EMFILE},
    {"EMSGSIZE", EMSGSIZE},
    {"ENETUNREACH", ENETUNREACH},
    {"ENOBUFS", ENOBUFS},
    {"ENOENT", ENOENT},
    {"ENOMEM", ENOMEM},
    {"ENOPROTOOPT", ENOPROTOOPT},
    {"ENOTCONN", ENOTCONN},
    {"ENOTSOCK", ENOTSOCK},
    {"ENOTTY", ENOTTY},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"EPERM", EPERM},
    {"EPIPE", EPIPE},
    {"EPROTO", EPROTO},
    {"EPROTONOSUPPORT", EPROTONOSUPPORT},
    {"EPROTOTYPE", EPROTOTYPE},
    {"ETIMEDOUT", ETIMEDOUT},
    {"EWOULDBLOCK", EWOULDBLOCK},
    {"ENOTSUP", ENOTSUP},
});

template <class Table>
std::optional<int64_t> look_up(const Table& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Constant::name);
  return found == table.end() ? std::nullopt : std::optional{found->value};
}

}  // namespace

std::optional<int64_t> find_constant(std::string_view name) {
  if (const auto value = look_up(kConstants, name)) return value;
  if (name.starts_with("TCPS_") || name.starts_with("TCPI_")) {
    return look_up(kFreeBsdStates, name.substr(5));
  }
  return std::nullopt;
}

std::optional<int> find_errno(std::string_view name) {
  const auto found = std::ranges::find(kErrnos, name, &Errno::name);
  return found == kErrnos.end() ? std::nullopt : std::optional{found->number};
}

std::string_view errno_name(int number) {
  const auto found = std::ranges::find(kErrnos, number, &Errno::number);
  return found == kErrnos.end() ? std::string_view{} : found->name;
}

}  // namespace rapport::posix
