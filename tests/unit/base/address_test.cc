// Addresses: kinds, text in (RFC 4291 2.2) and out (RFC 5952), networks.
#include "rapport/base/address.hh"

#include "rapport/base/flow_key.hh"
#include "rapport/base/reason.hh"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport {
namespace {

IpAddress a(std::string_view text) {
  const auto parsed = parse_address(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(IpAddress{});
}

Cidr net(std::string_view text) {
  const auto parsed = parse_cidr(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(Cidr{});
}

TEST(Address, ipv4_text) {
  EXPECT_EQ(a("10.0.0.1"), IpAddress::v4(10, 0, 0, 1));
  EXPECT_EQ(a("255.255.255.255"), IpAddress::v4(0xffffffffU));
  EXPECT_EQ(to_string(IpAddress::v4(192, 0, 2, 100)), "192.0.2.100");
  EXPECT_EQ(to_string(IpAddress::v4(0)), "0.0.0.0");
  EXPECT_EQ(IpAddress::v4(0x0a000102).v4_host(), 0x0a000102U);
}

TEST(Address, what_is_no_address) {
  for (const char* text : {"",
                           ".",
                           "1",
                           "1.2.3",
                           "1.2.3.4.",
                           "1.2.3.4.5",
                           ".1.2.3.4",
                           "1..2.3",
                           "256.1.1.1",
                           "1.2.3.1000",
                           "01.2.3.4",
                           "1.2.3.00",
                           "+1.2.3.4",
                           "1.2.3.-4",
                           " 1.2.3.4",
                           "1.2.3.4 ",
                           "0x1.2.3.4",
                           "a.b.c.d",
                           ":",
                           ":::",
                           "1:",
                           ":1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           "1::2::3",
                           "1:::2",
                           "12345::",
                           "g::",
                           "::+1",
                           "::1%eth0",
                           "[::1]",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "1.2.3.4::",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::1:2:3:4:5:6:1.2.3.4",
                           "::256.1.1.1",
                           "1:2:3:4::5:6:7:8",
                           "::0x1"}) {
    const auto parsed = parse_address(text);
    EXPECT_FALSE(parsed.has_value()) << text;
    if (!parsed) {
      EXPECT_EQ(parsed.error(), Error::InvalidArgument);
    }
  }
}

// RFC 5952 4 and 5, and RFC 4291 2.2.
TEST(Address, ipv6_text) {
  const auto canonical = [](std::string_view text) { return to_string(a(text)); };
  EXPECT_EQ(canonical("2001:0db8:0000:0000:0000:0000:0002:0001"), "2001:db8::2:1");
  EXPECT_EQ(canonical("2001:DB8::ABCD"), "2001:db8::abcd");
  EXPECT_EQ(canonical("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");  // 4.2.2: one group stays
  EXPECT_EQ(canonical("2001:db8::1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(canonical("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");        // 4.2.3: the longest run
  EXPECT_EQ(canonical("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");  // 4.2.3: the first of equals
  EXPECT_EQ(canonical("::"), "::");
  EXPECT_EQ(canonical("0:0:0:0:0:0:0:0"), "::");
  EXPECT_EQ(canonical("::1"), "::1");
  EXPECT_EQ(canonical("1::"), "1::");
  EXPECT_EQ(canonical("fe80::"), "fe80::");
  EXPECT_EQ(canonical("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(canonical("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8");
  EXPECT_EQ(canonical("64:ff9b::192.0.2.33"), "64:ff9b::c000:221");
  EXPECT_EQ(canonical("1:2:3:4:5:6:192.0.2.33"), "1:2:3:4:5:6:c000:221");
  EXPECT_EQ(canonical("::ffff:10.0.0.1"), "10.0.0.1");
}

RC_GTEST_PROP(Address, text_comes_back_as_the_same_address, ()) {
  IpAddress address;
  const auto zeros = *rc::gen::arbitrary<uint16_t>();  // groups that are zero
  for (size_t i = 0; i < 16; ++i) {
    if ((zeros >> (i / 2) & 1) == 0) address.octets[i] = *rc::gen::arbitrary<uint8_t>();
  }
  RC_ASSERT(a(to_string(address)) == address);
  const IpAddress v4 = IpAddress::v4(*rc::gen::arbitrary<uint32_t>());
  RC_ASSERT(a(to_string(v4)) == v4);
}

RC_GTEST_PROP(Address, any_text_is_an_address_or_refused, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('0', '1', '9', 'a', 'f', 'F', 'g', ':', '.', '/', '-'));
  const auto parsed = parse_address(text);
  if (parsed) RC_ASSERT(a(to_string(*parsed)) == *parsed);
  const auto network = parse_cidr(text);
  if (network) RC_ASSERT(network->contains(network->address));
}

TEST(Address, endpoints) {
  EXPECT_EQ(to_string(Endpoint{a("10.0.0.1"), 80}), "10.0.0.1:80");
  EXPECT_EQ(to_string(Endpoint{a("::1"), 8080}), "[::1]:8080");
}

TEST(Address, kinds) {
  EXPECT_TRUE(a("0.0.0.0").is_unspecified());
  EXPECT_TRUE(a("::").is_unspecified());
  EXPECT_FALSE(a("0.0.0.1").is_unspecified());
  EXPECT_TRUE(a("224.0.0.1").is_multicast());
  EXPECT_TRUE(a("239.255.255.255").is_multicast());
  EXPECT_TRUE(a("ff02::1").is_multicast());
  EXPECT_FALSE(a("240.0.0.1").is_multicast());
  EXPECT_FALSE(a("fe80::1").is_multicast());
  EXPECT_TRUE(a("240.0.0.1").is_reserved_or_broadcast());
  EXPECT_TRUE(a("255.255.255.255").is_reserved_or_broadcast());
  EXPECT_FALSE(a("239.0.0.1").is_reserved_or_broadcast());
  EXPECT_TRUE(a("127.1.2.3").is_loopback());
  EXPECT_TRUE(a("::1").is_loopback());
  EXPECT_FALSE(a("::2").is_loopback());
  EXPECT_TRUE(a("1.2.3.4").is_v4());
  EXPECT_FALSE(a("::1.2.3.4").is_v4());
}

TEST(Address, networks) {
  EXPECT_EQ(net("10.77.0.2/24"), (Cidr{IpAddress::v4(10, 77, 0, 2), 24}));
  EXPECT_TRUE(net("10.77.0.2/24").contains(a("10.77.0.255")));
  EXPECT_FALSE(net("10.77.0.2/24").contains(a("10.77.1.0")));
  EXPECT_TRUE(net("10.77.0.2/23").contains(a("10.77.1.0")));
  EXPECT_TRUE(net("0.0.0.0/0").contains(a("203.0.113.9")));
  EXPECT_FALSE(net("0.0.0.0/0").contains(a("2001:db8::1")));
  EXPECT_FALSE(net("::/0").contains(a("203.0.113.9")));
  EXPECT_TRUE(net("2001:db8::/33").contains(a("2001:db8:7fff::1")));
  EXPECT_FALSE(net("2001:db8::/33").contains(a("2001:db8:8000::1")));
  EXPECT_TRUE(net("::1/128").contains(a("::1")));
  EXPECT_FALSE(net("::1/128").contains(a("::2")));
  EXPECT_EQ(net("10.77.0.2/24").broadcast(), a("10.77.0.255"));
  EXPECT_EQ(net("0.0.0.0/0").broadcast(), a("255.255.255.255"));
  EXPECT_EQ(net("10.0.0.5/30").broadcast(), a("10.0.0.7"));
  EXPECT_TRUE(net("10.0.0.5/31").broadcast().is_unspecified());
  EXPECT_TRUE(net("10.0.0.5/32").broadcast().is_unspecified());
  EXPECT_TRUE(net("2001:db8::/64").broadcast().is_unspecified());
}

TEST(Address, what_is_no_network) {
  for (const char* text : {"10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/08",
                           "10.0.0.1/24/3", "/24", "::1/129", "::1/1000", "10.0.0.1/2 4"}) {
    EXPECT_FALSE(parse_cidr(text).has_value()) << text;
  }
}

TEST(FlowKey, equals_and_packs_its_ports_and_local_part) {
  FlowKey k;
  k.remote = a("10.0.0.1");
  k.remote_port = 0x1122;
  k.local_port = 0x3344;
  k.local = LocalId{0x5566};
  k.interface = 0x7788;
  FlowKey same = k;
  EXPECT_EQ(k, same);
  same.interface = 1;
  EXPECT_FALSE(k == same);
  EXPECT_EQ(k.ports_and_local(), 0x7788556633441122U);
}

}  // namespace
}  // namespace rapport
