// Each row of docs/rules/segment-arrives.csv is shown by a story, or docs/waivers.csv says why not.
// A waiver that is not needed any more fails too, so that the list tells the truth.
#include "registry.hh"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::scenario {

namespace {

const std::filesystem::path kRules = SCENARIO_RULES_DIR;
constexpr size_t kRowsAtLeast = 380;

struct Waiver {
  std::string kind, reason;
};

// The first columns of a table without its head; the columns asked for hold no quoted comma.
std::vector<std::vector<std::string>> rows_of_table(const std::filesystem::path& file,
                                                    size_t columns) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<std::string> row;
    size_t from = 0;
    while (row.size() + 1 < columns && line.find(',', from) != std::string::npos) {
      const size_t comma = line.find(',', from);
      row.push_back(line.substr(from, comma - from));
      from = comma + 1;
    }
    row.push_back(line.substr(from));
    row.resize(columns);
    rows.push_back(row);
  }
  return rows;
}

std::map<std::string, Waiver> waivers() {
  std::map<std::string, Waiver> all;
  for (const auto& row : rows_of_table(kRules.parent_path() / "waivers.csv", 3)) {
    EXPECT_TRUE(all.emplace(row[0], Waiver{row[1], row[2]}).second) << row[0] << " twice";
  }
  return all;
}

std::set<std::string> shown() {
  std::set<std::string> ids;
  for (const auto& entry : entries()) ids.insert(entry.rules.begin(), entry.rules.end());
  return ids;
}

std::set<std::string> rules_of_the_table() {
  std::set<std::string> ids;
  for (const auto& row : rows_of_table(kRules / "segment-arrives.csv", 2)) ids.insert(row[0]);
  return ids;
}

// What is wrong with a waiver, in words; empty when it is sound. A deviation is shown as it is;
// what is waived is not shown.
std::string fault_of(const std::string& id, const Waiver& waiver, bool is_shown) {
  static const std::set<std::string> kinds{"not-applicable", "later", "waived", "deviation"};
  if (waiver.reason.empty()) return id + " is waived without a reason";
  if (!kinds.contains(waiver.kind)) return id + " has the unknown kind " + waiver.kind;
  const bool deviation = waiver.kind == "deviation";
  if (deviation && !is_shown) return id + " deviates, but no scenario test shows it";
  if (!deviation && is_shown) return id + " is shown: its waiver is out of date";
  return {};
}

}  // namespace

TEST(Coverage, EveryRowHasAStoryOrAWaiver) {
  const auto rows = rules_of_the_table();
  ASSERT_GT(rows.size(), kRowsAtLeast);
  const auto waived = waivers();
  const auto told = shown();
  for (const auto& id : rows) {
    EXPECT_TRUE(told.contains(id) || waived.contains(id))
        << id << " has neither a scenario test nor a waiver";
  }
}

TEST(Coverage, EveryWaiverIsNeeded) {
  const auto rows = rules_of_the_table();
  const auto told = shown();
  for (const auto& [id, waiver] : waivers()) {
    EXPECT_TRUE(rows.contains(id)) << id << " is no row";
    EXPECT_EQ(fault_of(id, waiver, told.contains(id)), "");
  }
}

}  // namespace rapport::scenario
