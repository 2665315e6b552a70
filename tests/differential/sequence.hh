// Sequences as data: what both stacks are told, step by step, in a small language (sequences.txt
// explains it). Parsing, the ways into each state (starts.cc) and the generated table (cross.cc);
// nothing here runs.
#pragma once

#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::differential {

// A place in sequence space: octets behind the first SYN of its end, or, for the peer's numbers,
// from the right edge of the window that the stack has offered.
struct Place {
  bool from_edge = false;
  int64_t offset = 0;
};

// A segment of the peer. What is left out: seq follows what the peer has sent in order, ack is the
// last that was said, timestamps are used when the peer's SYN had them.
struct SegmentWords {
  wire::Flags flags;
  std::optional<Place> seq;
  std::optional<int64_t> ack;
  uint32_t length = 0;
  uint16_t window = 30000;
  uint16_t urgent = 0;
  uint16_t port = 0;  // added to the peer's usual one
  std::optional<uint16_t> mss;
  std::optional<uint8_t> scale;
  bool sack_permitted = false;
  bool timestamps = false, no_timestamps = false;
  std::optional<int64_t> tsval, tsecr;  // from the peer's first, from the stack's last
  bool zero_echo = false;               // TSecr is 0
  bool wrong_sum = false;
  std::vector<std::pair<int64_t, int64_t>> sack;
  std::optional<std::vector<uint8_t>> raw_options;
};

struct IcmpWords {
  wire::IcmpKind kind = wire::IcmpKind::Unknown;
  int64_t seq = 0;  // of the quoted segment
  uint32_t mtu = 0;
};

enum class Verb : uint8_t { Hears, HearsIcmp, Fills, Calls, Waits };

enum class Judged : uint8_t { Nothing, State, Everything };

struct Step {
  Verb verb = Verb::Waits;
  Judged judged = Judged::Everything;
  std::string text;     // as it was written
  std::string call;     // of Calls
  uint32_t number = 0;  // of Waits: milliseconds; of Calls: its argument
  SegmentWords segment;
  IcmpWords icmp;
};

struct Sequence {
  std::string name;
  std::string rules;  // ids in docs/rules that it is about
  uint8_t family = 4;
  std::vector<Step> steps;
};

// Every sequence of a file, each twice: for IPv4 ("name v4") and for IPv6 ("name v6"). The error
// names line and reason.
[[nodiscard]] std::expected<std::vector<Sequence>, std::string> parse(std::string_view text);

// The lines that lead into a state: "ESTABLISHED passive sack ts" and the like; nothing for an
// unknown one.
[[nodiscard]] std::vector<std::string> lines_into(std::string_view start);

// States x segments x place in the window x acknowledgement, in the language of the files.
[[nodiscard]] std::string cross();

}  // namespace rapport::differential
