// TCP_INFO from STATUS (RFC 9293 3.9.1.6).
#include "rapport/socket/posix/tcp_info.hh"

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rapport::posix {

namespace {

constexpr uint32_t kNoThreshold = 0x7fffffff;
constexpr uint32_t kTimestampOctets = 12;

// By tcp::State.
constexpr std::array<uint8_t, tcp::kStates> kLinux{7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
constexpr std::array<uint8_t, tcp::kStates> kFreeBsd{0, 1, 2, 3, 4, 6, 9, 5, 7, 8, 10};

uint32_t us(Duration d) {
  return static_cast<uint32_t>(std::clamp<int64_t>(d.to_us(), 0, UINT32_MAX));
}

uint32_t in_segments(uint32_t octets, uint32_t mss) {
  return mss == 0 ? 0 : octets / mss;
}

struct Field {
  std::string_view name;
  int64_t (*linux)(const TcpInfo&);     // nullptr: not known, or not in this system's struct
  int64_t (*free_bsd)(const TcpInfo&);  // the same
};

template <auto kMember>
int64_t get(const TcpInfo& i) {
  return i.*kMember;
}

constexpr auto kFields = std::to_array<Field>({
    {"tcpi_state", get<&TcpInfo::state>, get<&TcpInfo::bsd_state>},
    {"tcpi_retransmits", get<&TcpInfo::retransmits>, nullptr},
    {"tcpi_backoff", get<&TcpInfo::retransmits>, nullptr},
    {"tcpi_options", get<&TcpInfo::options>, get<&TcpInfo::options>},
    {"tcpi_snd_wscale", get<&TcpInfo::snd_wscale>, get<&TcpInfo::snd_wscale>},
    {"tcpi_rcv_wscale", get<&TcpInfo::rcv_wscale>, get<&TcpInfo::rcv_wscale>},
    {"tcpi_rto", get<&TcpInfo::rto>, get<&TcpInfo::rto>},
    {"tcpi_rtt", get<&TcpInfo::rtt>, get<&TcpInfo::rtt>},
    {"tcpi_rttvar", get<&TcpInfo::rttvar>, get<&TcpInfo::rttvar>},
    {"tcpi_snd_mss", get<&TcpInfo::snd_mss>, get<&TcpInfo::snd_mss>},
    {"tcpi_unacked", get<&TcpInfo::unacked>, nullptr},
    {"tcpi_snd_ssthresh", get<&TcpInfo::snd_ssthresh>, get<&TcpInfo::ssthresh_octets>},
    {"tcpi_snd_cwnd", get<&TcpInfo::snd_cwnd>, get<&TcpInfo::cwnd_octets>},
    {"tcpi_snd_wnd", get<&TcpInfo::snd_wnd>, get<&TcpInfo::snd_wnd>},
    {"tcpi_rcv_wnd", get<&TcpInfo::rcv_wnd>, nullptr},
    {"tcpi_rcv_space", nullptr, get<&TcpInfo::rcv_wnd>},
    {"tcpi_notsent_bytes", get<&TcpInfo::notsent_bytes>, nullptr},
    {"tcpi_bytes_acked", get<&TcpInfo::bytes_acked>, nullptr},
    {"tcpi_bytes_received", get<&TcpInfo::bytes_received>, nullptr},
    {"tcpi_snd_nxt", nullptr, get<&TcpInfo::snd_nxt>},
    {"tcpi_snd_una", nullptr, get<&TcpInfo::snd_una>},
    {"tcpi_rcv_nxt", nullptr, get<&TcpInfo::rcv_nxt>},
});

// In the structs, and not known here.
constexpr auto kUnknown = std::to_array<std::string_view>({
    "tcpi_ca_state",
    "tcpi_probes",
    "tcpi_ato",
    "tcpi_rcv_mss",
    "tcpi_sacked",
    "tcpi_lost",
    "tcpi_retrans",
    "tcpi_fackets",
    "tcpi_last_data_sent",
    "tcpi_last_ack_sent",
    "tcpi_last_data_recv",
    "tcpi_last_ack_recv",
    "tcpi_pmtu",
    "tcpi_rcv_ssthresh",
    "tcpi_advmss",
    "tcpi_reordering",
    "tcpi_rcv_rtt",
    "tcpi_total_retrans",
    "tcpi_pacing_rate",
    "tcpi_max_pacing_rate",
    "tcpi_segs_out",
    "tcpi_segs_in",
    "tcpi_min_rtt",
    "tcpi_data_segs_in",
    "tcpi_data_segs_out",
    "tcpi_delivery_rate",
    "tcpi_delivery_rate_app_limited",
    "tcpi_busy_time",
    "tcpi_rwnd_limited",
    "tcpi_sndbuf_limited",
    "tcpi_delivered",
    "tcpi_delivered_ce",
    "tcpi_bytes_sent",
    "tcpi_bytes_retrans",
    "tcpi_dsack_dups",
    "tcpi_reord_seen",
    "tcpi_rcv_ooopack",
    "tcpi_rehash",
    "tcpi_total_rto",
    "tcpi_total_rto_recoveries",
    "tcpi_total_rto_time",
    "tcpi_fastopen_client_fail",
    "tcpi_snd_bwnd",
    "tcpi_toe_tid",
    "tcpi_snd_rexmitpack",
    "tcpi_snd_zerowin",
    "tcpi_received_ce",
    "tcpi_delivered_e1_bytes",
    "tcpi_delivered_e0_bytes",
    "tcpi_delivered_ce_bytes",
    "tcpi_received_e1_bytes",
    "tcpi_received_e0_bytes",
    "tcpi_received_ce_bytes",
    "tcpi_total_tlp",
    "tcpi_total_tlp_bytes",
    "tcpi_snd_max",
    "tcpi_rcv_numsacks",
    "tcpi_rcv_adv",
    "tcpi_dupacks",
    "tcpi_ecn_mode",
});

const Field* find(std::string_view name) {
  const auto found = std::ranges::find(kFields, name, &Field::name);
  return found == kFields.end() ? nullptr : &*found;
}

uint8_t options_of(const tcp::Status& s) {
  return static_cast<uint8_t>((s.timestamps ? 1 : 0) | (s.sack ? 2 : 0)
                              | (s.window_scaling ? 4 : 0));
}

void tell_congestion(TcpInfo& i, const tcp::Status& s) {
  i.cwnd_octets = s.cwnd;
  i.ssthresh_octets = s.ssthresh;
  const uint32_t mss = s.mss;
  i.snd_cwnd = in_segments(s.cwnd, mss);
  i.snd_ssthresh = s.ssthresh >= kNoThreshold ? kNoThreshold : in_segments(s.ssthresh, mss);
}

void tell_sequences(TcpInfo& i, const tcp::Status& s) {
  i.snd_nxt = s.snd_nxt.v;
  i.snd_una = s.snd_una.v;
  i.rcv_nxt = s.rcv_nxt.v;
  const uint32_t flight = (s.snd_nxt - s.snd_una).v;
  i.unacked = i.snd_mss == 0 ? 0 : (flight + i.snd_mss - 1) / i.snd_mss;
  i.notsent_bytes = s.send_queue.v - std::min(s.send_queue.v, flight);
  const bool synchronized = tcp::is_synchronized(s.state);
  if (!synchronized) return;
  i.bytes_acked = (s.snd_una - s.iss).v - 1;
  i.bytes_received = (s.rcv_nxt - s.irs).v - 1;
}

}  // namespace

TcpInfo tcp_info_of(const tcp::Status& s) {
  TcpInfo i;
  i.state = kLinux[static_cast<size_t>(s.state)];
  i.bsd_state = kFreeBsd[static_cast<size_t>(s.state)];
  if (s.state == tcp::State::Listen) {
    i.unacked = s.backlog_waiting;
    return i;
  }
  i.retransmits = static_cast<uint8_t>(std::min<uint32_t>(s.retransmissions, UINT8_MAX));
  i.options = options_of(s);
  i.snd_wscale = s.snd_shift;
  i.rcv_wscale = s.rcv_shift;
  i.rto = us(s.rto);
  i.rtt = us(s.srtt);
  i.rttvar = us(s.rttvar);
  i.snd_mss = s.mss - std::min<uint32_t>(s.mss, s.timestamps ? kTimestampOctets : 0);
  i.snd_wnd = s.snd_wnd.v;
  i.rcv_wnd = s.rcv_wnd.v;
  tell_congestion(i, s);
  tell_sequences(i, s);
  return i;
}

std::optional<int64_t> tcp_info_field(const TcpInfo& info, std::string_view name,
                                      InfoDialect dialect) {
  const Field* f = find(name);
  if (f == nullptr) return std::nullopt;
  const auto read = dialect == InfoDialect::Linux ? f->linux : f->free_bsd;
  return read == nullptr ? std::nullopt : std::optional{read(info)};
}

bool is_tcp_info_field(std::string_view name) {
  return find(name) != nullptr || std::ranges::find(kUnknown, name) != kUnknown.end();
}

}  // namespace rapport::posix
