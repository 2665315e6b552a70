// How TCP options lie in a header, inside wire/ only: every option that we send fills whole 32-bit
// words once NOPs stand before it, so that they are written, and summed, word by word from
// registers. EOL is never needed (RFC 9293 3.1, RFC 7323 appendix A).
#pragma once

#include "rapport/wire/options.hh"
#include "rapport/wire/word_writer.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::wire {

inline constexpr uint8_t kind_end = 0, kind_nop = 1, kind_mss = 2, kind_window_scale = 3,
                         kind_sack_permitted = 4, kind_sack = 5, kind_timestamps = 8;
inline constexpr uint32_t max_option_octets = 40;
// NOP, NOP, Timestamps, length 10: the usual first word of a segment after the handshake.
inline constexpr uint32_t nop_nop_timestamps = 0x0101080a;

// What the options before the SACK blocks take.
[[nodiscard]] inline uint32_t fixed_option_length(const Options& o) {
  uint32_t n = 0;
  if (o.has_mss) n += 4;
  if (o.has_timestamps) {
    n += 12;  // SACK-permitted, or two NOPs, fill the two octets before
  } else if (o.sack_permitted) {
    n += 4;
  }
  if (o.has_window_scale) n += 4;
  return n;
}

// How many of the SACK blocks fit behind them (RFC 2018 3: at most 4, 3 beside timestamps).
[[nodiscard]] inline uint32_t sack_blocks_that_fit(const Options& o, uint32_t before) {
  const uint32_t room = before + 4 < max_option_octets ? (max_option_octets - before - 4) / 8 : 0;
  return std::min({uint32_t{o.sack_count}, uint32_t{kMaxSackBlocks}, room});
}

inline void put_option_words(WordWriter& w, const Options& o) {
  if (o.has_mss) w.put(uint32_t{kind_mss} << 24 | 4U << 16 | o.mss);
  if (o.has_timestamps) {
    w.put(o.sack_permitted ? uint32_t{0x0402080a} : nop_nop_timestamps);
    w.put(o.tsval);
    w.put(o.tsecr);
  } else if (o.sack_permitted) {
    w.put(0x01010402);
  }
  if (o.has_window_scale) w.put(0x01030300U | o.window_scale);
  if (o.sack_count == 0) return;
  const uint32_t blocks = sack_blocks_that_fit(o, fixed_option_length(o));
  if (blocks == 0) return;
  w.put(0x01010500U | (2 + 8 * blocks));
  for (uint32_t i = 0; i < blocks; ++i) {
    w.put(o.sack[i].left.v);
    w.put(o.sack[i].right.v);
  }
}

}  // namespace rapport::wire
