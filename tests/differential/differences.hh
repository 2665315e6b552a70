// Differences between two ways of answering the same sequences: found, read from and compared with
// the file of those that docs/differences.md explains.
#pragma once

#include "player.hh"
#include "sequence.hh"

#include <compare>
#include <cstddef>
#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace rapport::differential {

// A line of the file: "reason | sequence | step | Linux | Rapport". The sequence without its family
// when both families differ in the same way.
struct Difference {
  std::string sequence, step, kernel, ours;
  std::string reason;  // a row of docs/differences.md; not compared

  friend auto operator<=>(const Difference& a, const Difference& b) {
    return std::tie(a.sequence, a.step, a.kernel, a.ours)
           <=> std::tie(b.sequence, b.step, b.kernel, b.ours);
  }

  friend bool operator==(const Difference& a, const Difference& b) { return std::is_eq(a <=> b); }
};

using Differences = std::set<Difference>;

// All that is compared: everything of judged steps, the state only of those that end a start.
[[nodiscard]] Differences differences(const std::vector<Sequence>& sequences,
                                      const std::vector<std::vector<Answer>>& kernel,
                                      const std::vector<std::vector<Answer>>& ours);

// The error names line and reason.
[[nodiscard]] std::expected<Differences, std::string> parse_differences(std::string_view text);
[[nodiscard]] std::string to_string(const Difference& d);

// The reasons that are rows of the table in docs/differences.md: "| `name` | …".
[[nodiscard]] std::set<std::string> reasons_explained(std::string_view document);

}  // namespace rapport::differential
