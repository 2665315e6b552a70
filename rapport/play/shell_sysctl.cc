// System variables: FreeBSD's tcp(4), Linux's Documentation/networking/ip-sysctl.
#include "rapport/play/shell_sysctl.hh"

#include "rapport/play/shell.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

using N = SettingName;

struct Variable {
  std::string_view name;  // without "net.inet.tcp." or "net.ipv4.tcp_"
  N setting;
  int64_t scale = 1;
};

constexpr int64_t kMs = 1'000;
constexpr int64_t kSecond = 1'000'000;

constexpr auto kFreeBsd = std::to_array<Variable>({
    {"sack.enable", N::Sack},
    {"ecn.enable", N::Ecn},
    {"sendspace", N::SendBufferDefault},
    {"recvspace", N::ReceiveBufferDefault},
    {"sendbuf_max", N::SendBufferMax},
    {"recvbuf_max", N::ReceiveBufferMax},
    {"sendbuf_auto", N::SendBufferAuto},
    {"recvbuf_auto", N::ReceiveBufferAuto},
    {"delacktime", N::DelayedAckTime, kMs},
    {"delayed_ack", N::DelayedAck},
    {"rexmit_initial", N::InitialRto, kMs},
    {"rexmit_min", N::MinimumRto, kMs},
    {"rexmit_max", N::MaximumRto, kMs},
    {"rexmit_slop", N::RtoSlop, kMs},
    {"retries", N::Retries},
    {"syncache.rexmtlimit", N::SynAckRetries},
    {"syncookies", N::SynCookies},
    {"insecure_rst", N::InsecureRst},
    {"insecure_syn", N::InsecureSyn},
    {"insecure_ack", N::InsecureAck},
    {"initcwnd_segments", N::InitialWindow},
    {"rfc3042", N::LimitedTransmit},
    {"keepidle", N::KeepAliveIdle, kMs},
    {"keepintvl", N::KeepAliveInterval, kMs},
    {"keepinit", N::KeepAliveInit, kMs},
    {"keepcnt", N::KeepAliveProbes},
    {"always_keepalive", N::KeepAliveAlways},
    {"finwait2_timeout", N::FinWait2Time, kMs},
    {"fast_finwait2_recycle", N::FinWait2Recycle},
    {"msl", N::TimeWaitLength, 2 * kMs},
    {"drop_synfin", N::DropSynFin},
    {"blackhole", N::BlackHole},
    {"path_mtu_discovery", N::PathMtuDiscovery},
    {"pmtud_blackhole_detection", N::MtuProbing},
    {"minmss", N::MinimumMss},
    {"mssdflt", N::DefaultMss},
    {"v6mssdflt", N::DefaultMss},
    {"fastopen.client_enable", N::FastOpen},
    {"fastopen.server_enable", N::FastOpen},
    {"ack_war_cnt", N::ChallengeAckLimit},
    {"ack_war_timewindow", N::InvalidAckInterval, kMs},
});

constexpr auto kLinux = std::to_array<Variable>({
    {"timestamps", N::Timestamps},
    {"window_scaling", N::WindowScaling},
    {"sack", N::Sack},
    {"dsack", N::Dsack},
    {"ecn", N::Ecn},
    {"moderate_rcvbuf", N::ReceiveBufferAuto},
    {"syn_retries", N::SynRetries},
    {"synack_retries", N::SynAckRetries},
    {"retries1", N::RetriesSoft},
    {"retries2", N::Retries},
    {"syncookies", N::SynCookies},
    {"challenge_ack_limit", N::ChallengeAckLimit},
    {"invalid_ratelimit", N::InvalidAckInterval, kMs},
    {"slow_start_after_idle", N::SlowStartAfterIdle},
    {"frto", N::Frto},
    {"early_retrans", N::EarlyRetransmit},
    {"recovery", N::Recovery},
    {"reordering", N::DuplicateAckThreshold},
    {"autocorking", N::Cork},
    {"keepalive_time", N::KeepAliveIdle, kSecond},
    {"keepalive_intvl", N::KeepAliveInterval, kSecond},
    {"keepalive_probes", N::KeepAliveProbes},
    {"fin_timeout", N::FinWait2Time, kSecond},
    {"tw_reuse", N::TimeWaitReuse},
    {"abort_on_overflow", N::AbortOnOverflow},
    {"mtu_probing", N::MtuProbing},
    {"min_snd_mss", N::MinimumMss},
    {"rto_min_us", N::MinimumRto},
    {"rto_max_ms", N::MaximumRto, kMs},
    {"fastopen", N::FastOpen},
    {"adv_win_scale", N::BuffersToWindows},
    {"notsent_lowat", N::UnsentLowMark},
});

