// The ladder of a captured connection: as observe/ladder.hh draws it, but of what somebody saw pass
// by: one time for each segment, states that are inferred ("?" where the capture leaves them open),
// and marks instead of causes. No clock, no I/O.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/conversation.hh"

#include <cstddef>
#include <string>

namespace rapport::observe {

struct CaptureStyle {
  size_t width = 100;  // columns; brought into kLeastWidth .. kGreatestWidth of ladder.hh
  bool ascii = false;
  bool colour = false;
  size_t listed = 1000;  // the most lines of a list
  bool microseconds = false;
};

// Where milliseconds would tell nothing: the whole capture is shorter than a second, as on a
// loopback or a LAN, and not all times of the rows that are kept are whole milliseconds.
[[nodiscard]] bool wants_microseconds(const Capture& capture);

// Times count from `began`. Lines, each ended by '\n'.
[[nodiscard]] std::string capture_ladder(const Conversation& c, Instant began,
                                         const CaptureStyle& style);

// One numbered line for each wanted conversation: ends, segments, octets, how long, how it ended;
// then what was left out and why.
[[nodiscard]] std::string capture_list(const Capture& capture, const CaptureStyle& style);

}  // namespace rapport::observe
