// The caller's outcomes as boost::system::error_code: the one place above the core that knows
// errno.
#pragma once

#include "rapport/base/reason.hh"

#include <boost/system/error_code.hpp>

namespace rapport::asio {

// What a command answered. Closing is end of file to a reader and EPIPE to a writer.
enum class Role : uint8_t { Reader, Writer, Opener };
[[nodiscard]] boost::system::error_code to_error_code(Error e, Role role);

// How a connection ended, to an operation that still waited or comes too late.
[[nodiscard]] boost::system::error_code to_error_code(CloseReason r, Role role);

}  // namespace rapport::asio
