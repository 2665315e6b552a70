// Dates, ranges, validators and preconditions of HTTP, row by row.
#include "rapport/app/http_fields.hh"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::app {
namespace {

using enum WantedRanges::Kind;

constexpr std::time_t kThen = 784111777;  // the date of RFC 9110 5.6.7

TEST(HttpDate, IsWrittenInOneFormAndReadInThree) {
  EXPECT_EQ(http_date(kThen), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kThen);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kThen);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kThen);
  for (const char* wrong : {"", "yesterday", "Sun, 06 Nov 1994 08:49:37", "1994-11-06"}) {
    EXPECT_FALSE(parse_http_date(wrong)) << wrong;
  }
}

TEST(Ranges, OfTenOctets) {
  struct Case {
    std::string_view field;
    WantedRanges::Kind kind;
    std::vector<ByteRange> parts = {};
  };

  const Case cases[] = {
      {"bytes=0-0", Parts, {{0, 1}}},
      {"bytes=0-9", Parts, {{0, 10}}},
      {"bytes=2-4", Parts, {{2, 3}}},
      {"bytes=4-", Parts, {{4, 6}}},
      {"bytes=4-99999999999999999999999", Parts, {{4, 6}}},
      {"bytes=-3", Parts, {{7, 3}}},
      {"bytes=-30", Parts, {{0, 10}}},
      {"Bytes = 2-4 , 8-", Parts, {{2, 3}, {8, 2}}},
      {"bytes=,2-4,,", Parts, {{2, 3}}},
      {"bytes=8-,0-1", Parts, {{8, 2}, {0, 2}}},
      {"bytes=20-,1-1", Parts, {{1, 1}}},
      {"bytes=10-", Unsatisfiable},
      {"bytes=-0", Unsatisfiable},
      {"bytes=10-11,99-", Unsatisfiable},
      {"bytes=4-2", Whole},
      {"bytes=a-b", Whole},
      {"bytes=--3", Whole},
      {"bytes=+1-3", Whole},
      {"bytes=1", Whole},
      {"bytes=-", Whole},
      {"bytes=", Whole},
      {"bytes", Whole},
      {"", Whole},
      {"pages=1-2", Whole},
      {"bytes=0-,0-", Whole},  // more than there is
      {"bytes=0-6,3-9", Whole},
  };
  for (const Case& c : cases) {
    const WantedRanges got = ranges_of(c.field, 10);
    EXPECT_EQ(got.kind, c.kind) << c.field;
    if (c.kind == Parts) {
      EXPECT_EQ(got.parts, c.parts) << c.field;
    }
  }
}

TEST(Ranges, TooManyAreIgnored) {
  std::string field = "bytes=0-0";
  for (int i = 1; i < 16; ++i) field += "," + std::to_string(i) + "-" + std::to_string(i);
  EXPECT_EQ(ranges_of(field, 100).parts.size(), 16U);
  EXPECT_EQ(ranges_of(field + ",20-20", 100).kind, Whole);
}

TEST(Ranges, OfAnEmptyFile) {
  EXPECT_EQ(ranges_of("bytes=0-", 0).kind, Unsatisfiable);
  EXPECT_EQ(ranges_of("bytes=-5", 0).kind, Whole);
  EXPECT_EQ(ranges_of("bytes=-0", 0).kind, Unsatisfiable);
}

TEST(Preconditions, InTheirOrder) {
  const Validators now{"\"a,b\"", kThen};
  const std::string then = http_date(kThen), before = http_date(kThen - 1),
                    later = http_date(kThen + 1);

  struct Case {
    Conditions c;
    Verdict reading, writing;
  };

  using enum Verdict;
  const auto match = [](const char* v) { return Conditions{v, {}, {}, {}, {}}; };
  const auto none_match = [](const char* v) { return Conditions{{}, v, {}, {}, {}}; };
  const auto modified = [](const std::string& v) { return Conditions{{}, {}, v, {}, {}}; };
  const auto unmodified = [](const std::string& v) { return Conditions{{}, {}, {}, v, {}}; };
  const Case cases[] = {
      {{}, Proceed, Proceed},
      {match("\"a,b\""), Proceed, Proceed},
      {match("\"x\", \"a,b\""), Proceed, Proceed},
      {match("W/\"a,b\""), Failed, Failed},
      {match("*"), Proceed, Proceed},
      {match("\"x\""), Failed, Failed},
      {match("a,b"), Failed, Failed},
      {none_match("\"a,b\""), NotModified, Failed},
      {none_match("W/\"a,b\""), NotModified, Failed},
      {none_match("*"), NotModified, Failed},
      {none_match("\"x\",\"y\""), Proceed, Proceed},
      {modified(then), NotModified, Proceed},
      {modified(later), NotModified, Proceed},
      {modified(before), Proceed, Proceed},
      {modified("never"), Proceed, Proceed},
      {unmodified(then), Proceed, Proceed},
      {unmodified(before), Failed, Failed},
      // the entity-tag decides, not the date
      {{{}, "\"x\"", then, {}, {}}, Proceed, Proceed},
      {{"\"a,b\"", {}, {}, before, {}}, Proceed, Proceed},
  };
  for (const Case& c : cases) {
    const size_t i = static_cast<size_t>(&c - cases);
    EXPECT_EQ(verdict_of(c.c, &now, true), c.reading) << "case " << i;
    EXPECT_EQ(verdict_of(c.c, &now, false), c.writing) << "case " << i;
  }
}

TEST(Preconditions, OfWhatIsNotThere) {
  EXPECT_EQ(verdict_of({{}, "*", {}, {}, {}}, nullptr, false), Verdict::Proceed);
  EXPECT_EQ(verdict_of({"*", {}, {}, {}, {}}, nullptr, false), Verdict::Failed);
}

TEST(Preconditions, IfRange) {
  const Validators now{"\"a\"", kThen};
  EXPECT_TRUE(if_range_holds({}, now, kThen));
  EXPECT_TRUE(if_range_holds({{}, {}, {}, {}, "\"a\""}, now, kThen));
  EXPECT_FALSE(if_range_holds({{}, {}, {}, {}, "\"b\""}, now, kThen));
  EXPECT_FALSE(if_range_holds({{}, {}, {}, {}, "W/\"a\""}, now, kThen));
  EXPECT_FALSE(if_range_holds({{}, {}, {}, {}, "*"}, now, kThen));
  EXPECT_TRUE(if_range_holds({{}, {}, {}, {}, http_date(kThen)}, now, kThen + 2));
  EXPECT_FALSE(if_range_holds({{}, {}, {}, {}, http_date(kThen)}, now, kThen + 1));  // 8.8.2.2
  EXPECT_FALSE(if_range_holds({{}, {}, {}, {}, http_date(kThen + 1)}, now, kThen + 9));
}

}  // namespace
}  // namespace rapport::app
