// The parser: each production of the grammar, and the values that it makes.
#include "rapport/play/parse.hh"

#include "rapport/base/time.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/script.hh"
#include "rapport/wire/tcp.hh"
#include "tests/unit/play/examples.hh"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;

TEST(PlayParse, PassiveOpenExample) {
  const Script s = parsed(kPassiveOpen);
  ASSERT_EQ(s.events.size(), 10U);
  EXPECT_EQ(s.events[0].when.kind, When::Kind::Absolute);
  const auto& accept = std::get<Syscall>(s.events[6].action);
  EXPECT_EQ(accept.name, "accept");
  EXPECT_EQ(accept.result.number, 9);
  const auto& answer = std::get<Packet>(s.events[8].action);
  EXPECT_TRUE(answer.outbound());
  EXPECT_EQ(s.events[8].when.kind, When::Kind::RelativeRange);
  EXPECT_EQ(s.events[8].when.from, 0_s);
  EXPECT_EQ(s.events[8].when.to, 500_ms);
  const auto& segment = std::get<TcpSegment>(answer.body);
  EXPECT_EQ(segment.flags, kAck);
  EXPECT_EQ(segment.sequence.first, 1U);
  EXPECT_EQ(segment.ack, 2U);
  EXPECT_FALSE(segment.window.has_value());
  EXPECT_TRUE(segment.options.empty());
  EXPECT_EQ(s.dialect, Dialect::G);
}

// Found by fuzz_script: "0" on the next line is a time, not a code.
TEST(PlayParse, AnIcmpCodeStandsOnTheLineOfItsType) {
  const Script s = parsed("0 < icmp echo_request\n0 < icmp 3\n0 < icmp 3 1\n0 `ip route`\n");
  ASSERT_EQ(s.events.size(), 4U);
  const auto code = [&](size_t i) {
    return std::get<IcmpMessage>(std::get<Packet>(s.events[i].action).body).code;
  };
  EXPECT_EQ(code(0), "");
  EXPECT_EQ(code(1), "");
  EXPECT_EQ(code(2), "1");
}

TEST(PlayParse, ActiveCloseExample) {
  const Script s = parsed(kActiveClose);
  ASSERT_EQ(s.events.size(), 16U);
  const auto& connect = std::get<Syscall>(s.events[1].action);
  EXPECT_EQ(connect.until, 50_ms);
  EXPECT_EQ(s.events[1].when.kind, When::Kind::Relative);
  EXPECT_TRUE(std::get<TcpSegment>(std::get<Packet>(s.events[2].action).body).options_unchecked);
  EXPECT_EQ(std::get<CodeBlock>(s.events[7].action).text, "assert tcpi_state == TCP_FIN_WAIT1");
  EXPECT_EQ(s.events[8].when.from, 50_ms);
}

TEST(PlayParse, PassiveCloseExample) {
  const Script s = parsed(kPassiveClose);
  ASSERT_EQ(s.events.size(), 17U);
  const auto& reset = std::get<TcpSegment>(std::get<Packet>(s.events[16].action).body);
  EXPECT_EQ(reset.flags, kRst);
  EXPECT_FALSE(reset.ack.has_value());
}

TEST(PlayParse, PlacesAndLines) {
  const Script s = parsed("0 close(3) = 0\n  +.1 <  S 0:0(0)\n");
  const auto& packet = std::get<Packet>(s.events[1].action);
  EXPECT_EQ(s.events[1].when.place.line, 2U);
  EXPECT_EQ(s.events[1].when.place.column, 3U);
  EXPECT_EQ(packet.place.column, 7U);
  EXPECT_EQ(std::get<TcpSegment>(packet.body).sequence.place.column, 12U);
  EXPECT_EQ(s.line(packet.place), "  +.1 <  S 0:0(0)");
  EXPECT_EQ(s.line({}), "");
}

