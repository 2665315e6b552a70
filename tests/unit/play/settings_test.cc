// Settings of other systems: which are carried out, which are assumed and named, which skip, and
// with which words.
#include "rapport/play/judge.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/shell.hh"
#include "rapport/play/verdict.hh"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

using Kind = Verdict::Kind;
using Lines = std::vector<std::string_view>;

// A passive open, and text of one segment.
constexpr std::string_view kLife =
    "0.0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 20000 <mss 1000>\n"
    "+0 > S. 0:0(0) ack 1 <...>\n"
    "+.1 < . 1:1(0) ack 1 win 20000\n"
    "+0 accept(3, ..., ...) = 4\n"
    "+0 < P. 1:11(10) ack 1 win 20000\n"
    "+0~+.1 > . 1:1(0) ack 11\n"
    "+0 write(4, ..., 100) = 100\n"
    "+0 > P. 1:101(100) ack 11\n";

Verdict judged(const std::string& text) {
  Workshop workshop;
  const auto v = judge(text, "script", {}, workshop);
  if (!v) ADD_FAILURE() << v.error().text();
  return v.value_or(Verdict{});
}

Verdict with(std::string_view line) {
  return judged("`" + std::string(line) + "`\n" + std::string(kLife));
}

TEST(PlaySettings, AScriptThatBeginsWithLinuxsDefaultsIsJudged) {
  const Verdict v = with("../common/defaults.sh");
  EXPECT_EQ(v.kind, Kind::Pass) << text(v, "script");
  for (const std::string_view a :
       {"net.ipv4.tcp_frto=2", "net.ipv4.tcp_congestion_control=cubic",
        "net.ipv4.tcp_slow_start_after_idle=0", "net.ipv4.tcp_early_retrans=4",
        "net.ipv4.tcp_recovery=1", "net.ipv4.tcp_syncookies=1"}) {
    EXPECT_NE(std::ranges::find(v.assumed, a), v.assumed.end()) << a;
  }
  EXPECT_TRUE(text(v, "a.pkt").starts_with("PASS a.pkt (assumed: ")) << text(v, "a.pkt");
  // It is judged indeed: a wrong line fails.
  const Verdict wrong = judged("`./defaults.sh`\n" + std::string(kLife) + "+0 > . 1:1(0) ack 11\n");
  EXPECT_EQ(wrong.kind, Kind::Fail);
  EXPECT_TRUE(text(wrong, "a.pkt").contains("net.ipv4.tcp_frto=2")) << text(wrong, "a.pkt");
}

TEST(PlaySettings, WhatComesBehindTheDefaultsCounts) {
  const Verdict v = with(
      "./defaults.sh; sysctl -q net.ipv4.tcp_frto=0 "
      "net.ipv4.tcp_congestion_control=reno");
  EXPECT_EQ(v.kind, Kind::Pass);
  const auto assumes = [&v](std::string_view variable) {
    return std::ranges::any_of(v.assumed,
                               [&](const std::string& a) { return a.starts_with(variable); });
  };
  EXPECT_FALSE(assumes("net.ipv4.tcp_frto"));
  EXPECT_FALSE(assumes("net.ipv4.tcp_congestion_control"));
  EXPECT_TRUE(assumes("net.ipv4.tcp_recovery"));
  EXPECT_EQ(with("./defaults.sh; sysctl -q net.ipv4.tcp_frto=1").kind, Kind::Skip);
}

TEST(PlaySettings, WhatASystemBeginsWithIsAssumed) {
  for (const std::string_view s :
       {"net.ipv4.tcp_congestion_control=cubic", "net.inet.tcp.cc.algorithm=cubic",
        "net.ipv4.tcp_ecn=2", "net.inet.tcp.ecn.enable=2", "net.ipv4.tcp_fastopen=1",
        "net.ipv4.tcp_early_retrans=3", "net.inet.tcp.syncookies=1",
        "net.inet.tcp.syncookies_only=0", "net.inet.tcp.rexmit_slop=200", "net.inet.tcp.minmss=216",
        "net.ipv4.tcp_min_snd_mss=48", "net.ipv4.tcp_adv_win_scale=1",
        "net.inet.tcp.fast_finwait2_recycle=0", "net.inet.tcp.recvbuf_auto=1",
        "net.inet.tcp.recvbuf_max=2097152"}) {
    const Verdict v = with("sysctl " + std::string(s));
    EXPECT_EQ(v.kind, Kind::Pass) << s;
    EXPECT_EQ(v.assumed, std::vector<std::string>{std::string(s)});
  }
  EXPECT_EQ(with("ip route change default dev tun0 congctl cubic").assumed,
            std::vector<std::string>{"ip route ... congctl cubic"});
}

TEST(PlaySettings, WhatTheStackDoesAnywayIsNoAssumption) {
  for (const std::string_view s : {"net.ipv4.tcp_frto=0",
                                   "net.ipv4.tcp_recovery=0",
                                   "net.ipv4.tcp_ecn=0",
                                   "net.ipv4.tcp_slow_start_after_idle=1",
                                   "net.ipv4.tcp_reordering=3",
                                   "net.ipv4.tcp_notsent_lowat=4294967295",
                                   "net.ipv4.tcp_moderate_rcvbuf=0",
                                   "net.ipv4.tcp_adv_win_scale=0",
                                   "net.ipv4.tcp_tw_reuse=0",
                                   "net.ipv4.tcp_tw_reuse=2",
                                   "net.ipv4.tcp_autocorking=0",
                                   "net.ipv4.tcp_autocorking=1",
                                   "net.core.rmem_max=100000",
                                   "net.inet.tcp.rexmit_slop=0",
                                   "net.inet.tcp.fast_finwait2_recycle=1",
                                   "net.inet.tcp.minmss=64",
                                   "net.inet.tcp.recvbuf_max=65536",
                                   "net.inet.tcp.recvbuf_auto=0",
                                   "net.inet.tcp.mssdflt=536",
                                   "net.inet.tcp.v6mssdflt=1220",
                                   "net.inet.tcp.blackhole=0",
                                   "net.inet.tcp.insecure_rst=0",
                                   "net.inet.tcp.cc.algorithm=newreno"}) {
    const Verdict v = with("sysctl " + std::string(s));
    EXPECT_EQ(v.kind, Kind::Pass) << s;
    EXPECT_TRUE(v.assumed.empty()) << s;
  }
}

