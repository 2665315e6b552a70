// Where in its source a piece of a script stands, and what is wrong with a text that is no script.
// Values only; who opens files is in app/.
#pragma once

#include <cstdint>
#include <string>

namespace rapport::play {

// Line and column count from 1; the column counts octets. 0:0 is "not from a text". Two places are
// always equal, so that syntax trees compare by what they say and not by where they say it.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;

  friend constexpr bool operator==(const Place& /*a*/, const Place& /*b*/) { return true; }
};

struct SyntaxError {
  std::string file;
  Place place;
  std::string expected;   // "a sequence range like 1:1001(1000)"
  std::string found;      // "'foo'", "the end of the script"
  std::string line_text;  // the whole line, without its end

  // "FILE:3:12: expected a sequence range like 1:1001(1000), found 'foo'"
  [[nodiscard]] std::string text() const;
};

}  // namespace rapport::play