TEST(PlayParse, Options) {
  const Script s = parsed(
      "--ip_version=ipv4 // a remark\n--strict_segments\n--local_ip=fd3d::1/64 --mtu = 1280\n"
      "--tcp_md5_secret=\"a b\"\n--non_fatal=packet,syscall\n--mtu=1500\n0 close(3) = 0");
  ASSERT_EQ(s.options.size(), 7U);
  EXPECT_EQ(s.options[0].value, "ipv4");
  EXPECT_EQ(s.options[1].name, "strict_segments");
  EXPECT_EQ(s.options[1].value, std::nullopt);
  EXPECT_EQ(s.options[2].value, "fd3d::1/64");
  EXPECT_EQ(s.options[3].value, "1280");
  EXPECT_EQ(s.options[4].value, "a b");
  EXPECT_EQ(s.options[5].value, "packet,syscall");
  ASSERT_NE(s.option("mtu"), nullptr);
  EXPECT_EQ(s.option("mtu")->value, "1500");
  EXPECT_EQ(s.option("mss"), nullptr);
}

TEST(PlayParse, SetUpAndTearDown) {
  const Script s = parsed("`one`\n0 `two\nlines`\n+0 close(3) = 0\n`three`");
  ASSERT_EQ(s.init.size(), 1U);
  EXPECT_EQ(s.init[0].text, "one");
  ASSERT_EQ(s.events.size(), 2U);
  EXPECT_EQ(std::get<ShellLine>(s.events[0].action).text, "two\nlines");
  ASSERT_EQ(s.cleanup.size(), 1U);
  EXPECT_EQ(s.cleanup[0].text, "three");
}

TEST(PlayParse, Times) {
  const auto when = [](std::string_view text) {
    return only_event(std::string{text} + " > . 1:1(0) ack 1").when;
  };
  EXPECT_EQ(when("1.5").from, 1500_ms);
  EXPECT_EQ(when("+ .000001").from, 1_us);
  EXPECT_EQ(when("+.0000019").from, 1_us) << "the resolution is a microsecond";
  EXPECT_EQ(when("*").kind, When::Kind::Any);
  EXPECT_EQ(when("0~1.5").kind, When::Kind::AbsoluteRange);
  EXPECT_EQ(when("0~1.5").to, 1500_ms);
  EXPECT_EQ(when("+.1~+.25").from, 100_ms);
  EXPECT_EQ(when("+.1~+.25").to, 250_ms);
  EXPECT_TRUE(when("+.1~+.25").relative());
  EXPECT_EQ(only_event("0...0.2 connect(3, ..., ...) = 0").syscall()->until, 200_ms);
  EXPECT_EQ(only_event("0....2 connect(3, ..., ...) = 0").syscall()->until, 200_ms);
}

TEST(PlayParse, Flags) {
  const auto flags = [](std::string_view text) {
    return segment_of("0 < " + std::string{text} + " 1:1(0)");
  };
  EXPECT_EQ(flags("-").flags, wire::Flags{});
  EXPECT_EQ(flags(".").flags, kAck);
  EXPECT_EQ(flags("FRPU.").flags, kFin | kRst | kPsh | wire::kUrg | kAck);
  EXPECT_EQ(flags("SEW").flags, kSyn | wire::kEce | wire::kCwr);
  EXPECT_TRUE(flags("SEWA").accurate_ecn);
  EXPECT_EQ(flags(".5").ecn_counter, 5);
  EXPECT_EQ(flags("P.7").ecn_counter, 7);
  EXPECT_EQ(flags("P.7").flags, kPsh | kAck);
}

TEST(PlayParse, SegmentFields) {
  const TcpSegment s = segment_of(
      "0 < 8080 > 5000 P. 4294967295:99(100) ack 4294967295 win 65535 urg 7 "
      "<nop,eol,mss 1460,wscale 14,sackOK,sack 1:2 4294967295:3,TS val 4294967295 ecr 0>");
  EXPECT_EQ(s.ports, (Ports{.source = 8080, .destination = 5000}));
  EXPECT_EQ(s.sequence.first, 4294967295U);
  EXPECT_EQ(s.sequence.length, 100);
  EXPECT_EQ(s.ack, 4294967295U);
  EXPECT_EQ(s.window, 65535);
  EXPECT_EQ(s.urgent, 7);
  ASSERT_EQ(s.options.size(), 7U);
  EXPECT_EQ(s.options[0].kind, TcpOption::Kind::Nop);
  EXPECT_EQ(s.options[1].kind, TcpOption::Kind::End);
  EXPECT_EQ(s.options[2].value, 1460U);
  EXPECT_EQ(s.options[3].value, 14U);
  EXPECT_EQ(s.options[4].kind, TcpOption::Kind::SackPermitted);
  ASSERT_EQ(s.options[5].blocks.size(), 2U);
  EXPECT_EQ(s.options[5].blocks[1].left, 4294967295U);
  EXPECT_EQ(s.options[5].blocks[1].right, 3U);
  EXPECT_EQ(s.options[6].value, 4294967295U);
}