// Whole names, of both systems.
constexpr auto kOthers = std::to_array<Variable>({
    {"net.core.wmem_max", N::SendBufferLimit},
    {"net.core.rmem_max", N::ReceiveBufferLimit},
    {"net.inet.icmp.icmplim", N::IcmpReplyLimit},
    {"net.inet6.icmp6.errppslimit", N::IcmpReplyLimit},
    {"net.ipv4.icmp_msgs_per_sec", N::IcmpReplyLimit},
    {"net.inet.ip.ttl", N::TimeToLive},
    {"net.inet6.ip6.hlim", N::TimeToLive},
    {"net.ipv4.ip_default_ttl", N::TimeToLive},
});

struct Meaningless {
  std::string_view prefix;
  std::string_view why;
};

constexpr std::string_view kNoPacing =
    "packets leave when TCP says so; nothing paces or joins them";
constexpr std::string_view kNoMemory = "nothing is remembered about earlier connections";
constexpr std::string_view kNoTables = "tables of the world of a script have room";
constexpr std::string_view kNoLog = "nothing is logged";
constexpr std::string_view kNoTuning = "an inner matter of that system's loss recovery or buffers";

constexpr auto kMeaningless = std::to_array<Meaningless>({
    {"kern.timecounter.", "time is virtual"},
    {"kern.ipc.soacceptqueue", kNoTables},
    {"net.core.somaxconn", kNoTables},
    {"net.core.default_qdisc", kNoPacing},
    {"net.core.rmem_default", "not of TCP"},
    {"net.core.wmem_default", "not of TCP"},
    {"net.inet.ip.random_id", "identifications are not compared"},
    {"net.inet.tcp.hostcache.", kNoMemory},
    {"net.inet.tcp.log_", kNoLog},
    {"net.inet.tcp.bb.", kNoLog},
    {"net.inet.tcp.hpts.", kNoPacing},
    {"net.inet.tcp.per_cpu_timers", "one thread of control"},
    {"net.inet.tcp.maxtcptw", kNoTables},
    {"net.inet.tcp.reass.", kNoTuning},
    {"net.inet.tcp.sendbuf_inc", kNoTuning},
    {"net.inet.tcp.recvbuf_inc", kNoTuning},
    {"net.inet.tcp.sendbuf_auto_lowat", kNoTuning},
    {"net.inet.tcp.tso", kNoPacing},
    {"net.inet.tcp.soreceive_stream", kNoTuning},
    {"net.ipv4.tcp_fack", kNoTuning},
    {"net.ipv4.tcp_no_metrics_save", kNoMemory},
    {"net.ipv4.tcp_no_ssthresh_metrics_save", kNoMemory},
    {"net.ipv4.tcp_max_syn_backlog", kNoTables},
    {"net.ipv4.tcp_max_orphans", kNoTables},
    {"net.ipv4.tcp_max_tw_buckets", kNoTables},
    {"net.ipv4.tcp_mem", kNoTables},
    {"net.ipv4.tcp_allowed_congestion_control", "a list of what may be chosen"},
    {"net.ipv4.tcp_pacing_", kNoPacing},
    {"net.ipv4.tcp_min_tso_segs", kNoPacing},
    {"net.ipv4.tcp_tso_", kNoPacing},
    {"net.ipv4.tcp_limit_output_bytes", kNoPacing},
    {"net.ipv4.tcp_backlog_ack_defer", kNoPacing},
    {"net.ipv4.tcp_min_rtt_wlen", kNoTuning},
    {"net.ipv4.tcp_max_reordering", kNoTuning},
    {"net.ipv4.tcp_app_win", kNoTuning},
    {"net.ipv4.tcp_fastopen_key", "Fast Open is not offered"},
    {"net.ipv4.tcp_fastopen_blackhole", "Fast Open is not offered"},
    {"net.ipv4.tcp_ecn_fallback", "a SYN with ECN bits is repeated without them, always"},
});

