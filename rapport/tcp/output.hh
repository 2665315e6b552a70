// What shall I send? The pieces of the one answer (output.cc, acks.cc).
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/tcp/emit.hh"
#include "rapport/wire/options.hh"

#include <cstdint>
#include <optional>

namespace rapport::tcp {

// The window field for the next segment; moves RCV's right edge. Receiver-side silly-window
// avoidance (MUST-39) and no shrinking (SHLD-14) are here.
[[nodiscard]] uint16_t select_window(Connection& c, Context& cx);
// Would a reader's progress be worth an ACK of its own?
[[nodiscard]] bool window_update_is_due(const Connection& c, const Context& cx);
// Adds the SACK blocks of an ACK.
[[gnu::cold]] void sack_blocks(const Connection& c, const Debt& debt, wire::Options& out,
                               const Context& cx);

// Is there anything that a SACK block could tell?
[[nodiscard]] inline bool has_runs(const Connection& c, const Context& cx) {
  return c.sack_on != 0 && c.transfer != kNone && cx.transfers[c.transfer].receive.runs > 0;
}

// The options of a segment with ACK beyond timestamps, which every draft_for() has: SACK blocks.
// `debt`: what caused it, if it is one's own. They live in `room`.
inline void give_options(Draft& d, const Connection& c, const Debt& debt,
                         std::optional<wire::Options>& room, const Context& cx) {
  if (!has_runs(c, cx) && (c.sack_on == 0 || debt.dsack.empty())) return;
  wire::Options& out = room.emplace();
  out.has_timestamps = d.timestamps;
  out.tsval = d.tsval;
  out.tsecr = d.tsecr;
  sack_blocks(c, debt, out, cx);
  d.options = &out;
}

// A segment that acknowledges RCV.NXT has left.
void ack_was_sent(Connection& c, Context& cx);
// A bare ACK of everything in order.
void send_ack(Connection& c, Context& cx);
void pay_debts(Context& cx);

// Text and FIN, again and new. Returns true when more could go out in another round.
bool send_text(Connection& c, Context& cx);

}  // namespace rapport::tcp