TEST(PlayParse, OptionsOfLaterStandards) {
  const auto option = [](std::string_view text) {
    const TcpSegment s = segment_of("0 > S 0:0(0) <" + std::string{text} + ",nop>");
    EXPECT_EQ(s.options.size(), 2U);
    return s.options.at(0);
  };
  EXPECT_EQ(option("FO").kind, TcpOption::Kind::FastOpen);
  EXPECT_EQ(option("FO").words, "");
  EXPECT_EQ(option("FO 0123456789abcdef").words, "0123456789abcdef");
  EXPECT_EQ(option("FOEXP 12").kind, TcpOption::Kind::FastOpenExp);
  EXPECT_EQ(option("exp-FO 12").kind, TcpOption::Kind::FastOpenExp);
  EXPECT_EQ(option("md5 valid").words, "valid");
  EXPECT_EQ(option("ECN e1b 1 ceb 0").words, "e1b 1 ceb 0");
  EXPECT_EQ(option("AccECN0 1 2 3").name, "AccECN0");
  EXPECT_EQ(option("exp-tarr 5").kind, TcpOption::Kind::Experimental);
  EXPECT_EQ(option("exp-AccECN1").name, "exp-AccECN1");
}

TEST(PlayParse, UncheckedAndRawNumbers) {
  const TcpSegment any = segment_of("0 > . ...(10) ack 1");
  EXPECT_TRUE(any.sequence.unchecked);
  EXPECT_EQ(any.sequence.length, 10);
  EXPECT_TRUE(segment_of("0 > R 5:5(0)! win 0").sequence.raw);
  const TcpOption ts = segment_of("0 > . 1:1(0) <TS val 5! ecr 6!>").options.at(0);
  EXPECT_TRUE(ts.value_unchecked);
  EXPECT_TRUE(ts.echo_unchecked);
  EXPECT_EQ(ts.echo, 6U);
}

TEST(PlayParse, Encapsulation) {
  const Packet p = packet_of(
      "0 < [ce] ipv4 [ttl 3] 10.0.0.1 > 10.0.0.2: ipv6 fd3d::1 > fd3d::2: gre flags 0x2000, proto "
      "0x86dd: "
      "mpls (label 0,tc 0,ttl 0): S 0:0(0)");
  ASSERT_EQ(p.encapsulation.size(), 4U);
  EXPECT_EQ(p.encapsulation[0].text, "[ttl 3] 10.0.0.1 > 10.0.0.2");
  EXPECT_EQ(p.encapsulation[1].kind, Encapsulation::Kind::Ipv6);
  EXPECT_EQ(p.encapsulation[1].text, "fd3d::1 > fd3d::2");
  EXPECT_EQ(p.encapsulation[2].text, "flags 0x2000, proto 0x86dd");
  EXPECT_EQ(p.encapsulation[3].kind, Encapsulation::Kind::Mpls);
  EXPECT_EQ(segment_of("0 < encap psp spi 17 S 0:0(0)").psp_spi, 17U);
  EXPECT_EQ(segment_of("0 > S 0:0(0) <mss 1460>/udp(9899 > 9900)").udp_encapsulation,
            (Ports{.source = 9899, .destination = 9900}));
}

