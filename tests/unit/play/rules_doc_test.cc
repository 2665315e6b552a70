// docs/scripts.md names every equivalence rule, in order, with the profiles that have it.
#include "rapport/play/rules.hh"

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

struct Row {
  std::string rule, profiles;
};

// The rows behind the head of the table, up to its end.
std::vector<Row> rows_of_table() {
  std::ifstream file(SCRIPTS_ROOT "/docs/scripts.md");
  std::vector<Row> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| rule | in |")) {
      inside = std::getline(file, line).good();  // the line under the head
      continue;
    }
    if (!inside || !line.starts_with("| `")) {
      inside = false;
      continue;
    }
    const size_t end = line.find('`', 3);
    const size_t bar = line.find(" | ", end);
    rows.push_back(
        {line.substr(3, end - 3), line.substr(bar + 3, line.find(" | ", bar + 3) - bar - 3)});
  }
  return rows;
}

TEST(RulesInTheDocs, AreThoseOfTheProgram) {
  const std::vector<Row> rows = rows_of_table();
  ASSERT_EQ(rows.size(), kRules);
  for (size_t i = 0; i < kRules; ++i) {
    const auto rule = static_cast<Rule>(i);
    EXPECT_EQ(rows[i].rule, name(rule));
    const bool portable = Rules(Profile::Portable).on(rule);
    EXPECT_EQ(rows[i].profiles, portable ? "portable and on" : "freebsd, linux") << rows[i].rule;
    EXPECT_TRUE(Rules(Profile::FreeBsd).on(rule) && Rules(Profile::Linux).on(rule)) << rows[i].rule;
    EXPECT_FALSE(Rules(Profile::Strict).on(rule)) << rows[i].rule;
  }
}

}  // namespace

}  // namespace rapport::play
