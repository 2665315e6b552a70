// The device options: what the words become, and the one line for each that cannot be.
#include "rapport/app/device_options.hh"

#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace rapport::app {
namespace {

std::string text(const std::vector<Cidr>& all) {
  std::string out;
  for (const Cidr& c : all) {
    out += fmt::format("{}{}/{}", out.empty() ? "" : " ", to_string(c.address), c.prefix);
  }
  return out;
}

DeviceOptions options(std::vector<std::string> own, std::vector<std::string> host) {
  DeviceOptions o;
  o.addresses = std::move(own);
  o.host_addresses = std::move(host);
  return o;
}

TEST(DeviceOptions, NothingGivenIsEnough) {
  const DevicePlan plan = plan_of({});
  EXPECT_EQ(plan.name, "rapport0");
  EXPECT_EQ(text(plan.own), "10.77.0.2/24");
  EXPECT_EQ(text(plan.host), "10.77.0.1/24");
  EXPECT_EQ(plan.mtu, 1500);
  EXPECT_TRUE(plan.pcap.empty());
}

TEST(DeviceOptions, TheOtherSideIsTheFirstOtherAddressOfTheNetwork) {
  struct Case {
    std::vector<std::string> own, host;
    std::string_view wanted_own, wanted_host;
  };

  const Case cases[] = {
      {{"10.9.8.7/16"}, {}, "10.9.8.7/16", "10.9.0.1/16"},
      {{"10.9.0.1/16"}, {}, "10.9.0.1/16", "10.9.0.2/16"},
      {{}, {"10.9.0.1/30"}, "10.9.0.2/30", "10.9.0.1/30"},
      {{"10.9.0.1/24", "10.9.0.2/24"}, {}, "10.9.0.1/24 10.9.0.2/24", "10.9.0.3/24"},
      {{"fd77::2/64"}, {}, "fd77::2/64", "fd77::1/64"},
      {{"10.9.0.2/24", "fd77::1/64"}, {}, "10.9.0.2/24 fd77::1/64", "10.9.0.1/24 fd77::2/64"},
      {{"10.9.0.2/30"}, {}, "10.9.0.2/30", "10.9.0.1/30"},
      {{"10.9.255.254/8"}, {}, "10.9.255.254/8", "10.0.0.1/8"},
      {{"fd77::1/126", "fd77::2/126"}, {}, "fd77::1/126 fd77::2/126", "fd77::3/126"},
      {{"10.9.0.2/24"}, {"fd77::1/64"}, "10.9.0.2/24 fd77::2/64", "fd77::1/64 10.9.0.1/24"},
  };
  for (const Case& c : cases) {
    const DevicePlan plan = plan_of(options(c.own, c.host));
    EXPECT_EQ(text(plan.own), c.wanted_own);
    EXPECT_EQ(text(plan.host), c.wanted_host);
  }
}

TEST(DeviceOptions, FaultsAreRead) {
  DeviceOptions o;
  EXPECT_FALSE(plan_of(o).fault.has_value());
  o.fault = "loss=2%,out-delay=5ms,seed=7";
  const DevicePlan plan = plan_of(o);
  ASSERT_TRUE(plan.fault.has_value());
  EXPECT_EQ(plan.fault->in.loss_ppm, 20'000U);
  EXPECT_EQ(plan.fault->seed, 7U);
  o.fault = "loss=2";
  EXPECT_THROW((void)plan_of(o), Misuse);
}

TEST(DeviceOptions, WhatCannotBeIsOneLineThatNamesTheOption) {
  struct Case {
    std::vector<std::string> own, host;
    std::string_view says;
  };

  const Case cases[] = {
      {{"ten"}, {}, "--address ten: an address with its prefix is needed"},
      {{"10.9.0.2"}, {}, "--address 10.9.0.2: an address with its prefix is needed"},
      {{"10.9.0.2/0"}, {}, "a prefix of 1 to 30 is needed"},
      {{"10.9.0.2/31"}, {}, "a prefix of 1 to 30 is needed"},
      {{"fd77::2/127"}, {}, "a prefix of 1 to 126 is needed"},
      {{"fd77::/64"}, {}, "neither the first nor the last"},
      {{"::1/64"}, {}, "a unicast address"},
      {{"fd77::2/64"}, {"fd78::1/64"}, "different networks"},
      {{"10.9.0.0/24"}, {}, "neither the first nor the last"},
      {{}, {"10.9.0.255/24"}, "--host-address 10.9.0.255/24: a host's address is needed"},
      {{"127.0.0.2/8"}, {}, "a unicast address"},
      {{"224.1.2.3/24"}, {}, "a unicast address"},
      {{"10.9.0.2/24", "10.9.0.2/24"}, {}, "--address 10.9.0.2: given twice"},
      {{"10.9.0.2/24"}, {"10.9.0.2/24"}, "are both 10.9.0.2"},
      {{"10.9.0.2/24"}, {"10.8.0.1/24"}, "different networks"},
      {{"10.9.0.2/24"}, {"10.9.0.1/16"}, "different networks"},
      {{"10.9.0.1/30", "10.9.0.2/30"}, {}, "--host-address: none of 10.9.0.0/30 is left"},
      {{}, {"10.9.0.1/30", "10.9.0.2/30"}, "--address: none of 10.9.0.0/30 is left"},
  };
  for (const Case& c : cases) {
    try {
      (void)plan_of(options(c.own, c.host));
      ADD_FAILURE() << "taken: " << c.says;
    } catch (const Misuse& e) {
      EXPECT_NE(std::string_view(e.what()).find(c.says), std::string_view::npos) << e.what();
      EXPECT_EQ(std::string_view(e.what()).find('\n'), std::string_view::npos);
    }
  }
}

TEST(DeviceOptions, ACaptureThatCannotBeWrittenIsToldBeforeAnythingIsMade) {
  DeviceOptions o;
  for (const char* path : {"/nowhere/x.pcapng", "/tmp", "/proc/version/x"}) {
    o.pcap = path;
    EXPECT_THROW((void)plan_of(o), Misuse) << path;
  }
  o.pcap = testing::TempDir() + "x.pcapng";
  EXPECT_EQ(plan_of(o).pcap, o.pcap);
}

TEST(DeviceOptions, OneInterfaceOfOneKind) {
  DeviceOptions o;
  o.tap = "tap7";
  const DevicePlan plan = plan_of(o);
  EXPECT_EQ(plan.name, "tap7");
  EXPECT_TRUE(plan.ethernet.has_value());
  EXPECT_FALSE(plan_of({}).ethernet.has_value());
  o.tun = "rap0";
  EXPECT_THROW((void)plan_of(o), Misuse);
}

TEST(DeviceOptions, TheMtuIsANumberThatIpAllows) {
  for (const char* wrong : {"67", "65536", "", "big", "-1"}) {
    DeviceOptions o;
    o.mtu = wrong;
    EXPECT_THROW((void)plan_of(o), Misuse) << wrong;
  }
  DeviceOptions six = options({"fd77::2/64"}, {});
  six.mtu = "1279";
  EXPECT_THROW((void)plan_of(six), Misuse);
  six.mtu = "1280";
  EXPECT_EQ(plan_of(six).mtu, 1280);
  DeviceOptions o;
  o.mtu = "9000";
  EXPECT_EQ(plan_of(o).mtu, 9000);
}

}  // namespace
}  // namespace rapport::app
