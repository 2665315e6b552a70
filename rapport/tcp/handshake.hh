// SYN-SENT, and the SYN that a Connection sends (RFC 9293 3.10.7.3).
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export

namespace rapport::tcp {

void segment_arrives_in_syn_sent(Connection& c, const wire::Segment& seg, Context& cx);
// Sends the SYN or SYN,ACK that is owed.
void send_syn(Connection& c, Context& cx);
// The window field of a SYN: literal, at most 65535 (R7323-4). Sets RCV's right edge.
[[nodiscard]] uint16_t syn_window(Connection& c, Context& cx);

}  // namespace rapport::tcp
