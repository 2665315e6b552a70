// Each equivalence rule has a script that passes by it and by nothing else, and one a step beyond
// it that fails with every rule on.
#include "rapport/play/judge.hh"
#include "rapport/play/player.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/verdict.hh"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

Verdict judged(std::string_view rule, std::string_view suffix, const Rules& rules) {
  const std::string path = std::string(SCRIPTS_ROOT "/tests/unit/play/equivalence/")
                           + std::string(rule) + std::string(suffix) + ".pkt";
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  JudgeOptions options;
  options.play.rules = rules;
  options.play.ladder = false;
  Workshop workshop;
  const auto verdict = judge(text, path, options, workshop);
  if (!verdict) {
    ADD_FAILURE() << verdict.error().text();
    return {};
  }
  SCOPED_TRACE(play::text(*verdict, path));
  return *verdict;
}

class Equivalence : public testing::TestWithParam<size_t> {
 protected:
  Rule rule() const { return static_cast<Rule>(GetParam()); }
};

TEST_P(Equivalence, alone_lets_its_script_pass) {
  Rules only;
  only.set(rule(), true);
  const Verdict v = judged(name(rule()), "", only);
  EXPECT_EQ(v.kind, Verdict::Kind::PassByRule) << text(v, "script");
  EXPECT_GE(v.uses.counts.at(GetParam()), 1U);
}

TEST_P(Equivalence, without_it_its_script_fails_whatever_else_is_on) {
  Rules others(Profile::FreeBsd);
  others.set(rule(), false);
  const Verdict v = judged(name(rule()), "", others);
  EXPECT_EQ(v.kind, Verdict::Kind::Fail) << text(v, "script");
}

TEST_P(Equivalence, a_step_beyond_fails_with_all_of_them) {
  for (const Profile p : {Profile::Strict, Profile::Portable, Profile::FreeBsd, Profile::Linux}) {
    const Verdict v = judged(name(rule()), "-beyond", Rules(p));
    EXPECT_EQ(v.kind, Verdict::Kind::Fail) << name(p) << ": " << text(v, "script");
  }
}

INSTANTIATE_TEST_SUITE_P(rules, Equivalence, testing::Range(size_t{0}, kRules),
                         [](const auto& param) {
                           std::string out(name(static_cast<Rule>(param.param)));
                           for (char& c : out) {
                             if (c == '-') c = '_';
                           }
                           return out;
                         });

}  // namespace

}  // namespace rapport::play
