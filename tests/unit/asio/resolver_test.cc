// Names from files and literals; everything else is nobody.
#include "rapport/socket/asio/resolver.hh"

#include "rapport/base/address.hh"
#include "rapport/socket/asio/names.hh"
#include "tests/unit/asio/world.hh"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

namespace rapport::asio::test {
namespace {

constexpr std::string_view kHosts =
    "# a comment\n"
    "127.0.0.1\tlocalhost\n"
    "10.0.0.2  server.lab server # 10.0.0.9 ghost\n"
    "fd00::2 server.lab\n"
    "10.0.0.3 Server.LAB\r\n"
    "10.0.0.2 server\n"
    "fe80::1%eth0 zone\n"
    "nonsense server\n"
    "10.0.0.4 last";

std::vector<IpAddress> addresses(std::initializer_list<std::string_view> texts) {
  std::vector<IpAddress> all;
  for (const auto text : texts) all.push_back(parse_address(text).value());
  return all;
}

TEST(AsioNames, HostsAreFoundInTheOrderOfTheFile) {
  EXPECT_EQ(find_host(kHosts, "server.lab"), addresses({"10.0.0.2", "fd00::2", "10.0.0.3"}));
  EXPECT_EQ(find_host(kHosts, "SERVER"), addresses({"10.0.0.2"}));
  EXPECT_EQ(find_host(kHosts, "server."), addresses({"10.0.0.2"}));
  EXPECT_EQ(find_host(kHosts, "last"), addresses({"10.0.0.4"}));
  for (const auto* nobody : {"ghost", "zone", "serve", "", "10.0.0.2", "#"}) {
    EXPECT_TRUE(find_host(kHosts, nobody).empty()) << nobody;
  }
  EXPECT_TRUE(find_host("", "server").empty());
}

TEST(AsioNames, ServicesHaveNumbersByProtocol) {
  constexpr std::string_view services =
      "# comment\n"
      "domain 53/tcp\ndomain 53/udp\n"
      "http\t80/tcp www # WorldWideWeb\n"
      "tftp 69/udp\nbroken\nworse x/tcp\nhuge 65536/tcp\n";
  EXPECT_EQ(find_service(services, "http", "tcp"), 80);
  EXPECT_EQ(find_service(services, "www", "tcp"), 80);
  EXPECT_EQ(find_service(services, "tftp", ""), 69);
  for (const auto* unknown : {"tftp", "broken", "worse", "huge", "WorldWideWeb", "", "HTTP"}) {
    EXPECT_EQ(find_service(services, unknown, "tcp"), std::nullopt) << unknown;
  }
}

TEST(AsioNames, PortsAreNumbersUpTo65535) {
  EXPECT_EQ(port_number("0"), 0);
  EXPECT_EQ(port_number("65535"), 65535);
  for (const auto* wrong : {"", "65536", "-1", "+1", "1 ", " 1", "0x50", "1e2"}) {
    EXPECT_EQ(port_number(wrong), std::nullopt) << wrong;
  }
}

TEST(AsioResolver, LiteralsNeedNoFile) {
  const auto four = resolve("10.0.0.2", "80");
  ASSERT_TRUE(four);
  ASSERT_EQ(four->size(), 1U);
  EXPECT_EQ(four->front().endpoint(), (Endpoint{IpAddress::v4(10, 0, 0, 2), 80}));
  EXPECT_EQ(four->front().host_name(), "10.0.0.2");
  EXPECT_EQ(four->front().service_name(), "80");
  EXPECT_EQ(resolve("[fd00::2]", "80")->front().endpoint(),
            (Endpoint{parse_address("fd00::2").value(), 80}));
}

TEST(AsioResolver, WhatNobodyKnowsSaysSo) {
  EXPECT_EQ(resolve("no-such-host.invalid", "80").error(), net::error::host_not_found);
  EXPECT_EQ(resolve("", "80").error(), net::error::host_not_found);
  EXPECT_EQ(resolve("10.0.0", "80").error(), net::error::host_not_found);
  EXPECT_EQ(resolve("10.0.0.2", "no such service").error(), net::error::service_not_found);
}

TEST(AsioResolver, AnswersAsAnAsioResolverDoes) {
  World w;
  w.run([](World& world) -> net::awaitable<void> {
    Resolver resolver(world.left);
    const auto found = co_await resolver.async_resolve("10.0.0.2", "80", net::use_awaitable);
    Stream s(world.left);
    const Endpoint answered = co_await s.async_connect(found, net::use_awaitable);
    EXPECT_EQ(answered, kServer);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    const auto none = co_await resolver.async_resolve("nobody.invalid", "80", token);
    EXPECT_EQ(ec, net::error::host_not_found);
    EXPECT_TRUE(none.empty());
  }(w));
}

TEST(AsioResolver, TheHandlerRunsLater) {
  World w;
  Resolver resolver(w.left);
  bool called = false;
  resolver.async_resolve("10.0.0.2", "80", [&](error_code ec, const ResolverResults& found) {
    called = !ec && found.size() == 1;
  });
  EXPECT_FALSE(called);
  w.linger(std::chrono::milliseconds(10));
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace rapport::asio::test