TEST(PlaySettings, ADifferentValueIsSkippedInTheScriptsOwnWords) {
  for (const std::string_view s : {"net.ipv4.tcp_congestion_control=bbr",
                                   "net.inet.tcp.cc.algorithm=htcp",
                                   "net.ipv4.tcp_ecn=1",
                                   "net.inet.tcp.ecn.enable=1",
                                   "net.ipv4.tcp_dsack=0",
                                   "net.ipv4.tcp_slow_start_after_idle=0",
                                   "net.ipv4.tcp_early_retrans=4",
                                   "net.ipv4.tcp_recovery=2",
                                   "net.ipv4.tcp_fastopen=0x3",
                                   "net.ipv4.tcp_reordering=10",
                                   "net.ipv4.tcp_notsent_lowat=4096",
                                   "net.ipv4.tcp_adv_win_scale=2",
                                   "net.ipv4.tcp_tw_reuse=1",
                                   "net.ipv4.tcp_min_snd_mss=100",
                                   "net.ipv4.tcp_mtu_probing=1",
                                   "net.ipv4.tcp_syncookies=2",
                                   "net.inet.tcp.syncookies_only=1",
                                   "net.inet.tcp.rexmit_slop=100",
                                   "net.inet.tcp.minmss=512",
                                   "net.inet.tcp.mssdflt=1024",
                                   "net.inet.tcp.v6mssdflt=536",
                                   "net.inet.tcp.insecure_rst=1",
                                   "net.inet.tcp.insecure_syn=1",
                                   "net.inet.tcp.insecure_ack=1",
                                   "net.inet.tcp.blackhole=1",
                                   "net.inet.tcp.rfc3042=0",
                                   "net.inet.tcp.path_mtu_discovery=0",
                                   "net.inet.tcp.fastopen.server_enable=1"}) {
    const Verdict v = with("sysctl " + std::string(s));
    EXPECT_EQ(v.kind, Kind::Skip) << s;
    EXPECT_EQ(v.reason, "the setting " + std::string(s));
    EXPECT_TRUE(v.assumed.empty());
  }
  EXPECT_EQ(with("echo 1 > /proc/sys/net/ipv4/tcp_ecn").reason, "the setting net.ipv4.tcp_ecn=1");
  EXPECT_EQ(with("ip route change default dev tun0 mtu 60").reason,
            "the setting ip route ... mtu 60");
  EXPECT_EQ(with("ifconfig tun0 mtu 60").reason, "the setting ifconfig ... mtu 60");
}

TEST(PlaySettings, BuffersHaveTheSizeThatTheyBeginWith) {
  // 4096 octets: the window says so, whatever they might grow to.
  const std::string opens =
      "0.0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
      "+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
      "+0 < S 0:0(0) win 20000 <mss 1000>\n+0 > S. 0:0(0) ack 1 win 4096 <mss 1460>\n";
  const Verdict grows = judged("`sysctl -q net.ipv4.tcp_rmem='4096 4096 100000'`\n" + opens);
  EXPECT_EQ(grows.kind, Kind::Pass) << text(grows, "script");
  EXPECT_EQ(grows.assumed, std::vector<std::string>{"net.ipv4.tcp_rmem=4096 4096 100000"});
  const Verdict stays = judged("`sysctl -q net.ipv4.tcp_rmem='4096 4096 4096'`\n" + opens);
  EXPECT_EQ(stays.kind, Kind::Pass);
  EXPECT_TRUE(stays.assumed.empty());
}

TEST(PlaySettings, ALimitOfSocketBuffersHoldsForTheCallsOfTheScript) {
  const std::string_view call =
      "0.0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
      "+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [50000], 4) = 0\n";
  const auto limited = [&](std::string_view s) {
    return judged("`sysctl " + std::string(s) + "`\n" + std::string(call));
  };
  EXPECT_EQ(limited("net.core.rmem_max=50000").kind, Kind::Pass);
  EXPECT_EQ(limited("net.core.wmem_max=49999").kind, Kind::Pass);
  EXPECT_EQ(limited("net.core.rmem_max=49999").kind, Kind::Skip);
  EXPECT_EQ(limited("kern.ipc.maxsockbuf=49999").kind, Kind::Skip);
}

TEST(PlaySettings, OnTheWayOnlyWhatIsInForceAnyway) {
  const std::string life(kLife);
  const std::string line = "+0 `sysctl net.inet.tcp.delacktime=40`\n";
  EXPECT_EQ(judged(life + line).reason, "the setting net.inet.tcp.delacktime=40 on the way");
  EXPECT_EQ(judged("`sysctl net.inet.tcp.delacktime=40`\n" + life + line).kind, Kind::Pass);
  EXPECT_EQ(judged("`sysctl net.inet.tcp.delacktime=41`\n" + life + line).kind, Kind::Skip);
}

}  // namespace

}  // namespace rapport::play
