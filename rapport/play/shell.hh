// What the shell lines of scripts mean here. They are never executed: known ones become settings or
// questions about the state of sockets, known ones without a meaning in this world are ignored, and
// with all others the script must be skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rapport::play {

// The settings that scripts make. The unit of the value is in the comment; times are in
// microseconds.
enum class SettingName : uint8_t {
  Timestamps,             // 0, 1: offered and accepted (RFC 7323)
  WindowScaling,          // 0, 1 (RFC 7323)
  Sack,                   // 0, 1 (RFC 2018)
  Dsack,                  // 0, 1 (RFC 2883)
  Ecn,                    // 0 off, 1 asked for and accepted, 2 accepted only (RFC 3168)
  SendBufferMin,          // octets
  SendBufferDefault,      // octets
  SendBufferMax,          // octets
  ReceiveBufferMin,       // octets
  ReceiveBufferDefault,   // octets
  ReceiveBufferMax,       // octets
  SendBufferAuto,         // 0, 1: grows by itself
  ReceiveBufferAuto,      // 0, 1
  DelayedAckTime,         // us; RFC 9293 MUST-58: at most half a second
  DelayedAck,             // 0, 1
  InitialRto,             // us (RFC 6298 2.1)
  MinimumRto,             // us
  MaximumRto,             // us
  RtoSlop,                // us, added to each RTO
  SynRetries,             // count of SYN
  SynAckRetries,          // count of SYN+ACK
  Retries,                // R2 in retransmissions (RFC 9293 3.8.3)
  RetriesSoft,            // R1
  SynCookies,             // 0 off, 1 when the backlog is full, 2 always
  ChallengeAckLimit,      // a second; RFC 5961 10
  InvalidAckInterval,     // us between duplicate ACKs for what lies out of the window
  InsecureRst,            // 1: RFC 793's acceptance of a RST instead of RFC 5961's
  InsecureSyn,            // 1: RFC 793's answer to a SYN instead of RFC 5961's
  InsecureAck,            // 1: RFC 793's range of acceptable ACKs
  InitialWindow,          // segments (RFC 6928)
  CongestionControl,      // word: "reno", "newreno", "cubic"
  SlowStartAfterIdle,     // 0, 1 (RFC 5681 4.1)
  Frto,                   // 0, 1 (RFC 5682)
  LimitedTransmit,        // 0, 1 (RFC 3042)
  EarlyRetransmit,        // 0 off
  Recovery,               // the kernel's bits: 1 RACK, 2 static reordering window, 4 no DUPTHRESH
  TailLossProbe,          // 0, 1
  DuplicateAckThreshold,  // count: when a segment counts as lost
  Cork,                   // 0, 1: small writes are joined while a packet waits for the device
  SegmentationOffload,    // 0, 1: what leaves may be larger than the MSS
  KeepAliveIdle,          // us
  KeepAliveInterval,      // us
  KeepAliveInit,          // us: how long a connection may take to open
  KeepAliveProbes,        // count
  KeepAliveAlways,        // 0, 1: without SO_KEEPALIVE
  FinWait2Time,           // us
  FinWait2Recycle,        // 0, 1: FIN-WAIT-2 of closed sockets ends early
  TimeWaitLength,         // us: 2 MSL (RFC 9293 3.4.2)
  TimeWaitReuse,          // 0, 1 (RFC 6191)
  DropSynFin,             // 0 a SYN+FIN is a SYN, 1 it is dropped
  BlackHole,              // 0 RST from CLOSED, 1 silence to SYN, 2 silence
  AbortOnOverflow,        // 0, 1
  PathMtuDiscovery,       // 0, 1 (RFC 1191)
  MtuProbing,             // 0, 1 (RFC 4821)
  MinimumMss,             // octets
  DefaultMss,             // octets (RFC 9293 MUST-15)
  AdvertisedMssMin,       // octets
  RouteMtu,               // octets: that of the route to the peer
  FastOpen,               // the kernel's bits; 0 off
  AppWindow,              // the kernel's shift
  WindowClamp,            // the kernel's sysctl of buffers to windows
  UnsentLowMark,          // octets
  IcmpReplyLimit,         // a second; 0: unlimited
  RfcStrict,              // other switches of RFC behaviour; `word` has the system's name
};

struct Setting {
  SettingName name{};
  int64_t value = 0;
  std::string word;    // where a value is no number
  std::string source;  // the system's name ("net.ipv4.tcp_sack")

  friend bool operator==(const Setting&, const Setting&) = default;
};

// How many sockets of one kind there must be: `sockstat ... | grep -c STATE | grep N`.
struct Query {
  std::string state;    // "ESTABLISHED", RFC 9293's words with "_"; empty: in any state
  int64_t count = 0;    // how many there must be
  bool absent = false;  // none may be there (a `grep -v`, a `!`)
  std::string source;   // the whole line

  friend bool operator==(const Query&, const Query&) = default;
};

// Known, and without a meaning here.
struct Ignored {
  std::string command;
  std::string why;

  friend bool operator==(const Ignored&, const Ignored&) = default;
};

struct Unknown {
  std::string command;  // SKIP names it

  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using ShellAction = std::variant<Setting, Query, Ignored, Unknown>;

// A line may hold several commands (newlines, ";", "&&"), and a command several settings; they come
// in order.
[[nodiscard]] std::vector<ShellAction> translate_shell(std::string_view text);

}  // namespace rapport::play
