// The ladder: what happened between two hosts as text. Two rails, time and state beside each; every
// segment an arrow with departure and arrival, and on the rails what the application called, which
// timers fired, which clause moved the state. Computed from the trace alone; no clock, no I/O.
#pragma once

#include "rapport/observe/story.hh"

#include <cstddef>
#include <cstdint>
#include <string>

namespace rapport::observe {

inline constexpr size_t kLeastWidth = 72, kGreatestWidth = 160;

// TraceSegment::state of a host whose insides nobody knows: none is shown.
inline constexpr uint8_t kUnknownState = 0xff;

struct LadderStyle {
  size_t width = 100;  // columns; brought into kLeastWidth .. kGreatestWidth
  bool ascii = false;
  bool colour = false;           // ANSI escapes
  uint32_t left = 0, right = 1;  // indices of Story::hosts
};

// Arrows tell the window (win=) where every one of the ladder has room for it; else only those of a
// host whose window is closed, or was before, tell it. Lines, each ended by '\n'. The same story
// and style give the same bytes.
[[nodiscard]] std::string ladder(const Story& story, const LadderStyle& style);

}  // namespace rapport::observe
