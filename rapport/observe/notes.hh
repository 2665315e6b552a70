// Notes: what a ladder says about a record that is not a segment: a call, a timer, what was agreed,
// a drop, an end. One phrase each; where it stands is the ladder's business.
#pragma once

#include "rapport/base/trace.hh"
#include "rapport/observe/strip.hh"

#include <string>
#include <string_view>

namespace rapport::observe {

struct Note {
  std::string text;
  Ink ink = Ink::Plain;
};

// Empty for segments, transitions and samples.
[[nodiscard]] Note note_of(const TraceRecord& r, const Signs& signs);
// False for what is no part of the story: calls that found nothing to do yet, questions, drops that
// another record tells.
[[nodiscard]] bool is_worth_telling(const TraceRecord& r);
// "closed-by-us" -> "closed by us"
[[nodiscard]] std::string spaced(std::string_view kebab);

}  // namespace rapport::observe
