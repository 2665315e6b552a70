// A segment in words: what stands on an arrow and under it. Sequence numbers are told relative to
// the initial ones of the side that knows them; where neither does, as absolute numbers
// "#3735928559".
#pragma once

#include "rapport/base/trace.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rapport::observe {

// Numbers as people read them.
struct SegmentNumbers {
  std::string seq, ack;   // "0", "1461", "#3735928559"; ack empty without the ACK bit
  bool absolute = false;  // one of them is
  bool earlier = false;   // one counts from the SYN of an earlier connection
};

// `sent` and `received` are the two records of one segment; either may be missing, not both. The
// sender's view is preferred, then the receiver's.
[[nodiscard]] SegmentNumbers segment_numbers(const TraceSegment* sent,
                                             const TraceSegment* received);

// "MSS 1460", "window scale 7", "SACK permitted", "timestamps": what a SYN offers.
[[nodiscard]] std::vector<std::string> offered_options(const TraceSegment& s);
// "SACK 11:21", "D-SACK 1:11", relative where `s` knows its relative numbers.
[[nodiscard]] std::vector<std::string> sack_words(const TraceSegment& s);
// What a segment carries: offered options, and which of them the wire has stripped, SACK blocks,
// its text if it has at most `preview` octets. `sent` or `received` may be missing, not both.
[[nodiscard]] std::vector<std::string> contents(const TraceSegment* sent,
                                                const TraceSegment* received, size_t preview,
                                                bool ascii);
// What was agreed: "MSS 1460", "scale 7 out, 2 in" (how our and their windows are shifted), "SACK",
// "no timestamps".
[[nodiscard]] std::vector<std::string> agreed_options(const TraceOptions& o);
// The kept beginning of the text in quotes, unprintable octets as dots, "…" where it was cut; empty
// when nothing was kept.
[[nodiscard]] std::string text_preview(const TraceSegment& s, size_t at_most, bool ascii);
// The window in octets: scaled by `shift` unless it is a SYN's.
[[nodiscard]] uint32_t window_octets(const TraceSegment& s, uint8_t shift);

}  // namespace rapport::observe
