// What a handshake offers and agrees on: MSS, window scale, SACK, timestamps (RFC 9293 3.7.1, 7323,
// 2018, 6691; the exact rules are in docs/rules and connection-life 1.4).
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/wire/options.hh"

#include <cstdint>

namespace rapport::tcp {

// Whoever asks for less would have us send headers only.
inline constexpr uint16_t kLeastMss = 64;

// MTU minus the fixed headers, options not deducted (U-20), or the clamp if that is less.
[[nodiscard]] uint16_t offered_mss(const FlowKey& key, const ConnectionOptions& o,
                                   const Context& cx);
// The smallest shift with which a window of `buffer` octets can be told.
[[nodiscard]] uint8_t shift_for(ByteCount buffer);
// Largest text of a segment: min(peer's MSS or the default, ours, the clamp) (MUST-15, MUST-16).
[[nodiscard]] uint16_t agreed_mss(const FlowKey& key, uint16_t peer_mss, const ConnectionOptions& o,
                                  const Context& cx);
// The options of our SYN.
[[nodiscard]] wire::Options syn_options(const Connection& c, Context& cx);
// The options of a SYN,ACK: only what the SYN had, MSS always (SA-LISTEN-14).
[[nodiscard]] wire::Options syn_ack_options(const Connection& c, Context& cx);
// Takes the peer's SYN options into the connection; `offered` says what ours had.
void agree(Connection& c, const wire::Options& theirs, Context& cx);

}  // namespace rapport::tcp
