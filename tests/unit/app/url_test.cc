// URLs as `fetch` takes them.
#include "rapport/app/url.hh"

#include "rapport/app/fetch_sink.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace rapport::app {
namespace {

TEST(Url, IsTakenApart) {
  struct Case {
    std::string_view text;
    bool tls;
    std::string_view host;
    uint16_t port;
    std::string_view target, authority;
  };

  const Case cases[] = {
      {"http://10.77.0.1/", false, "10.77.0.1", 80, "/", "10.77.0.1"},
      {"http://10.77.0.1", false, "10.77.0.1", 80, "/", "10.77.0.1"},
      {"10.77.0.1/a/b?c=d#e", false, "10.77.0.1", 80, "/a/b?c=d", "10.77.0.1"},
      {"https://Example.org:8443?x", true, "example.org", 8443, "/?x", "example.org:8443"},
      {"HTTPS://example.org:443/", true, "example.org", 443, "/", "example.org"},
      {"http://example.org:443/", false, "example.org", 443, "/", "example.org:443"},
      {"http://[fd77::1]/x", false, "fd77::1", 80, "/x", "[fd77::1]"},
      {"http://[fd77::1]:81/x", false, "fd77::1", 81, "/x", "[fd77::1]:81"},
      {"http://host:/x", false, "host", 80, "/x", "host"},
  };
  for (const Case& c : cases) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error();
    EXPECT_EQ(url->tls, c.tls) << c.text;
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->target, c.target);
    EXPECT_EQ(url->authority(), c.authority);
  }
}

TEST(Url, WhatIsNoneIsRefusedInOneLine) {
  for (const char* wrong :
       {"", "/", "http://", "http:///x", "ftp://host/", "http://me@host/", "http://ho st/",
        "http://host:0/", "http://host:65536/", "http://host:80x/", "http://[fd77::1/",
        "http://[10.0.0.1]/", "http://[]/", "http://host/a b", "http://host/a\r\nX: y",
        "http://h\"st/"}) {
    const auto url = parse_url(wrong);
    ASSERT_FALSE(url) << wrong;
    EXPECT_NE(url.error().find("such as http://"), std::string::npos) << url.error();
  }
}

TEST(Progress, IsOneLine) {
  EXPECT_EQ(progress_line(0, 1000, 0), "[>                             ]   0 %, 0 B of 1000 B");
  EXPECT_EQ(progress_line(512, 1024, 1),
            "[===============>              ]  50 %, 512 B of 1.0 KiB, 0.0 Mbit/s");
  EXPECT_EQ(progress_line(1 << 30, 1 << 30, 4),
            "[==============================] 100 %, 1.0 GiB of 1.0 GiB, 2.15 Gbit/s");
  EXPECT_EQ(progress_line(1536, std::nullopt, 0), "1.5 KiB");
}

}  // namespace
}  // namespace rapport::app
