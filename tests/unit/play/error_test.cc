// Syntax errors: for each, where it is, what was expected and what is there instead.
#include "rapport/play/parse.hh"
#include "rapport/play/script.hh"
#include "tests/unit/play/examples.hh"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

using Case = std::pair<std::string_view, std::string_view>;

template <typename Cases>
void expect_errors(const Cases& cases) {
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
}

TEST(PlayErrors, Lexical) {
  expect_errors(std::to_array<Case>({
      {"",
       "1:1: expected an event: a time ('1.5', '+.1' or '*') and what happens then, found the "
       "end of the script"},
      {"0 /* open", "1:3: expected '*/' after this comment, found the end of the script"},
      {"0 `open", "1:3: expected a closing back-quote, found the end of the script"},
      {"0 %{ open }", "1:3: expected '}%' after '%{', found the end of the script"},
      {"0 f(\"open\n\") = 0", "1:5: expected a closing '\"', found the end of the line"},
      {"0 f(99999999999999999999) = 0",
       "1:5: expected an integer of 64 bits, found '99999999999999999999'"},
      {"0 \x01",
       "1:3: expected a packet ('<' or '>'), a system call, a `shell line` or %{ code }%, "
       "found '?'"},
  }));
}

TEST(PlayErrors, ConditionalText) {
  expect_errors(std::to_array<Case>({
      {"#endif", "1:1: expected '#ifdef' before '#endif', found '#endif' alone"},
      {"0 f() = 0\n#ifdef X\n",
       "2:1: expected '#endif' after this '#ifdef', found the end of the script"},
      {"#ifdef X\n#ifdef Y\n#endif",
       "2:1: expected '#endif' before another '#ifdef', found '#ifdef'"},
      {"0 f() = 0 #ifdef X",
       "1:11: expected '#ifdef NAME' or '#endif' at the beginning of a line, found '#'"},
      {"#define X",
       "1:1: expected '#ifdef NAME' or '#endif' at the beginning of a line, found '#'"},
      {"#ifdef \n#endif", "1:1: expected '#ifdef NAME', found no name"},
  }));
  const std::array<Define, 1> defined{{{"X", ""}}};
  EXPECT_EQ(error_of("\n#ifdef X\n0 f() = 0", {.defines = defined}),
            "2:1: expected '#endif' after '#ifdef', found the end of the script");
  EXPECT_EQ(error_of("#ifdef X\n0 f() = 0\n#ifdef Y\n#endif", {.defines = defined}),
            "3:1: expected '#endif' before another '#ifdef', found '#ifdef'");
}

TEST(PlayErrors, OptionsAndShellLines) {
  expect_errors(std::to_array<Case>({
      {"--", "1:3: expected the name of an option after '--', found the end of the script"},
      {"--5", "1:3: expected the name of an option after '--', found '5'"},
      {"--a=", "1:5: expected a value after '=', found the end of the script"},
      {"--define=5", "1:10: expected NAME=VALUE to define, found '5'"},
      {"--define=X\n0 f() = 0", "2:1: expected '=' and the value of the name to define, found '0'"},
      {"--define=X=", "1:12: expected a value after '=', found the end of the script"},
      {"`a`",
       "1:4: expected an event: a time ('1.5', '+.1' or '*') and what happens then, found "
       "the end of the script"},
      {"0 f() = 0\n`a`\n+0 f() = 0",
       "3:1: expected the end of the script after its last shell line, found '+'"},
  }));
}

TEST(PlayErrors, Times) {
  expect_errors(std::to_array<Case>({
      {"x",
       "1:1: expected an event: a time ('1.5', '+.1' or '*') and what happens then, found 'x'"},
      {"+ f() = 0", "1:3: expected a time in seconds, found 'f'"},
      {"+-1 f() = 0", "1:2: expected a time in seconds, found '-1'"},
      {"-1 f() = 0", "1:1: expected a time in seconds, found '-1'"},
      {"1000000001 f() = 0",
       "1:1: expected a time of at most 1000000000 seconds, found '1000000001'"},
      {"99999999999999999999 f() = 0",
       "1:1: expected a time of at most 1000000000 seconds, found '99999999999999999999'"},
      {"+0~1 > . 1:1(0)", "1:4: expected '+' and a time after '~', found '1'"},
      {"2~1 > . 1:1(0)", "1:3: expected an end that is not before the beginning, found less"},
      {"* f() = 0",
       "1:1: expected one time: '*' and ranges are for outbound packets, found more than one"},
      {"0~1 < . 1:1(0)",
       "1:1: expected one time: '*' and ranges are for outbound packets, found more than one"},
      {"0...f() = 0", "1:5: expected a time in seconds, found 'f'"},
      {"0...1 `a`",
       "1:7: expected a packet ('<' or '>'), a system call, a `shell line` or "
       "%{ code }%, found '`a`'"},
      {"0",
       "1:2: expected a packet ('<' or '>'), a system call, a `shell line` or %{ code }%, "
       "found the end of the script"},
  }));
}