std::optional<int64_t> whole_number(std::string_view s) {
  const bool hex = s.starts_with("0x");
  if (hex) s.remove_prefix(2);
  int64_t n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n, hex ? 16 : 10);
  if (error != std::errc{} || end != s.data() + s.size()) return std::nullopt;
  return n;
}

std::vector<std::string_view> words(std::string_view s) {
  std::vector<std::string_view> out;
  constexpr std::string_view kSpaces = " \t\n,";
  for (size_t at = s.find_first_not_of(kSpaces); at != std::string_view::npos;
       at = s.find_first_not_of(kSpaces, at)) {
    const size_t end = std::min(s.find_first_of(kSpaces, at), s.size());
    out.push_back(s.substr(at, end - at));
    at = end;
  }
  return out;
}

using Actions = std::vector<ShellAction>;

// What is common to all: translate_sysctl() adds where it comes from.
Setting setting(N name, int64_t value) {
  return {.name = name, .value = value, .word = {}, .source = {}};
}

Actions unknown(std::string_view name, std::string_view value) {
  return {Unknown{std::string{name} + "=" + std::string{value}}};
}

// "MIN DEFAULT MAX"
Actions three_sizes(std::string_view name, std::string_view value, const std::array<N, 3>& to) {
  const auto parts = words(value);
  Actions out;
  for (size_t i = 0; i < to.size() && i < parts.size(); ++i) {
    const auto n = whole_number(parts[i]);
    if (!n) return unknown(name, value);
    out.emplace_back(setting(to[i], *n));
  }
  return out.size() == to.size() ? out : unknown(name, value);
}

// net.inet.tcp.rfc1323: 0 neither, 1 both, 2 scaling only, 3 timestamps only.
Actions rfc1323(int64_t n) {
  return {setting(N::WindowScaling, n == 1 || n == 2 ? 1 : 0),
          setting(N::Timestamps, n == 1 || n == 3 ? 1 : 0)};
}

// Those whose value is a word.
std::optional<Actions> by_word(std::string_view name, std::string_view value) {
  if (name == "net.inet.tcp.cc.algorithm" || name == "net.ipv4.tcp_congestion_control") {
    Setting s = setting(N::CongestionControl, 0);
    s.word = value;
    return Actions{std::move(s)};
  }
  if (name == "net.inet.tcp.functions_default" && value == "freebsd") {
    return Actions{Ignored{std::string{name}, "that system's default"}};
  }
  if (name == "net.ipv4.tcp_rmem") {
    return three_sizes(name, value,
                       {N::ReceiveBufferMin, N::ReceiveBufferDefault, N::ReceiveBufferMax});
  }
  if (name == "net.ipv4.tcp_wmem") {
    return three_sizes(name, value, {N::SendBufferMin, N::SendBufferDefault, N::SendBufferMax});
  }
  return std::nullopt;
}

// Those that say something else than their number.
std::optional<Actions> by_number(std::string_view name, int64_t n) {
  if (name == "net.inet.tcp.rfc1323") return rfc1323(n);
  if (name == "net.inet.tcp.syncookies_only") {
    return Actions{setting(N::SynCookies, n != 0 ? 2 : 1)};
  }
  if (name == "net.ipv4.ip_no_pmtu_disc") {
    return Actions{setting(N::PathMtuDiscovery, n == 0 ? 1 : 0)};
  }
  if (name == "kern.ipc.maxsockbuf") {
    return Actions{setting(N::SendBufferLimit, n), setting(N::ReceiveBufferLimit, n)};
  }
  if (name == "net.inet.tcp.udp_tunneling_port" && n == 0) {
    return Actions{Ignored{std::string{name}, "no tunnel through UDP"}};
  }
  return std::nullopt;
}

