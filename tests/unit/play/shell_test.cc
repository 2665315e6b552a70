// What shell lines mean: settings, questions, nothing, unknown. Nothing is executed, so that each
// case is the text alone.
#include "rapport/play/shell.hh"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

using N = SettingName;

// The only action of a line.
ShellAction one(std::string_view line) {
  const auto actions = translate_shell(line);
  EXPECT_EQ(actions.size(), 1U) << line;
  return actions.empty() ? ShellAction{Unknown{"nothing at all"}} : actions.front();
}

void expect_setting(std::string_view line, N name, int64_t value) {
  const ShellAction action = one(line);
  const auto* s = std::get_if<Setting>(&action);
  ASSERT_NE(s, nullptr) << line;
  EXPECT_EQ(s->name, name) << line;
  EXPECT_EQ(s->value, value) << line;
  EXPECT_FALSE(s->source.empty());
}

void expect_unknown(std::string_view line) {
  const ShellAction action = one(line);
  const auto* u = std::get_if<Unknown>(&action);
  ASSERT_NE(u, nullptr) << line;
  EXPECT_FALSE(u->command.empty());
}

TEST(PlayShell, SettingsOfFreeBsd) {
  expect_setting("sysctl net.inet.tcp.sack.enable=0", N::Sack, 0);
  expect_setting("sysctl -q net.inet.tcp.ecn.enable=2", N::Ecn, 2);
  expect_setting("/sbin/sysctl net.inet.tcp.sendspace=4096", N::SendBufferDefault, 4096);
  expect_setting("sysctl net.inet.tcp.recvbuf_max=65536", N::ReceiveBufferMax, 65'536);
  expect_setting("sysctl net.inet.tcp.delacktime=40", N::DelayedAckTime, 40'000);
  expect_setting("sysctl net.inet.tcp.rexmit_initial=1000", N::InitialRto, 1'000'000);
  expect_setting("sysctl net.inet.tcp.rexmit_slop=200", N::RtoSlop, 200'000);
  expect_setting("sysctl net.inet.tcp.syncache.rexmtlimit=3", N::SynAckRetries, 3);
  expect_setting("sysctl net.inet.tcp.syncookies=0", N::SynCookies, 0);
  expect_setting("sysctl net.inet.tcp.syncookies_only=1", N::SynCookies, 2);
  expect_setting("sysctl net.inet.tcp.syncookies_only=0", N::SynCookies, 1);
  expect_setting("sysctl net.inet.tcp.insecure_rst=1", N::InsecureRst, 1);
  expect_setting("sysctl net.inet.tcp.insecure_syn=0", N::InsecureSyn, 0);
  expect_setting("sysctl net.inet.tcp.initcwnd_segments=10", N::InitialWindow, 10);
  expect_setting("sysctl net.inet.tcp.keepidle=7200000", N::KeepAliveIdle, 7'200'000'000);
  expect_setting("sysctl net.inet.tcp.keepintvl=75000", N::KeepAliveInterval, 75'000'000);
  expect_setting("sysctl net.inet.tcp.keepcnt=8", N::KeepAliveProbes, 8);
  expect_setting("sysctl net.inet.tcp.msl=1000", N::TimeWaitLength, 2'000'000);
  expect_setting("sysctl net.inet.tcp.drop_synfin=1", N::DropSynFin, 1);
  expect_setting("sysctl net.inet.tcp.finwait2_timeout=60000", N::FinWait2Time, 60'000'000);
  expect_setting("sysctl net.inet.icmp.icmplim=0", N::IcmpReplyLimit, 0);
}

TEST(PlayShell, SettingsOfLinux) {
  expect_setting("sysctl -q net.ipv4.tcp_timestamps=0", N::Timestamps, 0);
  expect_setting("sysctl -w net.ipv4.tcp_window_scaling=1", N::WindowScaling, 1);
  expect_setting("sysctl -q net/ipv4/tcp_sack=1", N::Sack, 1);
  expect_setting("sysctl -q net.ipv4.tcp_invalid_ratelimit=500", N::InvalidAckInterval, 500'000);
  expect_setting("sysctl -q net.ipv4.tcp_keepalive_time=7200", N::KeepAliveIdle, 7'200'000'000);
  expect_setting("sysctl -q net.ipv4.tcp_fin_timeout=60", N::FinWait2Time, 60'000'000);
  expect_setting("sysctl -q net.ipv4.tcp_fastopen=0x70403", N::FastOpen, 0x70403);
  expect_setting("sysctl -q net.ipv4.tcp_retries2=15", N::Retries, 15);
  expect_setting("sysctl -q net.ipv4.tcp_syn_retries=5 > /dev/null 2>&1", N::SynRetries, 5);
  expect_setting("sysctl -q net.ipv4.ip_no_pmtu_disc=1", N::PathMtuDiscovery, 0);
  expect_setting("sysctl -q net.ipv4.tcp_rto_max_ms=120000", N::MaximumRto, 120'000'000);
  expect_setting("sysctl -q net.core.rmem_max=$((6 * 1024*1024))", N::ReceiveBufferLimit,
                 6'291'456);
  expect_setting("echo 0 > /proc/sys/net/ipv4/tcp_sack", N::Sack, 0);
  expect_setting("../common/set_sysctls.py /proc/sys/net/ipv4/tcp_ecn=1", N::Ecn, 1);
}

TEST(PlayShell, SettingsOfSeveralValues) {
  const auto rfc1323 = [](std::string_view value) {
    const auto both = translate_shell("sysctl net.inet.tcp.rfc1323=" + std::string{value});
    return std::pair{std::get<Setting>(both.at(0)).value, std::get<Setting>(both.at(1)).value};
  };
  EXPECT_EQ(rfc1323("0"), (std::pair<int64_t, int64_t>{0, 0}));
  EXPECT_EQ(rfc1323("1"), (std::pair<int64_t, int64_t>{1, 1}));
  EXPECT_EQ(rfc1323("2"), (std::pair<int64_t, int64_t>{1, 0}));
  EXPECT_EQ(rfc1323("3"), (std::pair<int64_t, int64_t>{0, 1}));

  const auto sizes =
      translate_shell("sysctl -q net.ipv4.tcp_rmem=\"4096 131072 $((15*1024*1024))\"");
  ASSERT_EQ(sizes.size(), 3U);
  EXPECT_EQ(std::get<Setting>(sizes[0]).name, N::ReceiveBufferMin);
  EXPECT_EQ(std::get<Setting>(sizes[2]).name, N::ReceiveBufferMax);
  EXPECT_EQ(std::get<Setting>(sizes[2]).value, 15'728'640);
  EXPECT_EQ(translate_shell("echo '1 2 3' > /proc/sys/net/ipv4/tcp_wmem").size(), 3U);

  const auto algorithm = std::get<Setting>(one("sysctl net.inet.tcp.cc.algorithm=newreno"));
  EXPECT_EQ(algorithm.name, N::CongestionControl);
  EXPECT_EQ(algorithm.word, "newreno");
  EXPECT_EQ(translate_shell("sysctl kern.ipc.maxsockbuf=1000").size(), 2U);
}

TEST(PlayShell, SeveralCommands) {
  const auto actions = translate_shell(
      "./defaults.sh && sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_dsack=0; \\\n"
      " ip tcp_metrics flush all > /dev/null 2>&1 # a remark; sysctl x=1\n\n"
      "../../common/set_sysctls.py /proc/sys/net/ipv4/tcp_ecn=1 \\\n "
      "/proc/sys/net/ipv4/tcp_frto=0");
  ASSERT_GT(actions.size(), 5U);
  for (const ShellAction& a : actions) EXPECT_FALSE(std::holds_alternative<Unknown>(a));
  EXPECT_EQ(std::get<Setting>(actions.at(actions.size() - 5)).name, N::Sack);
  EXPECT_EQ(std::get<Setting>(actions.at(actions.size() - 5)).value, 0) << "the later one counts";
  EXPECT_TRUE(std::holds_alternative<Ignored>(actions.at(actions.size() - 3)));
  EXPECT_EQ(std::get<Setting>(actions.back()).name, N::Frto);
  EXPECT_TRUE(translate_shell("").empty());
  EXPECT_TRUE(translate_shell(" \n # nothing\n;;").empty());
}

TEST(PlayShell, Routes) {
  expect_setting("ip route change 192.0.2.0/24 dev tun0 mtu 1300", N::RouteMtu, 1300);
  expect_setting("ip -6 ro add 2001:db8::/32 via fd3d::1 dev tun0 mtu lock 1280", N::RouteMtu,
                 1280);
  expect_setting("ip route replace default dev tun0 initcwnd 4", N::InitialWindow, 4);
  expect_setting("ip ro change default dev tun0 rto_min 5ms", N::MinimumRto, 5'000);
  expect_setting("ip route change default dev tun0 rto_min 1s", N::MinimumRto, 1'000'000);
  expect_setting("ip route change default dev tun0 features ecn", N::Ecn, 1);
  expect_setting("ip link set dev tun0 mtu 1400", N::RouteMtu, 1400);
  expect_setting("ifconfig tun0 mtu 1400", N::RouteMtu, 1400);
  expect_setting("route change -host 192.0.2.1 -mtu 1400", N::RouteMtu, 1400);
  EXPECT_EQ(std::get<Setting>(one("ip route change default dev tun0 congctl lock reno")).word,
            "reno");
  EXPECT_TRUE(std::holds_alternative<Ignored>(one("ip route show")));
  EXPECT_TRUE(std::holds_alternative<Ignored>(one("ip route add default dev tun0")));
}

TEST(PlayShell, WithoutMeaning) {
  const auto kLines = std::to_array<std::string_view>({
      "tc qdisc add dev tun0 root pfifo",
      "tc qdisc replace dev tun0 root fq",
      "ethtool -K tun0 tso off gso off gro off",
      "kldload -n tcp_rack",
      "modprobe tcp_bbr",
      "true",
      ":",
      "exit 0",
      "echo hello",
      "nstat > /dev/null",
      "sysctl -n net.inet.tcp.sack.enable",
      "/tmp/sysctl_restore_${PPID}.sh",
      "sudo sysctl kern.timecounter.alloweddeviation=0",
      "sysctl net.inet.tcp.hostcache.purgenow=1",
      "sysctl net.inet.tcp.functions_default=freebsd",
      "sysctl net.inet.tcp.udp_tunneling_port=0",
      "sysctl -q net.ipv4.tcp_fack=0",
      "sysctl -q net.ipv4.tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4",
      "ss -ti",
  });
  for (const auto line : kLines) {
    const ShellAction action = one(line);
    ASSERT_TRUE(std::holds_alternative<Ignored>(action)) << line;
    EXPECT_FALSE(std::get<Ignored>(action).why.empty());
  }
}

TEST(PlayShell, UnknownLines) {
  const auto kLines = std::to_array<std::string_view>({
      "reboot",
      "sysctl net.inet.tcp.no_such_thing=1",
      "sysctl net.inet.tcp.sack.enable=yes",
      "sysctl net.inet.tcp.keepidle=9223372036854775807",
      "sysctl net.inet.tcp.functions_default=rack",
      "sysctl net.inet.tcp.udp_tunneling_port=9899",
      "sysctl -q net.ipv4.tcp_rmem='1 2'",
      "sysctl -q net.ipv4.tcp_rmem='1 2 x'",
      "sysctl net.inet.tcp.sack.enable=$X",
      "sysctl net.inet.tcp.sack.enable=$(cat x)",
      "sysctl net.inet.tcp.sack.enable=0 &",
      "sysctl net.inet.tcp.sack.enable | grep 1",
      "(true)",
      "! true",
      "tc qdisc add dev tun0 root netem delay 10ms",
      "ip route del default",
      "ip route change default dev tun0 mtu",
      "ip route change default dev tun0 colour 3",
      "ip route change default dev tun0 mtu lots",
      "ip addr add 10.0.0.1 dev tun0",
      "ip",
      "ip link set dev tun0 up",
      "ifconfig tun0",
      "echo 1 > /tmp/file",
      "true > /tmp/file",
      "cat < /tmp/file",
      "true >",
      "echo 'open",
      "sleep 1",
      "exit 1",
  });
  for (const auto line : kLines) expect_unknown(line);
  EXPECT_TRUE(std::holds_alternative<Unknown>(translate_shell("true || reboot").at(1)));
  EXPECT_TRUE(std::holds_alternative<Ignored>(translate_shell("reboot || true").at(1)));
  EXPECT_TRUE(std::holds_alternative<Unknown>(translate_shell("reboot || true").at(0)));
}

TEST(PlayShell, Questions) {
  const auto query = [](std::string_view line) {
    const ShellAction action = one(line);
    const auto* q = std::get_if<Query>(&action);
    EXPECT_NE(q, nullptr) << line;
    return q == nullptr ? Query{} : *q;
  };
  const Query exact = query("sockstat -4 -P tcp -s | grep packetdril | grep -c SYN_RCVD | grep 1");
  EXPECT_EQ(exact.state, "SYN_RECEIVED");
  EXPECT_EQ(exact.count, 1);
  EXPECT_FALSE(exact.at_least);
  EXPECT_TRUE(exact.source.starts_with("sockstat -4"));
  EXPECT_EQ(query("sockstat -s | grep -c TIME_WAIT | grep -q '^0$'").count, 0);
  EXPECT_EQ(query("ss -tan | grep ESTAB | wc -l | grep 2").count, 2);
  EXPECT_EQ(query("ss -tan state fin-wait-1 | grep :8080").state, "FIN_WAIT_1");
  EXPECT_TRUE(query("ss -tan state fin-wait-1 | grep :8080").at_least);
  EXPECT_EQ(query("netstat -n -p tcp | grep -q LAST_ACK > /dev/null").count, 1);

  const auto kOther = std::to_array<std::string_view>({
      "sockstat -s | grep -v LISTEN",
      "sockstat -s | grep -c LISTEN | grep x",
      "sockstat -s | grep -c LISTEN | grep 1 | grep 1",
      "sockstat -s | grep packetdrill",
      "sockstat -s | grep LISTEN | grep CLOSED",
      "sockstat -s | grep packet | grep LISTEN | grep 12",
      "sockstat -s | grep tool | grep LISTEN",
      "sockstat -s | grep",
      "sockstat -s | grep LISTEN file",
      "sockstat -s | grep LISTEN > file",
      "sockstat -s | awk LISTEN",
      "sockstat -s | grep -c LISTEN | wc -l",
      "ss state",
      "ss state what | grep tcp",
  });
  for (const auto line : kOther) {
    const ShellAction action = one(line);
    EXPECT_FALSE(std::holds_alternative<Query>(action)) << line;
  }
}

}  // namespace

}  // namespace rapport::play
