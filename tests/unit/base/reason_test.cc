// Names of outcomes. That the tables are complete is shown at compile time in reason.cc.
#include "rapport/base/reason.hh"

#include <cctype>
#include <cstdint>
#include <string_view>

#include <gtest/gtest.h>

namespace rapport {
namespace {

bool is_kebab(std::string_view text) {
  for (const char c : text) {
    if (std::islower(c) == 0 && std::isdigit(c) == 0 && c != '-') return false;
  }
  return !text.empty();
}

TEST(Reason, keys_are_kebab_case) {
  for (uint8_t i = 0; i < static_cast<uint8_t>(CloseReason::kCount); ++i) {
    EXPECT_TRUE(is_kebab(name(static_cast<CloseReason>(i)))) << int{i};
  }
  for (uint8_t i = 0; i < static_cast<uint8_t>(DropReason::kCount); ++i) {
    EXPECT_TRUE(is_kebab(name(static_cast<DropReason>(i)))) << int{i};
  }
}

TEST(Reason, names_belong_to_their_values) {
  EXPECT_EQ(name(Error::DoesNotExist), "connection does not exist");
  EXPECT_EQ(name(Error::Unreachable), "no route to the remote");
  EXPECT_EQ(name(CloseReason::UserTimedOut), "user-timed-out");
  EXPECT_EQ(name(CloseReason::ReusedTuple), "reused-tuple");
  EXPECT_EQ(name(DropReason::Ipv4Checksum), "ipv4-checksum");
  EXPECT_EQ(name(DropReason::NoRoute), "no-route");
}

TEST(Reason, what_is_out_of_range_has_no_name) {
  EXPECT_EQ(name(DropReason::kCount), "?");
}

}  // namespace
}  // namespace rapport