TEST(PlayParse, IpItems) {
  const auto ip = [](std::string_view text) {
    return packet_of("0 > " + std::string{text} + " S 0:0(0)").ip;
  };
  EXPECT_EQ(ip("[noecn]").ecn, Ecn::NotEct);
  EXPECT_EQ(ip("(ect0)").ecn, Ecn::Ect0);
  EXPECT_EQ(ip("[ect1]").ecn, Ecn::Ect1);
  EXPECT_EQ(ip("[ce]").ecn, Ecn::Ce);
  EXPECT_EQ(ip("[ect01]").ecn, Ecn::Ect01);
  EXPECT_EQ(ip("[ecn ect0]").ecn, Ecn::Ect0);
  const IpItems g = ip("[tos 0x1f, flowlabel 0xfffff, ttl 64]");
  EXPECT_EQ(g.tos, 0x1f);
  EXPECT_EQ(g.flow_label, 0xfffffU);
  EXPECT_EQ(g.ttl, 64);
  EXPECT_FALSE(g.ecn.has_value());
  const IpItems f = ip("[class 0x20, hlim 1, dscp af11]");
  EXPECT_EQ(f.tos, 0x20);
  EXPECT_EQ(f.ttl, 1);
  EXPECT_EQ(f.dscp, 10);
  EXPECT_EQ(ip("[dscp 0x3f]").dscp, 63);
}

TEST(PlayParse, UdpAndIcmp) {
  const auto udp = std::get<UdpDatagram>(packet_of("0 < udp (1000)").body);
  EXPECT_EQ(udp.length, 1000);
  EXPECT_EQ(std::get<UdpDatagram>(packet_of("0 > udp 1 > 2 (0)").body).ports,
            (Ports{.source = 1, .destination = 2}));

  const auto icmp = [](std::string_view text) {
    return std::get<IcmpMessage>(packet_of("0 < icmp " + std::string{text}).body);
  };
  const IcmpMessage needed = icmp("unreachable frag_needed mtu 1280 [1:1461(1460)]");
  EXPECT_EQ(needed.type, "unreachable");
  EXPECT_EQ(needed.code, "frag_needed");
  EXPECT_EQ(needed.mtu, 1280U);
  EXPECT_EQ(std::get<QuotedTcp>(needed.quoted).sequence.length, 1460);
  const IcmpMessage big = icmp("packet_too_big mtu 1280 [udp (5)]");
  EXPECT_EQ(big.code, "");
  EXPECT_EQ(std::get<QuotedUdp>(big.quoted).length, 5);
  EXPECT_EQ(std::get<QuotedRaw>(icmp("3 1 [raw (8)]").quoted).length, 8);
  EXPECT_EQ(icmp("3 1").code, "1");
  EXPECT_EQ(icmp("echo_request id 77").id, 77);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(icmp("echo_request").quoted));
  EXPECT_TRUE(std::get<QuotedTcp>(icmp("unreachable port_unreachable [1:1(0)/udp(1 > 2)]").quoted)
                  .udp_encapsulation.has_value());
}

TEST(PlayParse, Calls) {
  const Syscall read = call_of("0 read(3, ..., 10) = -1 EAGAIN (Can't (now))");
  EXPECT_EQ(read.error, "EAGAIN");
  EXPECT_EQ(read.note, "Can't (now)");
  EXPECT_EQ(read.result.number, -1);
  ASSERT_EQ(read.arguments.size(), 3U);
  EXPECT_EQ(read.arguments[1].kind, Expr::Kind::Ellipsis);
  EXPECT_EQ(call_of("0 fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)").result.number, 0x802);
  EXPECT_TRUE(call_of("0 close() = 0").arguments.empty());
  EXPECT_EQ(call_of("0 close(3) = -1 EBADF (one) (two)").note, "one");
}

TEST(PlayParse, Expressions) {
  const Syscall poll =
      call_of("0 poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, -1) = 1");
  const Expr& entry = poll.arguments.at(0).items.at(0);
  EXPECT_EQ(entry.kind, Expr::Kind::Struct);
  ASSERT_NE(entry.field("events"), nullptr);
  EXPECT_EQ(entry.field("events")->kind, Expr::Kind::Or);
  EXPECT_EQ(entry.field("events")->items.at(1).text, "POLLOUT");
  EXPECT_EQ(entry.field("fd")->number, 3);
  EXPECT_EQ(entry.field("none"), nullptr);
  const Syscall bind = call_of(
      R"(0 bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3.4")}, NULL) = 0)");
  const Expr* port = bind.arguments.at(1).field("sin_port");
  ASSERT_NE(port, nullptr);
  EXPECT_EQ(port->kind, Expr::Kind::Call);
  EXPECT_EQ(port->text, "htons");
  EXPECT_EQ(port->items.at(0).number, 80);
  EXPECT_EQ(bind.arguments.at(2).kind, Expr::Kind::Null);
  const Syscall send = call_of(
      "0 sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 5}, {\"ab\" \"c\\x00\\n\"..., 9}], "
      "msg_flags=0}, 0) = 14");
  const Expr& iov = send.arguments.at(1).items.at(1);
  EXPECT_EQ(iov.kind, Expr::Kind::Field);
  EXPECT_EQ(iov.text, "msg_iov");
  ASSERT_EQ(iov.items.size(), 2U);
  EXPECT_EQ(iov.items[1].number, 2);
  const Expr& text = iov.items[0].items.at(1).items.at(0);
  EXPECT_EQ(text.text, std::string("abc\0\n", 5));
  EXPECT_TRUE(text.open_ended);
}

