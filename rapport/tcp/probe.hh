// Probes: of a zero window (RFC 9293 3.8.6.1) and of an idle peer (3.8.4), and the reset that gives
// up.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export

namespace rapport::tcp {

void begin_persist(Connection& c, Context& cx);
void persist_times_out(Connection& c, Context& cx);
void send_window_probe(Connection& c, Context& cx);

// Probes only when nothing is outstanding or queued (MUST-26).
[[nodiscard]] bool may_keep_alive(const Connection& c, const Context& cx);
[[nodiscard]] Tick keep_alive_due(const Connection& c, const Context& cx);
void keep_alive_times_out(Connection& c, Context& cx);

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK> (choice 23), at once: the connection ends with it.
void send_reset(Connection& c, Context& cx);

}  // namespace rapport::tcp