TEST(PlayErrors, Segments) {
  constexpr std::string_view kFlags =
      "expected flags (some of S F R P U E W A, then '.', or '-'), found ";
  const auto flags = [&](std::string_view where, std::string_view found) {
    return std::string{where} + ": " + std::string{kFlags} + std::string{found};
  };
  EXPECT_EQ(error_of("0 >"), flags("1:4", "the end of the script"));
  EXPECT_EQ(error_of("0 > X 1:1(0)"), flags("1:5", "'X'"));
  EXPECT_EQ(error_of("0 > SS 1:1(0)"), flags("1:5", "'SS'"));
  EXPECT_EQ(error_of("0 > .8 1:1(0)"), flags("1:5", "'.8'"));
  EXPECT_EQ(error_of("0 > = 1:1(0)"), flags("1:5", "'='"));
  expect_errors(std::to_array<Case>({
      {"0 > 1:1(0)", "1:6: expected '>' between two ports, found ':'"},
      {"0 > 1 > x", "1:9: expected a port, found 'x'"},
      {"0 > 1 > 65536 . 1:1(0)", "1:9: expected a port from 0 to 65535, found '65536'"},
      {"0 > . x", "1:7: expected a sequence range like 1:1001(1000), found 'x'"},
      {"0 > . 1",
       "1:8: expected ':' in a sequence range like 1:1001(1000), found the end of the "
       "script"},
      {"0 > . 1:x", "1:9: expected the end of a sequence range like 1:1001(1000), found 'x'"},
      {"0 > . 1:1 ack", "1:11: expected '(' in a sequence range like 1:1001(1000), found 'ack'"},
      {"0 > . 1:1(x", "1:11: expected a length of data, found 'x'"},
      {"0 > . 1:1(0 ack", "1:13: expected ')', found 'ack'"},
      {"0 > . -1:1(2)",
       "1:7: expected a sequence range like 1:1001(1000) from 0 to 4294967295, found '-1'"},
      {"0 > . 1:3(1)", "1:7: expected 1:2(1), found 1:3(1)"},
      {"0 > . 1:70001(70000)", "1:15: expected a length of data from 0 to 65535, found '70000'"},
      {"0 < . ...(0)", "1:7: expected a sequence number in an inbound packet, found '...'"},
      {"0 > . 1:1(0) ack x", "1:18: expected an acknowledgment number, found 'x'"},
      {"0 > . 1:1(0) ack 1 win 65536", "1:24: expected a window from 0 to 65535, found '65536'"},
      {"0 > . 1:1(0) urg x", "1:18: expected an urgent pointer, found 'x'"},
      {"0 > . 1:1(0) win 1 ack 1",
       "1:20: expected an event: a time ('1.5', '+.1' or '*') and what happens then, found 'ack'"},
      {"0 > encap x", "1:11: expected 'psp', found 'x'"},
      {"0 > encap psp x", "1:15: expected 'spi', found 'x'"},
      {"0 > encap psp spi x", "1:19: expected a security index, found 'x'"},
      {"0 > . 1:1(0) /tcp", "1:15: expected 'udp', found 'tcp'"},
      {"0 > . 1:1(0) /udp 1", "1:19: expected '(', found '1'"},
      {"0 < ipv4 1.2.3.4", "1:17: expected ':' after an outer header, found the end of the script"},
  }));
}

