// Profiles and equivalence rules: what may differ from a script without being wrong. A rule has a
// name, can be switched on and off, and counts how often it was needed; a script that needed one
// passes "by rule", never plainly. Profiles are sets of rules. They govern comparison only: no rule
// changes what the stack does. docs/scripts.md tells each rule's reason.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace rapport::play {

enum class Rule : uint8_t {
  // portable: what no RFC fixes
  OptionSet,  // options in another order or with other padding
  Windows,    // another window, unless one of the two is zero or the segment is a RST
  Coalesced,  // segments of one instant that together are the expected one
  // freebsd and linux: what those systems do otherwise
  ClosingFin,      // the ACK of a FIN in CLOSING repeats our FIN
  SynSlop,         // a SYN is sent again a little later than the timer says
  EarlyAck,        // an ACK within the delayed-ACK limit, or one cumulative ACK earlier
  SmallDelayed,    // two segments of any size end the delay of an ACK
  QuickAck,        // the first segments are acknowledged one by one
  FinSackEdge,     // an out-of-order FIN counts in the right edge of its SACK block, or not
  ErrnoAlias,      // another errno for the same thing
  RoundedBuffer,   // what lies less than a segment beyond the advertised edge is taken
  ScaleOfBuffer,   // another window scale: it comes from the largest buffer
  SynAckInListen,  // a SYN+ACK in LISTEN draws a RST, or nothing
  SynFin,          // a SYN+FIN is a SYN, or dropped
  Rfc793,          // RFC 793's answers instead of RFC 5961's
  IcmpErrors,      // another error for the same ICMP message
  kCount
};

inline constexpr size_t kRules = static_cast<size_t>(Rule::kCount);

enum class Profile : uint8_t { Strict, Portable, FreeBsd, Linux };

inline constexpr std::array kProfiles{Profile::Strict, Profile::Portable, Profile::FreeBsd,
                                      Profile::Linux};

[[nodiscard]] std::string_view name(Profile p);
[[nodiscard]] std::optional<Profile> profile_named(std::string_view name);
[[nodiscard]] std::string_view name(Rule r);
// One line of what it lets pass.
[[nodiscard]] std::string_view meaning(Rule r);
[[nodiscard]] std::optional<Rule> rule_named(std::string_view name);

// Which rules are on.
class Rules {
 public:
  Rules() = default;
  explicit Rules(Profile p);

  [[nodiscard]] bool on(Rule r) const { return on_[static_cast<size_t>(r)]; }

  void set(Rule r, bool on) { on_[static_cast<size_t>(r)] = on; }

 private:
  std::bitset<kRules> on_;
};

// How often each was needed.
struct RuleUses {
  std::array<uint32_t, kRules> counts{};

  void add(Rule r) { ++counts[static_cast<size_t>(r)]; }

  [[nodiscard]] bool any() const {
    for (const uint32_t n : counts) {
      if (n != 0) return true;
    }
    return false;
  }
};

}  // namespace rapport::play
