// The evaluator of assertions: operators, chains, what fails and how it is told, what is
// unsupported.
#include "rapport/play/code.hh"

#include "rapport/play/place.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

using Verdict = CodeResult::Verdict;

std::optional<int64_t> lookup(std::string_view name) {
  constexpr auto kNames =
      std::to_array<std::pair<std::string_view, int64_t>>({{"tcpi_state", 1},
                                                           {"TCP_ESTABLISHED", 1},
                                                           {"TCP_CLOSE", 7},
                                                           {"tcpi_snd_cwnd", 10},
                                                           {"tcpi_options", 7},
                                                           {"TCPI_OPT_SACK", 2},
                                                           {"tcpi_rtt", 12'500},
                                                           {"zero", 0}});
  for (const auto& [known, value] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

CodeResult run(std::string_view text) {
  return evaluate_code(text, lookup, {.line = 10, .column = 20});
}

Verdict verdict(std::string_view expression) {
  return run("assert " + std::string{expression}).verdict;
}

TEST(PlayCode, True) {
  const auto kTrue = std::to_array<std::string_view>({
      "1",
      "tcpi_state == TCP_ESTABLISHED",
      "tcpi_state == TCP_ESTABLISHED, 'state %d' % unknown_name",
      "(tcpi_state == TCP_ESTABLISHED), \"a; b\"",
      "(tcpi_state) == 1",
      "1 < 2 < 3 <= 3 != 4",
      "not 0 and not (1 > 2) or 0",
      "not not 1",
      "0 or tcpi_snd_cwnd",
      "tcpi_options & TCPI_OPT_SACK == 2",  // & binds tighter than ==
      "tcpi_options & 2 and tcpi_options & ~2 == 5",
      "1 | 2 == 3",
      "6 ^ 3 == 5",
      "1 << 4 >> 2 == 4",
      "2 + 3 * 4 - 1 == 13",
      "(2 + 3) * 4 == 20",
      "7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2 and 7 % -3 == -2",
      "7 / 2 == 3.5",
      "2 ** 3 ** 2 == 512 and -2 ** 2 == -4",
      "0x10 == 16 and 0o17 == 15 and 0b11 == 3 and 1e3 == 1000 and .5 < 1.",
      "tcpi_rtt / 1000.0 > 12.4",
      "tcpi_rtt // 1000.0 == 12 and -1.5 // 1 == -2 and 7.5 % 2 == 1.5",
      "tcpi_state in (1, 2) and tcpi_state not in [3, 4]",
      "tcpi_snd_cwnd in (9, 10,)",
      "abs(-3) == 3 and min(3, 1, 2) == 1 and max(1, 2.5) == 2.5 and int(2.9) == 2",
      "'a' == 'a' and 'a' != \"b\" and 'a' < 'b'",
      "True and not False",
      "(1, 2) < (1, 3) and (1,) != (1, 2)",
      "1 <> 2",
      "1 or 1 / 0",
      "not (0 and 1 // 0)",
      "1 == \\\n  1",
      "(1 ==\n 1)",
      "+5 == 5 and ~0 == -1",
      "0 << 100 == 0 and -1 >> 100 == -1 and 0 ** 0 == 1 and (-1) ** 3 == -1",
  });
  for (const auto text : kTrue) {
    const CodeResult r = run("assert " + std::string{text});
    EXPECT_EQ(r.verdict, Verdict::Holds) << text << ": " << r.text;
  }
}

TEST(PlayCode, False) {
  const auto kFalse = std::to_array<std::string_view>({
      "0",
      "''",
      "tcpi_state == TCP_CLOSE",
      "1 < 3 < 2",
      "3 > 2 > 2",
      "not 1",
      "1 and 0",
      "0 or 0",
      "tcpi_state not in (1, 2)",
      "'1' == 1",
      "0.0",
  });
  for (const auto text : kFalse) EXPECT_EQ(verdict(text), Verdict::Fails) << text;
}

TEST(PlayCode, ErrorsOfArithmeticFail) {
  const auto kErrors = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"1 / 0", "1 / 0: a division by zero"},
      {"1 // zero or 1", "1 // zero or 1 (zero = 0): a division by zero"},
      {"1 % 0", "1 % 0: a division by zero"},
      {"1.5 % 0", "1.5 % 0: a division by zero"},
      {"9223372036854775807 + 1", "9223372036854775807 + 1: a number of more than 64 bits"},
      {"1 << 64", "1 << 64: a number of more than 64 bits"},
      {"1 << -1", "1 << -1: a negative shift"},
      {"2 ** -1", "2 ** -1: a negative exponent"},
      {"3 ** 99", "3 ** 99: a number of more than 64 bits"},
      {"'a' + 1", "'a' + 1: '+' between such values"},
      {"'a' < 1", "'a' < 1: '<' between such values"},
      {"1.5 & 1", "1.5 & 1: '&' between such values"},
      {"1 in 2", "1 in 2: 'in' between such values"},
      {"-'a'", "-'a': '-' of no number"},
      {"~1.5", "~1.5: '~' of no integer"},
      {"min()", "min(): min() or max() of nothing"},
      {"not 1 / 0", "not 1 / 0: a division by zero"},
  });
  for (const auto& [text, told] : kErrors) {
    const CodeResult r = run("assert " + std::string{text});
    EXPECT_EQ(r.verdict, Verdict::Fails) << text;
    EXPECT_EQ(r.text, told);
  }
}

