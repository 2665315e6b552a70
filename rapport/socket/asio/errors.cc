// The mapping is that of BSD sockets where they have a word for it.
#include "rapport/socket/asio/errors.hh"

#include "rapport/base/reason.hh"

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {
namespace {

namespace error = boost::asio::error;
namespace errc = boost::system::errc;
using boost::system::error_code;

error_code closed(Role role) {
  switch (role) {
    case Role::Reader: return error::eof;
    case Role::Writer: return error::broken_pipe;
    case Role::Opener: return error::not_connected;
  }
  return error::not_connected;
}

}  // namespace

error_code to_error_code(Error e, Role role) {
  switch (e) {
    case Error::DoesNotExist: return error::bad_descriptor;
    case Error::AlreadyExists: return error::address_in_use;
    case Error::RemoteUnspecified: return error::not_connected;
    case Error::RemoteInvalid: return error::invalid_argument;
    case Error::LocalInvalid:
    case Error::NoFreePort: return make_error_code(errc::address_not_available);
    case Error::InsufficientResources: return error::no_buffer_space;
    case Error::WouldBlock: return error::would_block;
    case Error::Closing: return closed(role);
    case Error::Reset: return error::connection_reset;
    case Error::TimedOut: return error::timed_out;
    case Error::Refused: return error::connection_refused;
    case Error::Aborted: return error::connection_aborted;
    case Error::NotAllowed: return error::access_denied;
    case Error::InvalidArgument: return error::invalid_argument;
    case Error::Unreachable: return error::network_unreachable;
    case Error::MessageTooLong: return error::message_size;
    case Error::kCount: break;
  }
  return error::fault;
}

error_code to_error_code(CloseReason r, Role role) {
  switch (r) {
    case CloseReason::None: return error::not_connected;
    case CloseReason::ClosedByUs:
    case CloseReason::ClosedByPeer:
    case CloseReason::ClosedTogether:
    case CloseReason::ClosedBeforeOpen:
    case CloseReason::ReusedTuple: return closed(role);
    case CloseReason::ResetByPeer:
    case CloseReason::UnreadData:
    case CloseReason::DataAfterClose: return error::connection_reset;
    case CloseReason::Refused: return error::connection_refused;
    case CloseReason::Unreachable: return error::host_unreachable;
    case CloseReason::TimedOut:
    case CloseReason::HandshakeTimedOut:
    case CloseReason::UserTimedOut:
    case CloseReason::KeepAliveTimedOut:
    case CloseReason::OrphanTimedOut:
    case CloseReason::LingerTimedOut: return error::timed_out;
    case CloseReason::AbortedByUs:
    case CloseReason::ListenerClosed:
    case CloseReason::AcceptOverflow:
    case CloseReason::Drained:
    case CloseReason::Evicted: return error::connection_aborted;
    case CloseReason::kCount: break;
  }
  return error::fault;
}

}  // namespace rapport::asio