TEST(PlayParse, DefinedWords) {
  const std::array<Define, 2> defines{{{"MSS", "1300"}, {"CONN", "`cmd`"}}};
  const ParseOptions options{.defines = defines};
  const TcpSegment s = segment_of("0 > S 0:0(0) <mss MSS>", options);
  EXPECT_EQ(s.options.at(0).value, 1300U);
  EXPECT_EQ(std::get<ShellLine>(only_event("0 CONN", options).action).text, "cmd");
  const Script own = parsed("--define=N=5\n--define=T=\"x y\"\n--define=N=6\n0 write(3, T, N) = N");
  const auto& write = std::get<Syscall>(own.events.at(0).action);
  EXPECT_EQ(write.arguments.at(1).text, "x y");
  EXPECT_EQ(write.arguments.at(2).number, 6);
  EXPECT_EQ(own.options.at(1).value, "T=\"x y\"");
}

TEST(PlayParse, ConditionalText) {
  constexpr std::string_view kText =
      "0 close(3) = 0\n#ifdef STANDARD\n+0 close(4) = 0\n#endif\n#ifdef FreeBSD\n+0 ???\n#endif\n";
  const std::array<Define, 1> standard{{{"STANDARD", ""}}};
  EXPECT_EQ(parsed(kText, {.defines = standard}).events.size(), 2U);
  EXPECT_EQ(parsed(kText.substr(0, kText.find("#ifdef FreeBSD"))).events.size(), 1U);
  EXPECT_EQ(variants(kText), (std::vector<std::string_view>{"STANDARD", "FreeBSD"}));
  EXPECT_EQ(variants("0 x() = 0\n#ifdef IPV6\n#endif\n"), std::vector<std::string_view>{""});
  EXPECT_EQ(variants("#ifdef FreeBSD\n#endif\n"),
            (std::vector<std::string_view>{"STANDARD", "FreeBSD"}));
}

TEST(PlayParse, DialectIsTold) {
  const auto told = [](std::string_view text) { return parsed(text).dialect; };
  const auto f = std::to_array<std::string_view>(
      {"0 > . ...(0)", "0 > R 1:1(0)!", "0 > [hlim 3] . 1:1(0)", "0 > . 1:1(0) <exp-FO>",
       "`sysctl net.inet.tcp.sack.enable=1`\n0 > . 1:1(0)", "--tcp_md5_secret=a\n0 > . 1:1(0)",
       "0 %{ assert tcpi_state == TCPI_ESTABLISHED }%", "#ifdef X\n#endif\n0 > . 1:1(0)",
       "0 > . 1:1(0) <TS val 1! ecr 2>"});
  for (const auto text : f) EXPECT_EQ(told(text), Dialect::F) << text;
  const auto g = std::to_array<std::string_view>(
      {"0 > . 1:1(0)", "0 > .1 1:1(0)", "0 > . 1:1(0) <FOEXP>", "0 epoll_create(1) = 3",
       "`sysctl -q net.ipv4.tcp_sack=1`\n0 > . 1:1(0)", "--mss=1000\n0 > . 1:1(0)"});
  for (const auto text : g) EXPECT_EQ(told(text), Dialect::G) << text;
  EXPECT_EQ(parsed("0 > . 1:1(0)", {.dialect = Dialect::F}).dialect, Dialect::F);
}

}  // namespace

}  // namespace rapport::play
