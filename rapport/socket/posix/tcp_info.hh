// What TCP_INFO tells: the fields of Linux' and FreeBSD's struct tcp_info that this stack can fill.
// Scripts ask by name, in the numbers and units of either system, and learn which fields are not
// known here, so that nobody takes a zero for an answer.
#pragma once

#include "rapport/tcp/commands.hh"

#include <cstdint>
#include <optional>
#include <string_view>

namespace rapport::posix {

// As getsockopt(IPPROTO_TCP, TCP_INFO) gives it. Times in microseconds, numbers as in Linux.
struct TcpInfo {
  uint8_t state = 7;        // Linux' numbers: TCP_CLOSE is 7
  uint8_t retransmits = 0;  // of the oldest outstanding segment, in a row
  uint8_t options = 0;      // TCPI_OPT_…: 1 timestamps, 2 SACK, 4 window scale
  uint8_t snd_wscale = 0, rcv_wscale = 0;
  uint8_t bsd_state = 0;  // FreeBSD's numbers: TCPS_CLOSED is 0
  uint32_t rto = 0, rtt = 0, rttvar = 0;
  uint32_t snd_mss = 0;       // text of a full segment, options taken off
  uint32_t unacked = 0;       // segments in flight: octets over snd_mss, and a SYN or FIN alone
  uint32_t snd_ssthresh = 0;  // segments; 0x7fffffff: not set yet
  uint32_t snd_cwnd = 0;      // segments
  uint32_t ssthresh_octets = 0, cwnd_octets = 0;  // what FreeBSD calls the two
  uint32_t snd_wnd = 0, rcv_wnd = 0;              // octets
  uint32_t notsent_bytes = 0;
  uint32_t snd_nxt = 0, snd_una = 0, rcv_nxt = 0;  // as on the wire
  uint32_t bytes_acked = 0, bytes_received = 0;    // modulo 2^32
};

[[nodiscard]] TcpInfo tcp_info_of(const tcp::Status& status);

enum class InfoDialect : uint8_t { Linux, FreeBsd };

// A field by its name ("tcpi_snd_cwnd"); nothing: this stack does not know it, or there is no such
// field. is_tcp_info_field() tells the two apart.
[[nodiscard]] std::optional<int64_t> tcp_info_field(const TcpInfo& info, std::string_view name,
                                                    InfoDialect dialect);
[[nodiscard]] bool is_tcp_info_field(std::string_view name);

}  // namespace rapport::posix
