// TCP options as values (RFC 9293 3.1, 7323, 2018, 2883). Reading never fails as a whole: an
// illegal length ends the reading, keeps what was read and is reported (choice 21, MUST-7).
#pragma once

#include "rapport/base/seq.hh"

#include <array>
#include <cstdint>
#include <span>

namespace rapport::wire {

inline constexpr uint8_t kMaxShift = 14;  // RFC 7323 2.3
inline constexpr int kMaxSackBlocks = 4;  // what 40 octets of options can hold

struct SackBlock {
  Seq left, right;  // [left, right)
  friend constexpr bool operator==(SackBlock, SackBlock) = default;
};

// Absent options are false / zero counts.
struct Options {
  bool has_mss = false;
  bool has_window_scale = false;
  bool sack_permitted = false;
  bool has_timestamps = false;
  bool malformed = false;    // reading stopped at an illegal length
  uint8_t window_scale = 0;  // a received shift above kMaxShift is read as kMaxShift
  uint8_t sack_count = 0;
  uint16_t mss = 0;
  uint32_t tsval = 0, tsecr = 0;
  std::array<SackBlock, kMaxSackBlocks> sack{};
};

// Reads the option octets between the fixed header and the text; whatever `out` held is forgotten.
// Of an option that stands twice the last counts.
void read_options(std::span<const uint8_t> bytes, Options& out);

// Writes present options in the order MSS, SACK-permitted, timestamps, window scale, SACK blocks,
// each filled up to a multiple of four by NOPs before it (SACK-permitted stands in for them before
// timestamps); never an EOL. Returns the length, at most 40; SACK blocks that do not fit are left
// out: four fit alone, three beside timestamps. `to` must have room for 40 octets.
[[nodiscard]] uint32_t write_options(uint8_t* to, const Options& options);
// The length that write_options would return.
[[nodiscard]] uint32_t option_length(const Options& options);

}  // namespace rapport::wire