TEST(PlayCode, Unsupported) {
  const auto kOther = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"assert tcpi_foo == 1", "the name 'tcpi_foo'"},
      {"assert 1 or tcpi_foo", "the name 'tcpi_foo'"},
      {"assert 0; assert tcpi_foo", "the name 'tcpi_foo'"},
      {"x = 1", "the statement 'x'"},
      {"import os", "the statement 'import'"},
      {"assert len('a')", "the call 'len'"},
      {"assert a.b", "the name 'a'"},
      {"assert zero.b", "'.' in an assertion"},
      {"assert [1][0]", "'[' in an assertion"},
      {"assert 1 if 1 else 0", "'if' in an assertion"},
      {"assert 1 is 1", "'is' in an assertion"},
      {"assert", "the end of the code as a value"},
      {"assert (1", "the end of the code instead of ')'"},
      {"assert 1 +", "the end of the code as a value"},
      {"assert 1 +;", "the end of a statement as a value"},
      {"assert lambda: 1", "'lambda' as a value"},
      {"assert 'abc", "''' as a value"},
      {"assert 12x", "'12x' as a value"},
      {"assert 99999999999999999999", "'99999999999999999999' as a value"},
      {"assert (1, 'always true')", "a list as an assertion"},
      {"assert 1 not 2", "'2' after 'not'"},
      {"assert 1 $", "'$' in an assertion"},
      {"'a text' 1", "'1' after a text"},
      {"", "nothing is asserted"},
      {"print('x', 1)", "nothing is asserted"},
      {"# assert 0\n 'text'; print(tcpi_state)", "nothing is asserted"},
  });
  for (const auto& [text, told] : kOther) {
    const CodeResult r = run(text);
    EXPECT_EQ(r.verdict, Verdict::Unsupported) << text;
    EXPECT_EQ(r.text, told);
  }
  const std::string deep = "assert " + std::string(10'000, '(') + "1" + std::string(10'000, ')');
  EXPECT_EQ(run(deep).text, "an expression nested more than 64 deep");
  EXPECT_EQ(run("assert " + std::string(10'000, '-') + "1").verdict, Verdict::Unsupported);
  EXPECT_EQ(run("assert " + std::string(100'000, '~')).verdict, Verdict::Unsupported);
}

TEST(PlayCode, StatementsAndTheirPlaces) {
  EXPECT_EQ(run("# a remark; assert 0\n\n ; 'text' ; print('x', 1); assert 1").verdict,
            Verdict::Holds);
  EXPECT_EQ(run("assert 1; assert 1 # yes\r\nassert 1").verdict, Verdict::Holds);
  const CodeResult first = run("assert 1; assert tcpi_snd_cwnd == 9, 'no'; assert 0");
  EXPECT_EQ(first.verdict, Verdict::Fails);
  EXPECT_EQ(first.text, "tcpi_snd_cwnd == 9 (tcpi_snd_cwnd = 10)");
  EXPECT_EQ(first.place.line, 10U);
  EXPECT_EQ(first.place.column, 30U);
  const CodeResult later = run("assert 1\n\n   assert tcpi_state == TCP_CLOSE");
  EXPECT_EQ(later.text, "tcpi_state == TCP_CLOSE (tcpi_state = 1, TCP_CLOSE = 7)");
  EXPECT_EQ(later.place.line, 12U);
  EXPECT_EQ(later.place.column, 4U);
  const CodeResult unknown = run("assert 1\nassert what");
  EXPECT_EQ(unknown.place.line, 11U);
  EXPECT_EQ(unknown.place.column, 1U);
}

}  // namespace

}  // namespace rapport::play
