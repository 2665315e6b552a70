// The printer: what it prints is read as the same tree; and how some trees look.
#include "rapport/play/print.hh"

#include "rapport/base/time.hh"
#include "rapport/play/script.hh"
#include "tests/unit/play/examples.hh"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

void expect_round_trip(std::string_view text) {
  const Script script = parsed(text);
  const std::string printed = print(script);
  EXPECT_EQ(parsed(printed, {.dialect = script.dialect}), script) << printed;
  EXPECT_EQ(print(parsed(printed, {.dialect = script.dialect})), printed);
}

TEST(PlayPrint, RoundTripOfExamples) {
  expect_round_trip(kPassiveOpen);
  expect_round_trip(kActiveClose);
  expect_round_trip(kPassiveClose);
}

TEST(PlayPrint, RoundTripOfEachProduction) {
  const auto kTexts = std::to_array<std::string_view>({
      "--a\n--b=c\n--d=\"e f\"\n--g=\"//\"\n--h=\"\"\n--i=`j k`\n`l`\n0 `m\nn`\n`o`\n`p`",
      "0~1 > . 1:1(0)\n+0~+.000001 > . 1:1(0)\n* > . 1:1(0)",
      "1...2.5 connect(3, ..., ...) = 0",
      "0 < [ect0, tos 0x3, ttl 5, flowlabel 0x12] - 1:1(0)",
      "0 > (ect01) SEW 0:0(0)",
      "0 > [class 0x1, hlim 2, dscp ef] FRPU. 1:1(0)",
      "0 > [ecn ce] SEWA 0:0(0)",
      "0 > P.7 1:2(1) ack 1",
      "0 < encap psp spi 7 S 0:0(0)",
      "0 < 1 > 2 . 4294967290:4(10) ack 5 win 6 urg 7 <nop,eol,mss 8,wscale 9,sackOK,"
      "sack 1:2 3:4,TS val 5 ecr 6,FO,FO ab,FOEXP 12,md5 00,ECN e0b 1>",
      "0 > . ...(5) ack 1 <TS val 1! ecr 2!,exp-FO 12,md5 valid,AccECN0 1 2,exp-AccECN1,exp-tarr>"
      "/udp(9899 > 9900)",
      "0 > . ...(5)! <...>",
      "0 < ipv4 [ttl 4] 1.2.3.4 > 5.6.7.8: gre a: mpls (label 1, ttl 2): S 0:0(0)",
      "0 < udp 1 > 2 (3)\n+0 > udp (4)",
      "0 < icmp unreachable frag_needed mtu 1 id 2 [1:2(1)/udp(1 > 2)]",
      "0 < icmp 3 4 [udp (5)]\n+0 < icmp x [raw (6)]\n+0 > icmp echo_reply id 7",
      "0 f() = -1 EAGAIN (a (b) 'c)",
      "0 f(..., -1, 0x0, 0xff, W, NULL, A|B|C, [], {}, [1, {a=1, b=C|D, c(1, ...)=[2]}]) = 0x2 (x)",
      R"(0 f("", "a\"b\\c\n\t\x7f\xff", "open"..., g(h(1), "i")) = ...)",
      "0 %{ assert a == 1 }%\n+0 %{\n  assert b\n  assert c }%",
  });
  for (const auto text : kTexts) expect_round_trip(text);
}

TEST(PlayPrint, Looks) {
  EXPECT_EQ(print(1500_ms), "1.5");
  EXPECT_EQ(print(0_s), "0");
  EXPECT_EQ(print(1_us), "0.000001");
  EXPECT_EQ(print(only_event("+.10 <  S. 7:7(0)   ack 1 win 9 <mss 1460,nop>")),
            "+0.1 < S. 7:7(0) ack 1 win 9 <mss 1460,nop>");
  EXPECT_EQ(print(only_event("+0....50 read(3,...,4)=-1 EINTR (why)")),
            "+0...0.5 read(3, ..., 4) = -1 EINTR (why)");
  EXPECT_EQ(print(only_event("0 %{assert 1}%")), "0 %{ assert 1 }%");
}

}  // namespace

}  // namespace rapport::play