const Variable* find(std::span<const Variable> table, std::string_view name) {
  const auto at = std::ranges::find(table, name, &Variable::name);
  return at == table.end() ? nullptr : &*at;
}

const Variable* find(std::string_view name) {
  constexpr std::string_view kInet = "net.inet.tcp.";
  constexpr std::string_view kIpv4 = "net.ipv4.tcp_";
  if (name.starts_with(kInet)) return find(kFreeBsd, name.substr(kInet.size()));
  if (name.starts_with(kIpv4)) return find(kLinux, name.substr(kIpv4.size()));
  return find(kOthers, name);
}

// "/proc/sys/net/ipv4/tcp_sack" -> "net.ipv4.tcp_sack"
std::string with_points(std::string_view path) {
  constexpr std::string_view kProc = "/proc/sys/";
  if (path.starts_with(kProc)) path.remove_prefix(kProc.size());
  std::string name{path};
  std::ranges::replace(name, '/', '.');
  return name;
}

Actions translate(const std::string& name, std::string_view value) {
  if (auto out = by_word(name, value)) return *std::move(out);
  const auto n = whole_number(value);
  if (n) {
    if (auto out = by_number(name, *n)) return *std::move(out);
    const Variable* v = find(name);
    int64_t scaled = 0;
    if (v != nullptr && !__builtin_mul_overflow(*n, v->scale, &scaled)) {
      return {setting(v->setting, scaled)};
    }
  }
  const auto nothing = std::ranges::find_if(
      kMeaningless, [&name](const Meaningless& m) { return name.starts_with(m.prefix); });
  if (nothing == kMeaningless.end()) return unknown(name, value);
  return {Ignored{name, std::string{nothing->why}}};
}

}  // namespace

std::vector<ShellAction> translate_sysctl(std::string_view path, std::string_view value) {
  const std::string name = with_points(path);
  Actions out = translate(name, value);
  for (ShellAction& action : out) {
    if (auto* s = std::get_if<Setting>(&action)) s->source = name + "=" + std::string{value};
  }
  return out;
}

std::vector<ShellAction> init_script_defaults() {
  constexpr auto kDefaults = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"net.ipv4.tcp_rmem", "4096 540000 15728640"},
      {"net.ipv4.tcp_wmem", "4096 262144 4194304"},
      {"net.ipv4.tcp_timestamps", "1"},
      {"net.ipv4.tcp_syn_retries", "5"},
      {"net.ipv4.tcp_synack_retries", "5"},
      {"net.ipv4.tcp_frto", "2"},
      {"net.ipv4.tcp_sack", "1"},
      {"net.ipv4.tcp_dsack", "1"},
      {"net.ipv4.tcp_reordering", "3"},
      {"net.ipv4.tcp_congestion_control", "cubic"},
      {"net.ipv4.tcp_slow_start_after_idle", "0"},
      {"net.ipv4.tcp_early_retrans", "4"},
      {"net.ipv4.tcp_recovery", "1"},
      {"net.ipv4.tcp_ecn", "0"},
      {"net.ipv4.tcp_notsent_lowat", "4294967295"},
      {"net.ipv4.tcp_syncookies", "1"},
  });
  Actions out;
  for (const auto& [name, value] : kDefaults) {
    Actions one = translate_sysctl(name, value);
    for (ShellAction& action : one) {
      if (auto* s = std::get_if<Setting>(&action)) s->of_init_script = true;
    }
    out.insert(out.end(), std::make_move_iterator(one.begin()), std::make_move_iterator(one.end()));
  }
  return out;
}

}  // namespace rapport::play
