// The stack's errors and reasons in errno's words.
#pragma once

#include "rapport/base/reason.hh"

namespace rapport::posix {

// What a call answers when the stack refuses it. WouldBlock is no errno: EAGAIN.
[[nodiscard]] int errno_of(Error e);
// SO_ERROR of a connection that ended so; 0: by the book.
[[nodiscard]] int errno_of(CloseReason r);
// Why a connection ended, told from what a call on it answered.
[[nodiscard]] CloseReason reason_of(Error e);

}  // namespace rapport::posix
