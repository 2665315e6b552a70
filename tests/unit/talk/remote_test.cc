// Whom `connect` and `fetch` may speak to: what is no peer behind an interface is told in one line,
// before there is an interface.
#include "rapport/app/remote.hh"

#include "rapport/app/device_options.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"

#include <string_view>

#include <gtest/gtest.h>

namespace rapport::app {
namespace {

DevicePlan both_families() {
  DeviceOptions o;
  o.addresses = {"10.77.0.2/24", "fd77::2/64"};
  return plan_of(o);
}

TEST(Remote, WhatIsNoPeerIsOneLineThatSaysWhatItIs) {
  struct Case {
    std::string_view host, says;
  };

  const Case cases[] = {
      {"127.0.0.1", "127.0.0.1 is a loopback address"},
      {"127.1.2.3", "a loopback address"},
      {"::1", "::1 is a loopback address"},
      {"0.0.0.0", "the unspecified address"},
      {"::", "the unspecified address"},
      {"0.1.2.3", "which no host has"},
      {"224.0.0.1", "a multicast group"},
      {"ff02::1", "a multicast group"},
      {"255.255.255.255", "which no host has"},
      {"240.0.0.1", "which no host has"},
      {"10.77.0.255", "the broadcast address of the network"},
      {"10.77.0.2", "the stack's own address (--address)"},
      {"fd77::2", "the stack's own address (--address)"},
  };
  const DevicePlan plan = both_families();
  for (const Case& c : cases) {
    try {
      (void)remotes_of(c.host, "80", "tcp", plan);
      ADD_FAILURE() << "taken: " << c.host;
    } catch (const Misuse& e) {
      const std::string_view line = e.what();
      EXPECT_TRUE(line.contains(c.says)) << line;
      EXPECT_TRUE(line.contains("a host behind rapport0 is needed, such as 10.77.0.1")) << line;
      EXPECT_FALSE(line.contains('\n'));
    }
  }
}

TEST(Remote, EverybodyElseIsTaken) {
  const DevicePlan plan = both_families();
  for (const std::string_view host :
       {"10.77.0.1", "10.77.0.9", "192.0.2.1", "223.255.255.254", "fd77::1", "2001:db8::1"}) {
    const auto found = remotes_of(host, "80", "tcp", plan);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(to_string(found.front().endpoint().address), host);
  }
}

}  // namespace
}  // namespace rapport::app
