// What a Stack's TCP may be told. Config is fixed at construction unless a field says otherwise;
// ConnectionOptions may be set per listener, per connection, before and after opening.
// docs/settings.md is the table of both.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/rules.hh"

#include <array>
#include <cstdint>
#include <vector>

namespace rapport::tcp {

// Options of one connection; a listener's children inherit the listener's.
struct ConnectionOptions {
  bool no_delay = false;          // true: Nagle off (MUST-17)
  bool cork = false;              // true: only full segments, for silly_window_override at most
  bool quick_ack = false;         // true: never delay an ACK
  bool keep_alive = false;        // MUST-24, MUST-25: off by default
  bool keep_alive_octet = false;  // MAY-6: probes carry one garbage octet
  bool urgent_inline = true;      // RFC 6093: in the stream, the only mode; false is NotAllowed
  bool soft_errors = true;        // SHLD-20: false suppresses reports of delivery trouble
  bool linger = false;            // SO_LINGER on/off; see linger_time
  uint8_t dscp = 0;               // 0..63 (MUST-48)
  uint8_t ttl = 64;               // MUST-49
  uint8_t keep_alive_probes = 9;
  uint16_t mss_clamp = 0;             // 0: none; else the largest MSS offered and used
  Duration keep_alive_idle = 7200_s;  // MUST-27, MUST-28; like the interval at least 1 ms
  Duration keep_alive_interval = 75_s;
  Duration linger_time = 0_s;   // with linger: 0 aborts at CLOSE, else the longest wait
  Duration user_timeout = 0_s;  // 0: R2 alone decides (MUST-21, U-23)
  ByteCount send_buffer = 256_KiB;
  ByteCount receive_buffer = 256_KiB;  // fixes the window scale at opening; 1 B to 16 MiB

  friend bool operator==(const ConnectionOptions&, const ConnectionOptions&) = default;
};

enum class AckPolicy : uint8_t {
  PerBurst,     // one cumulative ACK a burst (documented deviation from RFC 5681 4.2)
  EverySecond,  // an ACK for every second full segment also inside a burst
};

struct Config {
  // --- caps: what happens at each is counted ------------------------------------------------
  uint32_t max_connections = 1U << 16;
  uint32_t max_half_open = 4096;      // SYN queue of the whole stack
  uint32_t max_time_wait = 1U << 17;  // beyond: the oldest is evicted
  uint32_t max_listeners = 1024;
  uint32_t max_transfers = 1U << 16;
  uint32_t max_extras = 1U << 16;
  uint32_t max_blocks = 1U << 16;   // 4 KiB each: all queued and unread text of the stack
  uint32_t max_pieces = 1U << 17;   // entries of all send queues
  uint32_t max_out_of_order = 256;  // separate out-of-order runs of one connection (at most 511)

  // --- the handshake ------------------------------------------------------------------------
  bool offer_window_scale = true;
  bool offer_sack = true;
  bool offer_timestamps = true;
  bool randomise_timestamp_offset = true;  // R7323-24
  bool drop_syn_fin = true;                // choice 26
  bool reset_on_accept_overflow = false;   // choice 7
  bool require_timestamps = true;  // choice 12: a segment without them is dropped once agreed
  bool check_ack_in_syn_received = false;      // choice 29: the strict profile may send the ACK
  Duration initial_rto = 1_s;                  // RFC 6298 2.1
  Duration syn_give_up = 180_s;                // MUST-23
  Duration syn_ack_give_up = 180_s;            // choice 31, while the SYN queue is calm
  uint8_t syn_ack_retries_under_pressure = 5;  // with the SYN queue over half full

  // --- talking --------------------------------------------------------------------------------
  AckPolicy ack_policy = AckPolicy::PerBurst;
  uint16_t quick_acks = 16;      // full or small segments acknowledged at once after opening
  Duration delayed_ack = 40_ms;  // MUST-40: < 500 ms
  Duration min_rto = 200_ms;     // choice 14; strict: 1 s
  Duration max_rto = 120_s;      // RFC 6298 2.5: >= 60 s
  Duration persist_max = 60_s;
  uint8_t r1 = 3;       // retransmissions before delivery trouble is reported (SHLD-10)
  Duration r2 = 924_s;  // SHLD-11: >= 100 s
  Duration silly_window_override = 200_ms;  // U-17: 0.1 .. 1 s
  uint32_t initial_window_segments = 10;    // RFC 6928
  // --- parting --------------------------------------------------------------------------------
  Duration two_msl = 60_s;            // choice 4
  Duration fin_wait_2_orphan = 60_s;  // choice 5
  Duration orphan_give_up = 120_s;    // retransmission of text and FIN without a reader
  bool time_wait_ignores_rst = true;  // choice 1, RFC 1337
  // --- defence --------------------------------------------------------------------------------
  Duration challenge_interval = 500_ms;    // RFC 5961 7, per connection
  uint32_t challenge_cap = 1000;           // per second and host, drawn anew from [cap/2, cap*3/2)
  uint64_t permitted_dscp = ~uint64_t{0};  // bit n: DSCP n is allowed (UC-OPEN-06)
  uint16_t lowest_listen_port = 1;  // ports below are illegal for this stack's user (UC-OPEN-04)
  uint16_t ephemeral_first = 1024, ephemeral_last = 65535;  // RFC 6056 3.2
  std::vector<uint16_t> reserved_ports{};                   // never chosen as ephemeral
  // --- secrets: all from one seed ---------------------------------------------------------------
  uint64_t seed = 1;  // in production: from getrandom; fixes every draw and key

  ConnectionOptions defaults{};

  // Rules that are switched off: an empty type but in the build of `rapport-worlds`.
  [[no_unique_address]] RuleSwitches<kRuleSwitches> without{};
};

// Choices of docs/rules/choices.md that follow the letter of the RFC: 2MSL of 240 s, RTO floor of
// 1 s, RST honoured in TIME-WAIT, challenge ACK for ACKs out of range in SYN-RECEIVED.
[[nodiscard]] Config strict_profile();

}  // namespace rapport::tcp
