// Loss recovery without SACK: duplicate ACKs, NewReno (RFC 6582), limited transmit (RFC 3042).
#pragma once

#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/context.hh"  // IWYU pragma: export

namespace rapport::tcp {

// SND.UNA is about to move to `ack`, acknowledging `text` octets. Returns whether the
// retransmission timer restarts.
bool congestion_acknowledged(Connection& c, Seq ack, ByteCount text, Context& cx);
// An ACK that did not move SND.UNA: counts it when it is a duplicate by RFC 5681 2.
void maybe_duplicate_ack(Connection& c, const Arrival& a, bool window_changed, Context& cx);
// The retransmission timer fired: window, recover, and where to resend from.
void congestion_timed_out(Connection& c, Context& cx);
// All in flight goes out again in segments that fit the path, at once and without a smaller window:
// it was no congestion that lost them (R1191-4, R8201-5).
void resend_for_path(Connection& c, Transfer& x, Context& cx);
// The peer's window is, or was until now, zero: an answered probe keeps the connection (MUST-37).
void window_was_or_is_zero(Connection& c, Context& cx);
[[nodiscard]] Window window_of(Connection& c);

}  // namespace rapport::tcp
