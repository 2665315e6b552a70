// Text of a segment whose header alone has been checked: summed, and where it is surely the next
// text of a connection that takes it, copied to its place in the same pass.
// Nothing else may be touched before the sum is known to be right.
#pragma once

#include "rapport/tcp/connection_table.hh"
#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/wire/tcp.hh"

namespace rapport::tcp {

// Whether the checksum of a segment that belongs to `e` is right (MUST-3). `seg` is verified then,
// and `in_place` when its text lies in the receive queue beyond RCV.NXT.
[[nodiscard]] bool text_is_right(Entry e, wire::Segment& seg, Context& cx);

}  // namespace rapport::tcp
