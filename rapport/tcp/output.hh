// What shall I send? The pieces of the one answer (output.cc, acks.cc).
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/tcp/emit.hh"
#include "rapport/wire/options.hh"

#include <cstdint>

namespace rapport::tcp {

// The window field for the next segment; moves RCV's right edge. Receiver-side silly-window
// avoidance (MUST-39) and no shrinking (SHLD-14) are here.
[[nodiscard]] uint16_t select_window(Connection& c, Context& cx);
// Would a reader's progress be worth an ACK of its own?
[[nodiscard]] bool window_update_is_due(const Connection& c, const Context& cx);
// Adds the SACK blocks of an ACK.
void sack_blocks(const Connection& c, const Debt& debt, wire::Options& out, const Context& cx);

// Is there anything that a SACK block could tell?
[[nodiscard]] inline bool has_runs(const Connection& c, const Context& cx) {
  return c.sack_on != 0 && c.transfer != kNone && cx.transfers[c.transfer].receive.runs > 0;
}

// Timestamps and SACK blocks of a segment with ACK. `debt`: what caused it, if it is one's own.
inline void ack_options(const Connection& c, const Debt& debt, wire::Options& out,
                        const Context& cx) {
  if (c.timestamps_on != 0) {
    out.has_timestamps = true;
    out.tsval = timestamp_now(c, cx);
    out.tsecr = c.ts_recent;
  }
  if (has_runs(c, cx) || (c.sack_on != 0 && !debt.dsack.empty())) sack_blocks(c, debt, out, cx);
}

// A segment that acknowledges RCV.NXT has left.
void ack_was_sent(Connection& c, Context& cx);
// A bare ACK of everything in order.
void send_ack(Connection& c, Context& cx);
void pay_debts(Context& cx);

// Text and FIN, again and new. Returns true when more could go out in another round.
bool send_text(Connection& c, Context& cx);

}  // namespace rapport::tcp
