// Which errno POSIX gives to what the stack answers (XSH 2.3 and the pages of the calls).
#include "rapport/socket/posix/errors.hh"

#include "rapport/base/reason.hh"

#include <cerrno>

namespace rapport::posix {

int errno_of(Error e) {
  switch (e) {
    case Error::DoesNotExist: return ENOTCONN;
    case Error::AlreadyExists: return EADDRINUSE;
    case Error::RemoteUnspecified: return EDESTADDRREQ;
    case Error::RemoteInvalid: return ENETUNREACH;
    case Error::LocalInvalid: return EADDRNOTAVAIL;
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

int errno_of(CloseReason r) {
  switch (r) {
    case CloseReason::None:
    case CloseReason::ClosedByUs:
    case CloseReason::ClosedByPeer:
    case CloseReason::ClosedTogether:
    case CloseReason::ClosedBeforeOpen:
    case CloseReason::ReusedTuple: return 0;
    case CloseReason::ResetByPeer: return ECONNRESET;
    case CloseReason::Refused: return ECONNREFUSED;
    case CloseReason::TimedOut:
    case CloseReason::HandshakeTimedOut:
    case CloseReason::UserTimedOut:
    case CloseReason::KeepAliveTimedOut:
    case CloseReason::OrphanTimedOut:
    case CloseReason::LingerTimedOut: return ETIMEDOUT;
    case CloseReason::Unreachable: return EHOSTUNREACH;
    default: return ECONNABORTED;
  }
}

CloseReason reason_of(Error e) {
  switch (e) {
    case Error::Reset: return CloseReason::ResetByPeer;
    case Error::Refused: return CloseReason::Refused;
    case Error::TimedOut: return CloseReason::TimedOut;
    case Error::Unreachable: return CloseReason::Unreachable;
    case Error::Closing: return CloseReason::ClosedByUs;
    default: return CloseReason::AbortedByUs;
  }
}

}  // namespace rapport::posix
