// Verdict: what became of one script.
#pragma once

#include "rapport/play/place.hh"
#include "rapport/play/rules.hh"

#include <cstdint>
#include <string>
#include <vector>

namespace rapport::play {

struct Verdict {
  enum class Kind : uint8_t {
    Pass,
    PassByRule,  // `uses` tells which
    Fail,        // at `place`: `expected`, `saw`
    Skip,        // `reason`, at `place` if it has one: nothing was judged
  };
  Kind kind = Kind::Pass;
  std::string variant;  // of its #ifdef: "STANDARD", "FreeBSD"; empty: it has none
  RuleUses uses;
  Place place;
  std::string expected, saw;
  std::string reason;
  std::vector<std::string> assumed;  // settings of that system which are not ours, as it has them
  std::string ladder;                // of a failure: what happened until then

  [[nodiscard]] bool passed() const { return kind == Kind::Pass || kind == Kind::PassByRule; }
};

// "early-ack x2, windows"
[[nodiscard]] std::string rules_text(const RuleUses& uses);
// "PASS file", "PASS-by-rule (early-ack x2, windows) file", "SKIP (...) file:3",
// "FAIL file:3: expected ..., saw ...", and behind all but SKIP " (assumed: a=1, b=2)".
[[nodiscard]] std::string text(const Verdict& v, const std::string& file);

}  // namespace rapport::play
