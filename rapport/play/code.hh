// The assertions in %{ code }% blocks, evaluated natively: `assert EXPR op EXPR[, message]` with
// and, or, not, chained comparisons, arithmetic and bits. No other code is run: what is not
// understood is Unsupported, never true.
#pragma once

#include "rapport/play/place.hh"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rapport::play {

// The value of a name: a tcpi_* member at this moment, a constant. nullopt: unknown.
using NameLookup = std::function<std::optional<int64_t>(std::string_view name)>;

struct CodeResult {
  enum class Verdict : uint8_t {
    Holds,        // every assertion is true; there is one
    Fails,        // one is false, or an error of arithmetic: `text` tells both sides
    Unsupported,  // a name or a construct that is not known, or no assertion: to be skipped
  };
  Verdict verdict = Verdict::Holds;
  // "tcpi_snd_cwnd == 10 (tcpi_snd_cwnd = 9)", "the name 'foo'"
  std::string text;
  Place place;  // of the statement, in the script

  friend bool operator==(const CodeResult&, const CodeResult&) = default;
};

// Evaluates the text of a CodeBlock, whose first character stands at `start`. Statements are taken
// in order; the first that fails ends it. Anything unsupported anywhere comes first: then nothing
// else counts.
[[nodiscard]] CodeResult evaluate_code(std::string_view text, const NameLookup& lookup,
                                       Place start = {});

}  // namespace rapport::play
