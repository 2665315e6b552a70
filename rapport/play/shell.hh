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

// The settings that scripts make. Times are in microseconds, sizes in octets.
enum class SettingName : uint8_t {
  Timestamps,         // 0, 1: offered and accepted (RFC 7323)
  WindowScaling,      // 0, 1 (RFC 7323)
  Sack,               // 0, 1 (RFC 2018)
  Dsack,              // 0, 1 (RFC 2883)
  Ecn,                // 0 off, 1 asked for and accepted, 2 accepted only (RFC 3168), 3... accurate
  SendBufferMin,      // of one socket, as ...
  SendBufferDefault,  // ... it begins with
  SendBufferMax,      // ... it may grow to by itself
  ReceiveBufferMin,   // the same
  ReceiveBufferDefault,   //
  ReceiveBufferMax,       //
  SendBufferLimit,        // what SO_SNDBUF may ask for
  ReceiveBufferLimit,     // what SO_RCVBUF may ask for
  SendBufferAuto,         // 0, 1: grows by itself
  ReceiveBufferAuto,      // 0, 1
  DelayedAckTime,         // RFC 9293 MUST-58: below half a second
  DelayedAck,             // 0, 1
  InitialRto,             // RFC 6298 2.1
  MinimumRto,             //
  MaximumRto,             //
  RtoSlop,                // added to each RTO
  SynRetries,             // count of repeated SYN
  SynAckRetries,          // count of repeated SYN+ACK
  Retries,                // R2 in retransmissions (RFC 9293 3.8.3)
  RetriesSoft,            // R1
  SynCookies,             // 0 off, 1 when the backlog is full, 2 always
  ChallengeAckLimit,      // a second (RFC 5961 10)
  InvalidAckInterval,     // between ACKs for what lies out of the window
  InsecureRst,            // 1: RFC 793's acceptance of a RST instead of RFC 5961's
  InsecureSyn,            // 1: RFC 793's answer to a SYN instead of RFC 5961's
  InsecureAck,            // 1: RFC 793's range of acceptable ACKs
  InitialWindow,          // segments (RFC 6928)
  CongestionControl,      // word: "reno", "newreno", "cubic"
  SlowStartAfterIdle,     // 0, 1 (RFC 5681 4.1)
  Frto,                   // 0 off (RFC 5682)
  LimitedTransmit,        // 0, 1 (RFC 3042)
  EarlyRetransmit,        // Linux's numbers: 0 off, 3 and 4 with tail loss probes
  Recovery,               // Linux's bits: 1 RACK, 2 a static reordering window, 4 no DupThresh
  DuplicateAckThreshold,  // how many duplicates tell of a loss (RFC 5681 3.2: 3)
  Cork,                   // 0, 1: small writes are joined while packets wait for the device
  KeepAliveIdle,          //
  KeepAliveInterval,      //
  KeepAliveInit,          // how long a connection may take to open
  KeepAliveProbes,        // count
  KeepAliveAlways,        // 0, 1: without SO_KEEPALIVE
  FinWait2Time,           //
  FinWait2Recycle,        // 0, 1: FIN-WAIT-2 of closed sockets ends early
  TimeWaitLength,         // 2 MSL (RFC 9293 3.4.2)
  TimeWaitReuse,          // 0, 1 (RFC 6191)
  DropSynFin,             // 0 a SYN+FIN is a SYN, 1 it is dropped
  BlackHole,              // 0 RST from CLOSED, 1 silence to SYN, 2 silence
  AbortOnOverflow,        // 0, 1: RST when the backlog is full
  PathMtuDiscovery,       // 0, 1 (RFC 1191)
  MtuProbing,             // 0 off (RFC 4821)
  MinimumMss,             //
  DefaultMss,             // RFC 9293 MUST-15
  RouteMtu,               // of the way to the peer
  FastOpen,               // 0 off (RFC 7413)
  BuffersToWindows,       // Linux's shift from a buffer to its window
  UnsentLowMark,          //
  IcmpReplyLimit,         // a second, 0 unlimited
  TimeToLive,             // of what leaves
};

struct Setting {
  SettingName name{};
  int64_t value = 0;
  std::string word;    // where a value is no number
  std::string source;  // as the script has it: "net.ipv4.tcp_sack=0"
  // From the script that Linux's collections begin with: what it says is no wish of this script.
  bool of_init_script = false;

  // What is set: "net.ipv4.tcp_sack".
  [[nodiscard]] std::string_view variable() const {
    return std::string_view(source).substr(0, source.find('='));
  }

  friend bool operator==(const Setting&, const Setting&) = default;
};

// How many sockets of one kind there must be: `sockstat ... | grep -c STATE | grep N`.
struct Query {
  std::string state;      // "ESTABLISHED": RFC 9293's words with "_"
  int64_t count = 0;      // how many there must be
  bool at_least = false;  // or more
  std::string source;     // the whole line

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
