// The ids in the names of the stories are ids of docs/rules/*.csv: a misspelt rule would be shown
// by nobody.
#include "registry.hh"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace rapport::scenario {

TEST(Rules, EveryIdOfAStoryIsInTheTables) {
  std::set<std::string> known;
  for (const auto& file : std::filesystem::directory_iterator(SCENARIO_RULES_DIR)) {
    if (file.path().extension() != ".csv") continue;
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) known.insert(line.substr(0, line.find(',')));
  }
  ASSERT_GT(known.size(), 500U);
  for (const auto& entry : entries()) {
    for (const auto& id : entry.rules)
      EXPECT_TRUE(known.contains(id)) << id << " in " << entry.name;
  }
}

}  // namespace rapport::scenario
