// Initial sequence numbers (RFC 6528), timestamp offsets (RFC 7323 7) and ephemeral ports (RFC
// 6056).
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export

#include <cstdint>
#include <expected>

namespace rapport::tcp {

// ISN = M + F(tuple, key), M a clock of 4 us (MUST-8, MUST-9, SHLD-1, R6528-1). A tuple that is
// opened again before M has moved gets the next number: an ACK of the life before means nothing in
// this one (RFC 9293 3.4.1).
[[nodiscard]] inline Seq initial_sequence_number(FlowHash h, Context& cx) {
  const int64_t m = cx.now.ns / 4'000;
  const auto clock = static_cast<uint32_t>(m);
  Seq isn{holds(Rule::UnpredictableIsn, cx.config) ? h.seed + clock : clock};
  if (cx.last_isn.m == m && cx.last_isn.seed == h.seed) isn = cx.last_isn.number + 1_B;
  cx.last_isn = {m, h.seed, isn};
  return isn;
}

// A random-looking constant per connection (R7323-24).
[[nodiscard]] uint32_t timestamp_offset(const FlowKey& key, const Context& cx);
// Fills key.local_port with a port that makes an unused tuple: double-hash selection, RFC 6056
// 3.3.4. Error::NoFreePort when the whole range is in use.
[[nodiscard]] std::expected<FlowHash, Error> choose_port(FlowKey& key, Context& cx);

}  // namespace rapport::tcp
