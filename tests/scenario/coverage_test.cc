// Each row of docs/rules/segment-arrives.csv is shown by a story, or docs/waivers.csv says why not.
// A waiver that is not needed any more fails too, so that the list tells the truth. Of the other
// two tables it is told how many of their ids stand in a test, here or in tests/unit.
#include "registry.hh"

#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
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

std::set<std::string> rules_of(const std::string& table) {
  std::set<std::string> ids;
  for (const auto& row : rows_of_table(kRules / table, 2)) {
    EXPECT_TRUE(ids.insert(row[0]).second) << row[0] << " twice in " << table;
  }
  return ids;
}

std::set<std::string> rules_of_the_table() {
  return rules_of("segment-arrives.csv");
}

// All of tests/**/*_test.cc, one behind the other.
std::string text_of_all_tests() {
  const auto tests = kRules.parent_path().parent_path() / "tests";
  std::string all;
  for (const auto& file : std::filesystem::recursive_directory_iterator(tests)) {
    const std::string name = file.path().filename().string();
    if (!name.ends_with("_test.cc") || name == "coverage_test.cc") continue;
    std::ifstream in(file.path());
    all.append(std::istreambuf_iterator<char>(in), {});
  }
  return all;
}

// As a word of its own: MUST-1 does not stand in MUST-13.
bool has_word(std::string_view text, std::string_view word) {
  const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]))) {
      return true;
    }
  }
  return false;
}

// "MUST-13", or "MUST_13" in the name of a unit test.
bool stands_in(std::string_view text, std::string id) {
  if (has_word(text, id)) return true;
  for (char& c : id) c = c == '-' ? '_' : c;
  return has_word(text, id);
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

TEST(Coverage, TellsHowManyIdsOfTheOtherTablesStandInTests) {
  const std::string text = text_of_all_tests();
  ASSERT_TRUE(stands_in("so [MUST-13, U-1]", "MUST-13") && stands_in("So_MUST_13_U_1", "U-1"));
  ASSERT_FALSE(stands_in("so [MUST-13]", "MUST-1") || stands_in("MTU-1", "U-1"));
  for (const std::string table : {"rfc9293-requirements.csv", "related-rfcs.csv"}) {
    const auto ids = rules_of(table);
    ASSERT_GT(ids.size(), 150U) << table;
    std::string missing;
    size_t standing = 0;
    for (const auto& id : ids) {
      if (stands_in(text, id)) {
        ++standing;
      } else {
        missing += ' ' + id;
      }
    }
    std::cout << table << ": " << standing << " of " << ids.size()
              << " ids stand in tests; not:" << missing << '\n';
    RecordProperty(table.substr(0, table.find('.')), static_cast<int>(standing));
  }
}

}  // namespace rapport::scenario
