// A text to its verdict.
#include "rapport/play/judge.hh"

#include "rapport/play/parse.hh"
#include "rapport/play/place.hh"
#include "rapport/play/player.hh"
#include "rapport/play/verdict.hh"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::play {

std::expected<Verdict, SyntaxError> judge(std::string_view text, std::string_view file,
                                          const JudgeOptions& options, Workshop& workshop) {
  std::optional<Verdict> first;
  for (const std::string_view variant : variants(text)) {
    std::vector<Define> defines = options.defines;
    if (!variant.empty()) defines.push_back({std::string(variant), {}});
    const auto script = parse(text, {file, options.dialect, defines});
    if (!script) return std::unexpected(script.error());
    Verdict v = play(*script, options.play, workshop);
    v.variant = variant;
    if (v.passed()) return v;
    if (!first || first->kind == Verdict::Kind::Skip) first = std::move(v);
  }
  return *std::move(first);
}

}  // namespace rapport::play
