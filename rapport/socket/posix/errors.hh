// The stack's errors and reasons in errno's words.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/wire/icmp_error.hh"

namespace rapport::posix {

// What a call answers when the stack refuses it. WouldBlock is no errno: EAGAIN.
[[nodiscard]] int errno_of(Error e);
// SO_ERROR of a connection that ended so; 0: by the book. `icmp`: what ICMP has told of it last.
[[nodiscard]] int errno_of(CloseReason r, wire::IcmpKind icmp);

}  // namespace rapport::posix
