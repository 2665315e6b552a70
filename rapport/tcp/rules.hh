// Rules that may be switched off, one by one and at run time, so that the harm that each prevents
// can be shown with the shipped code: only in the build of `rapport-worlds` (kRuleSwitches in
// base/build.hh). In every other build all rules hold, holds() is the constant true, and nothing of
// this file is left in the program.
#pragma once

#include "rapport/base/build.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rapport::tcp {

enum class Rule : uint8_t {
  ThirdSegment,        // a passive opener waits for the ACK of its SYN (RFC 9293 3.5)
  MergedSynAck,        // the answer to a SYN acknowledges it and is a SYN itself (RFC 9293 3.5)
  HalfClose,           // a FIN closes one direction only (RFC 9293 3.6)
  TimeWait,            // who closed first stays for 2MSL (MUST-13)
  FullTimeWait,        // 2MSL, not an eighth of it (MUST-13)
  TimeWaitIgnoresRst,  // RFC 1337
  UnpredictableIsn,    // RFC 6528: a secret is part of the ISN (SHLD-1)
  Paws,                // RFC 7323 5
  ChallengeAck,        // RFC 5961 3: only a RST at RCV.NXT ends a connection
  kCount
};

template <bool switchable>
struct RuleSwitches {  // every rule holds
  friend bool operator==(const RuleSwitches&, const RuleSwitches&) = default;
};

template <>
struct RuleSwitches<true> {
  uint32_t off = 0;  // bit n: rule n

  void switch_off(Rule r) { off |= 1U << static_cast<uint32_t>(r); }

  // Not inlined, so that a build which holds switches is known by its symbols.
  [[nodiscard, gnu::noinline]] bool is_off(Rule r) const {
    return (off >> static_cast<uint32_t>(r) & 1U) != 0;
  }

  // What a rule is called without which something goes wrong: the question of `rapport why`.
  [[nodiscard]] static std::string_view name(Rule r) { return names().at(static_cast<size_t>(r)); }

  [[nodiscard]] static std::optional<Rule> find(std::string_view name) {
    for (size_t i = 0; i < names().size(); ++i) {
      if (names().at(i) == name) return static_cast<Rule>(i);
    }
    return std::nullopt;
  }

  friend bool operator==(const RuleSwitches&, const RuleSwitches&) = default;

 private:
  using Names = std::array<std::string_view, static_cast<size_t>(Rule::kCount)>;

  [[nodiscard]] static const Names& names() {
    static constexpr Names all{
        "two-way-handshake", "four-way-handshake",      "merged-close",    "no-time-wait",
        "short-time-wait",   "time-wait-assassination", "predictable-isn", "no-paws",
        "no-challenge-ack",
    };
    return all;
  }
};

// `config`: a tcp::Config. A template, so that what is not built is not looked at either.
template <class C>
[[nodiscard]] constexpr bool holds(Rule r, const C& config) {
  if constexpr (kRuleSwitches) {
    return !config.without.is_off(r);
  } else {
    (void)r;
    (void)config;
    return true;
  }
}

}  // namespace rapport::tcp
