// One arrow of a ladder: the line between the rails with its label, whole, lost, leaving or
// arriving. The style of the line tells why the segment left: a call, the stack itself, a timer.
#pragma once

#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/strip.hh"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::observe {

enum class Course : uint8_t {
  Whole,     // from rail to rail
  Lost,      // ends between the rails
  Leaving,   // fades out: it arrives further down, or later than is told
  Arriving,  // fades in: it left further up
};

struct ArrowText {
  // Words, the most important first; what does not fit is given back.
  std::vector<std::string> label;
  Ink ink = Ink::Plain;
  SendCause cause = SendCause::Stack;
  Course course = Course::Whole;
  std::string fate;  // for Lost: "lost"; for Leaving, if it does not arrive yet: "on the way"
};

struct ArrowDrawing {
  Strip line;                     // exactly `width` columns
  std::vector<std::string> rest;  // words of the label that found no room
};

[[nodiscard]] ArrowDrawing draw_arrow(const ArrowText& text, bool to_right, size_t width,
                                      const Signs& signs);
[[nodiscard]] Ink ink_of(uint8_t flags);               // by the control bits
[[nodiscard]] std::string_view fate_words(Fate fate);  // "lost: wire cut"
[[nodiscard]] std::string_view line_sign(SendCause cause, const Signs& signs);

}  // namespace rapport::observe
