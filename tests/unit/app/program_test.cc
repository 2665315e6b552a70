// The program's manners: help, version, wrong arguments; the ladder of `life` as it is printed.
#include "program.hh"

#include "rapport/app/demo_scenario.hh"
#include "rapport/app/verbs.hh"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::app {

namespace {

TEST(Program, HelpAndVersion) {
  for (const std::vector<std::string>& a :
       {std::vector<std::string>{"--help"}, {"demo", "--help"}, {"--version"}, {"demo", "-h"}}) {
    const Outcome o = rapport(a);
    EXPECT_EQ(o.status, 0);
    EXPECT_FALSE(o.out.empty());
    EXPECT_TRUE(o.err.empty());
  }
  EXPECT_NE(rapport({"demo", "--help"}).out.find("--loss"), std::string::npos);
}

TEST(Program, WhatIsWrongIsOneLineAndStatusTwo) {
  struct Case {
    std::vector<std::string> arguments;
    std::string_view says;
  };

  const Case cases[] = {
      {{}, "demo"},
      {{"dance"}, "there is no verb \"dance\"; there are: demo"},
      {{"demo", "nonsense"}, "there is no scenario \"nonsense\"; there are: life, negotiation"},
      {{"demo", "--nonsense"}, "--nonsense"},
      {{"demo", "life", "reset"}, "reset"},
      {{"demo", "--seed", "x"}, "--seed x: a whole number from 0 to"},
      {{"demo", "--seed", "-1"}, "--seed"},
      {{"demo", "--seed"}, "demo: --seed: a value is needed (see rapport demo --help)"},
      {{"demo", "--loss", "1.5"}, "--loss 1.5: a probability from 0 to 1"},
      {{"demo", "--loss", "101%"}, "--loss 101%: a probability"},
      {{"demo", "--loss", "."}, "--loss .: a probability"},
      {{"demo", "--duplicate", "many"}, "--duplicate many: a probability"},
      {{"demo", "--reorder=-0.1"}, "--reorder -0.1: a probability"},
      {{"demo", "--delay", "10001"}, "--delay 10001: a whole number from 0 to 10000"},
      {{"demo", "--width", "71"}, "--width 71: a whole number from 72 to 160"},
      {{"demo", "--color", "red"}, "--color red: auto, always or never"},
      {{"demo", "--list", "--json"}, "--list --json: the list is plain text"},
  };
  for (const Case& c : cases) {
    const Outcome o = rapport(c.arguments);
    EXPECT_EQ(o.status, 2) << c.says;
    EXPECT_TRUE(o.out.empty()) << o.out;
    EXPECT_EQ(lines(o.err).size(), 1U) << o.err;
    EXPECT_NE(o.err.find(c.says), std::string::npos) << o.err;
  }
}

TEST(Program, ListNamesEveryScenarioALineEach) {
  const std::vector<std::string> all = lines(rapport({"demo", "--list"}).out);
  const std::vector<std::string> names{"life",
                                       "negotiation",
                                       "simultaneous-open",
                                       "half-close",
                                       "three-segment-close",
                                       "close-wait",
                                       "simultaneous-close",
                                       "lost-syn",
                                       "lost-final-ack",
                                       "half-open",
                                       "old-duplicate-syn",
                                       "lost-ack-of-handshake",
                                       "refused",
                                       "reset",
                                       "zero-window",
                                       "challenge-ack",
                                       "time-wait-reuse",
                                       "keep-alive"};
  EXPECT_EQ(all.size(), names.size());
  for (const std::string& n : names) {
    EXPECT_TRUE(std::ranges::any_of(all, [&](const std::string& l) {
      return l.starts_with(n + " ");
    })) << n;
    EXPECT_NE(find_scenario(n), nullptr) << n;
  }
}

TEST(Program, ProbabilitiesAreReadExactly) {
  EXPECT_EQ(parts_per_million("--loss", "0"), 0U);
  EXPECT_EQ(parts_per_million("--loss", "1"), 1'000'000U);
  EXPECT_EQ(parts_per_million("--loss", ".5"), 500'000U);
  EXPECT_EQ(parts_per_million("--loss", "0.000001"), 1U);
  EXPECT_EQ(parts_per_million("--loss", "2.5%"), 25'000U);
  EXPECT_EQ(parts_per_million("--loss", "100%"), 1'000'000U);
  EXPECT_THROW((void)parts_per_million("--loss", "0.1e1"), Misuse);
  EXPECT_THROW((void)parts_per_million("--loss", ""), Misuse);
  EXPECT_THROW((void)parts_per_million("--loss", "%"), Misuse);
}

// What `rapport demo life` prints, as stored. A wanted change: print it anew into the file.
TEST(Program, TheLadderOfLifeIsAsStored) {
  for (const auto& [file, more] :
       {std::pair<std::string, std::vector<std::string>>{"life-100.txt", {"--width", "100"}},
        {"life-80-ascii.txt", {"--width", "80", "--ascii"}}}) {
    std::vector<std::string> arguments{"demo", "life", "--color", "never"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::ifstream in(std::string(GOLDEN) + "/" + file);
    ASSERT_TRUE(in) << file;
    const std::string stored{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(rapport(arguments).out, stored) << file;
  }
}

}  // namespace

}  // namespace rapport::app
