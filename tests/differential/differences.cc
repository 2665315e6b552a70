// Comparison step by step, and the two files.
#include "differences.hh"

#include "player.hh"
#include "sequence.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::differential {

namespace {

std::string trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return std::string(s);
}

// The differences of one sequence, without its name. Steps are numbered from 1, those of a start
// not counted.
std::set<Difference> of_one(const std::vector<Answer>& kernel, const std::vector<Answer>& ours) {
  std::set<Difference> found;
  int number = 0;
  for (size_t i = 0; i < std::min(kernel.size(), ours.size()); ++i) {
    if (kernel[i].judged == Judged::Nothing) continue;
    const int here = kernel[i].judged == Judged::State ? 0 : ++number;
    if (kernel[i].said == ours[i].said) continue;
    found.insert({.sequence = {},
                  .step = std::to_string(here) + " " + kernel[i].step,
                  .kernel = kernel[i].said,
                  .ours = ours[i].said,
                  .reason = {}});
  }
  return found;
}

}  // namespace

Differences differences(const std::vector<Sequence>& sequences,
                        const std::vector<std::vector<Answer>>& kernel,
                        const std::vector<std::vector<Answer>>& ours) {
  std::map<std::string, std::map<int, std::set<Difference>>> by_name;
  for (size_t i = 0; i < sequences.size(); ++i) {
    by_name[sequences[i].name][sequences[i].family] = of_one(kernel[i], ours[i]);
  }
  Differences all;
  for (auto& [name, families] : by_name) {
    for (auto& [family, found] : families) {
      const auto& other = families[family == 4 ? 6 : 4];
      for (Difference d : found) {
        d.sequence = other.contains(d) ? name : name + " v" + std::to_string(family);
        all.insert(d);
      }
    }
  }
  return all;
}

std::expected<Differences, std::string> parse_differences(std::string_view text) {
  Differences all;
  std::istringstream in{std::string(text)};
  size_t count = 0;
  for (std::string line; std::getline(in, line);) {
    ++count;
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> fields;
    std::istringstream parts(line);
    for (std::string field; std::getline(parts, field, '|');) fields.push_back(trimmed(field));
    if (fields.size() != 5)
      return std::unexpected("line " + std::to_string(count) + ": five fields");
    const bool fresh = all.insert({fields[1], fields[2], fields[3], fields[4], fields[0]}).second;
    if (!fresh) return std::unexpected("line " + std::to_string(count) + ": twice the same");
  }
  return all;
}

std::string to_string(const Difference& d) {
  return (d.reason.empty() ? "?" : d.reason) + " | " + d.sequence + " | " + d.step + " | "
         + d.kernel + " | " + d.ours;
}

std::set<std::string> reasons_explained(std::string_view document) {
  std::set<std::string> all;
  std::istringstream in{std::string(document)};
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    const auto end = line.find("` |", 3);
    if (end != std::string::npos) all.insert(line.substr(3, end - 3));
  }
  return all;
}

}  // namespace rapport::differential
