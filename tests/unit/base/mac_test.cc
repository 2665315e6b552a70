// MAC addresses: text in and out, and the kinds.
#include "rapport/base/mac.hh"

#include "rapport/base/reason.hh"

#include <gtest/gtest.h>

namespace rapport {
namespace {

TEST(Mac, text_in_and_out) {
  const MacAddress mac = parse_mac("02:00:5E:10:0a:ff").value();
  EXPECT_EQ(mac, (MacAddress{{0x02, 0x00, 0x5e, 0x10, 0x0a, 0xff}}));
  EXPECT_EQ(to_string(mac), "02:00:5e:10:0a:ff");
}

TEST(Mac, what_is_no_address_is_refused) {
  for (const char* text :
       {"", "02:00:5e:10:0a", "02:00:5e:10:0a:f", "02:00:5e:10:0a:fff", "02-00-5e-10-0a-ff",
        "02:00:5e:10:0a:fg", "02:00:5e:10:0a:-1", "02:00:5e:10:0a: 1", "02:00:5e:10:0a:0x",
        ":02:00:5e:10:0a:f", "02:00:5e:10:0a:ff:"}) {
    const auto mac = parse_mac(text);
    EXPECT_FALSE(mac.has_value()) << text;
    EXPECT_EQ(mac.has_value() ? Error::kCount : mac.error(), Error::InvalidArgument) << text;
  }
}

TEST(Mac, kinds) {
  EXPECT_TRUE(MacAddress::broadcast().is_multicast());
  EXPECT_TRUE(MacAddress::broadcast().is_broadcast());
  const MacAddress group{{0x33, 0x33, 0, 0, 0, 1}};
  EXPECT_TRUE(group.is_multicast());
  EXPECT_FALSE(group.is_broadcast());
  const MacAddress one{{0x02, 0, 0, 0, 0, 1}};
  EXPECT_FALSE(one.is_multicast());
  EXPECT_FALSE(one.is_unspecified());
  EXPECT_TRUE(MacAddress{}.is_unspecified());
  EXPECT_LT(one, group);
}

}  // namespace
}  // namespace rapport
