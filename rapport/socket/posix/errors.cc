// Which errno POSIX gives to what the stack answers (XSH 2.3 and the pages of the calls).
#include "rapport/socket/posix/errors.hh"

#include "rapport/base/reason.hh"
#include "rapport/wire/icmp_error.hh"

#include <cerrno>

namespace rapport::posix {

int errno_of(Error e) {
  switch (e) {
    case Error::DoesNotExist: return ENOTCONN;
    case Error::AlreadyExists: return EADDRINUSE;
    case Error::RemoteUnspecified: return EDESTADDRREQ;
    case Error::RemoteInvalid: return ENETUNREACH;
    case Error::LocalInvalid:
    case Error::NoFreePort: return EADDRNOTAVAIL;
    case Error::InsufficientResources: return ENOBUFS;
    case Error::WouldBlock: return EAGAIN;
    case Error::Closing: return EPIPE;
    case Error::Reset: return ECONNRESET;
    case Error::TimedOut: return ETIMEDOUT;
    case Error::Refused: return ECONNREFUSED;
    case Error::Aborted: return ECONNABORTED;
    case Error::NotAllowed: return EACCES;
    case Error::Unreachable: return EHOSTUNREACH;
    case Error::MessageTooLong: return EMSGSIZE;
    case Error::InvalidArgument:
    case Error::kCount: break;
  }
  return EINVAL;
}

namespace {

// As Linux maps them; ETIMEDOUT, EHOSTUNREACH and so on are what POSIX has for connect().
int errno_of(wire::IcmpKind k, int otherwise) {
  switch (k) {
    case wire::IcmpKind::NetUnreachable: return ENETUNREACH;
    case wire::IcmpKind::PortUnreachable: return ECONNREFUSED;
    case wire::IcmpKind::ProtocolUnreachable: return ENOPROTOOPT;
    case wire::IcmpKind::SourceRouteFailed: return EOPNOTSUPP;
    case wire::IcmpKind::ParameterProblem: return EPROTO;
    case wire::IcmpKind::HostUnreachable:
    case wire::IcmpKind::AdminProhibited:
    case wire::IcmpKind::TimeExceededTransit:
    case wire::IcmpKind::TimeExceededReassembly: return EHOSTUNREACH;
    default: return otherwise;
  }
}

}  // namespace

int errno_of(CloseReason r, wire::IcmpKind icmp) {
  switch (r) {
    case CloseReason::None:
    case CloseReason::ClosedByUs:
    case CloseReason::ClosedByPeer:
    case CloseReason::ClosedTogether:
    case CloseReason::ClosedBeforeOpen:
    case CloseReason::ReusedTuple: return 0;
    case CloseReason::ResetByPeer: return ECONNRESET;
    case CloseReason::Refused: return ECONNREFUSED;
    case CloseReason::TimedOut: return errno_of(icmp, ETIMEDOUT);  // what R2 knows better
    case CloseReason::Unreachable: return errno_of(icmp, EHOSTUNREACH);
    case CloseReason::HandshakeTimedOut:
    case CloseReason::UserTimedOut:
    case CloseReason::KeepAliveTimedOut:
    case CloseReason::OrphanTimedOut:
    case CloseReason::LingerTimedOut: return ETIMEDOUT;
    default: return ECONNABORTED;
  }
}

}  // namespace rapport::posix
