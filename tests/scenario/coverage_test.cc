// Each row of docs/rules/segment-arrives.csv is shown by a story, or docs/waivers.csv says why not.
// A waiver that is not needed any more fails too, so that the list tells the truth.
#include "registry.hh"

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

}  // namespace

TEST(Coverage, EveryRowHasAStoryOrAWaiver) {
  const auto rows = rows_of_table(kRules / "segment-arrives.csv", 2);
  ASSERT_GT(rows.size(), kRowsAtLeast);
  const auto waived = waivers();
  const auto told = shown();
  for (const auto& row : rows) {
    EXPECT_TRUE(told.contains(row[0]) || waived.contains(row[0]))
        << row[0] << " has neither a scenario test nor a waiver";
  }
}

TEST(Coverage, EveryWaiverIsNeeded) {
  std::set<std::string> known;
  for (const auto& row : rows_of_table(kRules / "segment-arrives.csv", 2)) known.insert(row[0]);
  const auto told = shown();
  const std::set<std::string> not_shown{"not-applicable", "later", "waived"};
  for (const auto& [id, waiver] : waivers()) {
    EXPECT_TRUE(known.contains(id)) << id << " is no row";
    EXPECT_FALSE(waiver.reason.empty()) << id << " is waived without a reason";
    if (waiver.kind == "deviation") {
      EXPECT_TRUE(told.contains(id)) << id << " deviates, but no scenario test shows it";
    } else {
      EXPECT_TRUE(not_shown.contains(waiver.kind)) << id << " has the unknown kind " << waiver.kind;
      EXPECT_FALSE(told.contains(id)) << id << " is shown: its waiver is out of date";
    }
  }
}

}  // namespace rapport::scenario