TEST(PlayErrors, IpItems) {
  expect_errors(std::to_array<Case>({
      {"0 > [x]",
       "1:6: expected noecn, ect0, ect1, ce, ect01, tos, flowlabel, ttl, ecn, dscp, class "
       "or hlim, found 'x'"},
      {"0 > [ecn x]", "1:10: expected noecn, ect0, ect1, ce or ect01, found 'x'"},
      {"0 < [ect01] S 0:0(0)",
       "1:6: expected one of ect0 and ect1 in an inbound packet, found 'ect01'"},
      {"0 > [tos 256]", "1:10: expected a type of service from 0 to 255, found '256'"},
      {"0 > [flowlabel 0x100000]",
       "1:16: expected a flow label from 0 to 1048575, found '0x100000'"},
      {"0 > [ttl x]", "1:10: expected a time to live, found 'x'"},
      {"0 > [class x]", "1:12: expected a traffic class, found 'x'"},
      {"0 > [hlim x]", "1:11: expected a hop limit, found 'x'"},
      {"0 > [dscp x]", "1:11: expected a DSCP (cs0 to cs7, af11 to af43, ef, ...), found 'x'"},
      {"0 > [ce S", "1:9: expected ',' or ']', found 'S'"},
      {"0 > (ce]", "1:8: expected ',' or ')', found ']'"},
  }));
}

TEST(PlayErrors, TcpOptions) {
  constexpr std::string_view kOption =
      "expected a TCP option (nop, eol, mss, wscale, sackOK, sack, TS, FO, FOEXP, exp-FO, md5, "
      "...), found ";
  EXPECT_EQ(error_of("0 > . 1:1(0) <x>"), "1:15: " + std::string{kOption} + "'x'");
  EXPECT_EQ(error_of("0 > . 1:1(0) <>"), "1:15: " + std::string{kOption} + "'>'");
  EXPECT_EQ(error_of("0 > . 1:1(0) <exp-x>"), "1:15: " + std::string{kOption} + "'exp-x'");
  expect_errors(std::to_array<Case>({
      {"0 > . 1:1(0) <nop nop>", "1:19: expected ',' or '>' after a TCP option, found 'nop'"},
      {"0 > . 1:1(0) <..., nop>", "1:18: expected '>', found ','"},
      {"0 < . 1:1(0) <...>", "1:15: expected TCP options in an inbound packet, found '...'"},
      {"0 > . 1:1(0) <mss x>", "1:19: expected an MSS, found 'x'"},
      {"0 > . 1:1(0) <wscale 256>", "1:22: expected a shift from 0 to 255, found '256'"},
      {"0 > . 1:1(0) <sack>", "1:19: expected a SACK block like 1:1001, found '>'"},
      {"0 > . 1:1(0) <sack 1>", "1:21: expected ':' in a SACK block like 1:1001, found '>'"},
      {"0 > . 1:1(0) <sack 1:>", "1:22: expected the end of a SACK block like 1:1001, found '>'"},
      {"0 > . 1:1(0) <TS 1>", "1:18: expected 'val', found '1'"},
      {"0 > . 1:1(0) <TS val x>", "1:22: expected a timestamp, found 'x'"},
      {"0 > . 1:1(0) <TS val 1>", "1:23: expected 'ecr', found '>'"},
  }));
}

TEST(PlayErrors, UdpAndIcmp) {
  expect_errors(std::to_array<Case>({
      {"0 < udp 5", "1:10: expected '>' between two ports, found the end of the script"},
      {"0 < udp x", "1:9: expected '(' and a length, found 'x'"},
      {"0 < icmp", "1:9: expected a type of ICMP message, found the end of the script"},
      {"0 < icmp 256", "1:10: expected a type of ICMP message from 0 to 255, found '256'"},
      {"0 < icmp x 256", "1:12: expected a code of an ICMP message from 0 to 255, found '256'"},
      {"0 < icmp x y mtu z", "1:18: expected an MTU, found 'z'"},
      {"0 < icmp x y id 70000", "1:17: expected an identifier from 0 to 65535, found '70000'"},
      {"0 < icmp x y [1:1(0)", "1:21: expected ']', found the end of the script"},
      {"0 < icmp x y [udp 5]", "1:19: expected '(' and a length, found '5'"},
      {"0 < icmp x y [z]", "1:15: expected a sequence range like 1:1001(1000), found 'z'"},
  }));
}

