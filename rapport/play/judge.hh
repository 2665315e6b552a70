// judge(): the text of a script to its verdict. A script with #ifdef STANDARD and #ifdef FreeBSD is
// two: what the RFC says is tried first, then the other; the verdict names which one it is about.
#pragma once

#include "rapport/play/parse.hh"
#include "rapport/play/place.hh"
#include "rapport/play/player.hh"
#include "rapport/play/verdict.hh"

#include <expected>
#include <string_view>
#include <vector>

namespace rapport::play {

struct JudgeOptions {
  Dialect dialect = Dialect::Auto;
  std::vector<Define> defines;
  PlayOptions play;
};

// The error: `text` is no script.
[[nodiscard]] std::expected<Verdict, SyntaxError> judge(std::string_view text,
                                                        std::string_view file,
                                                        const JudgeOptions& options,
                                                        Workshop& workshop);

}  // namespace rapport::play
