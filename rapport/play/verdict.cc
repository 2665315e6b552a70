// A verdict in words.
#include "rapport/play/verdict.hh"

#include "rapport/play/rules.hh"

#include <cstddef>
#include <cstdint>
#include <string>

namespace rapport::play {

std::string rules_text(const RuleUses& uses) {
  std::string names;
  for (size_t i = 0; i < kRules; ++i) {
    const uint32_t n = uses.counts.at(i);
    if (n == 0) continue;
    names += (names.empty() ? "" : ", ") + std::string(name(static_cast<Rule>(i)));
    if (n > 1) names += " x" + std::to_string(n);
  }
  return names;
}

namespace {

std::string assumed_text(const Verdict& v) {
  std::string out;
  for (const std::string& a : v.assumed) out += (out.empty() ? " (assumed: " : ", ") + a;
  return out.empty() ? out : out + ")";
}

}  // namespace

std::string text(const Verdict& v, const std::string& file) {
  const std::string variant = v.variant.empty() ? "" : " [" + v.variant + "]";
  switch (v.kind) {
    case Verdict::Kind::Pass: return "PASS " + file + variant + assumed_text(v);
    case Verdict::Kind::PassByRule:
      return "PASS-by-rule (" + rules_text(v.uses) + ") " + file + variant + assumed_text(v);
    case Verdict::Kind::Fail: break;
    case Verdict::Kind::Skip:
      return "SKIP (" + v.reason + ") " + file
             + (v.place.line == 0 ? "" : ":" + std::to_string(v.place.line)) + variant;
  }
  return "FAIL " + file + ":" + std::to_string(v.place.line) + ":" + variant + " expected "
         + v.expected + ", saw " + v.saw + assumed_text(v);
}

}  // namespace rapport::play