TEST(PlayErrors, Calls) {
  constexpr std::string_view kValue =
      "expected a value (a number, a word, a string, [...], {...} or ...), found ";
  EXPECT_EQ(error_of("0 f(,) = 0"), "1:5: " + std::string{kValue} + "','");
  EXPECT_EQ(error_of("0 f(1,) = 0"), "1:7: " + std::string{kValue} + "')'");
  EXPECT_EQ(error_of("0 f() ="), "1:8: " + std::string{kValue} + "the end of the script");
  EXPECT_EQ(error_of("0 f(a|) = 0"), "1:7: " + std::string{kValue} + "')'");
  expect_errors(std::to_array<Case>({
      {"0 f = 0", "1:5: expected '(' after the name of a system call, found '='"},
      {"0 f(1 2) = 0", "1:7: expected ',' or ')', found '2'"},
      {"0 f([1}) = 0", "1:7: expected ',' or ']', found '}'"},
      {"0 f({1]) = 0", "1:7: expected ',' or '}', found ']'"},
      {"0 f()", "1:6: expected '=' and the result of the call, found the end of the script"},
      {"0 f() = 0 (open", "1:11: expected ')' after this, found '('"},
  }));
}

TEST(PlayErrors, Bounds) {
  EXPECT_EQ(error_of("0 f(" + std::string(100, '[') + ") = 0"),
            "1:37: expected values nested at most 32 deep, found '['");
  EXPECT_EQ(error_of(std::string(kMaxScriptBytes + 1, ' ')),
            "1:1: expected a script of at most 1048576 octets, found more");
  std::string many;
  for (size_t i = 0; i <= kMaxEvents; ++i) many += "+0 f()=0\n";
  EXPECT_EQ(error_of(many), "20001:1: expected at most 20000 events, found '+'");
}

TEST(PlayErrors, Dialects) {
  const auto in_g = [](std::string_view text) { return error_of(text, {.dialect = Dialect::G}); };
  const auto in_f = [](std::string_view text) { return error_of(text, {.dialect = Dialect::F}); };
  EXPECT_EQ(in_g("0 > R 1:1(0)!"), "1:13: expected dialect g, found '!' of dialect f");
  EXPECT_EQ(in_g("0 > . ...(0)"),
            "1:7: expected dialect g, found '...' for a sequence number of "
            "dialect f");
  EXPECT_EQ(in_g("\n#ifdef X\n#endif\n0 f() = 0"),
            "2:1: expected dialect g, found '#ifdef' of dialect f");
  EXPECT_EQ(in_g("0 > [hlim 4] S 0:0(0)"), "1:6: expected dialect g, found 'hlim' of dialect f");
  EXPECT_EQ(in_g("0 > . 1:1(0) <exp-FO>"), "1:15: expected dialect g, found 'exp-FO' of dialect f");
  EXPECT_EQ(in_g("0 > . 1:1(0) /udp(1 > 2)"),
            "1:14: expected dialect g, found '/udp' of dialect f");
  EXPECT_EQ(in_g("0 > . 1:1(0) <TS val 1! ecr 2>"),
            "1:23: expected dialect g, found '!' of dialect f");
  EXPECT_EQ(in_f("0 > . 1:1(0) <FOEXP>"), "1:15: expected dialect f, found 'FOEXP' of dialect g");
  EXPECT_EQ(in_f("0 > .3 1:1(0)"), "1:5: expected dialect f, found an ECN counter of dialect g");
  EXPECT_EQ(in_f("0 > encap psp spi 1 S 0:0(0)"),
            "1:5: expected dialect f, found 'encap' of dialect g");
}

TEST(PlayErrors, NameTheLineAndTheDefinedWord) {
  const std::array<Define, 1> defined{{{"LENGTH", "many"}}};
  const auto script =
      parse("0 f() = 0\r\n+0 > . 1:1(LENGTH)\n", {.file = "dir/a.pkt", .defines = defined});
  ASSERT_FALSE(script.has_value());
  EXPECT_EQ(script.error().text(),
            "dir/a.pkt:2:12: expected a length of data, found 'many', the value of 'LENGTH'");
  EXPECT_EQ(script.error().line_text, "+0 > . 1:1(LENGTH)");
  const auto long_one = parse("0 > " + std::string(60, 'x'));
  ASSERT_FALSE(long_one.has_value());
  EXPECT_LT(long_one.error().found.size(), 70U);
}

}  // namespace

}  // namespace rapport::play
