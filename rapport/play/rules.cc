// Names and sets of rules.
#include "rapport/play/rules.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rapport::play {

namespace {

enum Systems : uint8_t { kPortable = 1, kFreeBsd = 2, kLinux = 4, kBoth = 6, kAll = 7 };

struct Entry {
  std::string_view name, meaning;
  uint8_t in;
};

constexpr std::array<Entry, kRules> kEntries{{
    {"option-set", "options in another order or with other padding", kAll},
    {"windows", "another window, unless it is zero or on a RST", kAll},
    {"coalesced", "segments of one instant that together are the expected one", kAll},
    {"closing-fin", "the ACK of a FIN in CLOSING repeats our FIN, or does not", kBoth},
    {"syn-slop", "a SYN or SYN+ACK is sent again a little earlier or later", kBoth},
    {"early-ack", "an ACK within the delayed-ACK limit, or one cumulative ACK earlier", kBoth},
    {"small-delayed", "two segments of any size end the delay of an ACK", kBoth},
    {"quick-ack", "the first segments are acknowledged one by one", kBoth},
    {"fin-sack-edge", "an out-of-order FIN counts in its SACK block, or not", kBoth},
    {"errno-alias", "another errno for the same thing", kBoth},
    {"rounded-buffer", "text less than a segment beyond the advertised edge is taken", kBoth},
    {"scale-of-buffer", "another window scale in a SYN", kBoth},
    {"syn-ack-in-listen", "a SYN+ACK in LISTEN draws a RST, or nothing", kBoth},
    {"syn-fin", "a SYN+FIN in LISTEN is taken for a SYN, or dropped", kBoth},
    {"rfc793", "RFC 793's answers to RST, SYN and old ACKs instead of RFC 5961's", kBoth},
    {"icmp-errors", "another errno for the same ICMP message", kBoth},
}};

constexpr std::array<std::string_view, 4> kProfileNames{"strict", "portable", "freebsd", "linux"};

const Entry& entry(Rule r) {
  return kEntries.at(static_cast<size_t>(r));
}

}  // namespace

std::string_view name(Profile p) {
  return kProfileNames.at(static_cast<size_t>(p));
}

std::optional<Profile> profile_named(std::string_view name) {
  const auto at = std::ranges::find(kProfileNames, name);
  if (at == kProfileNames.end()) return std::nullopt;
  return static_cast<Profile>(at - kProfileNames.begin());
}

std::string_view name(Rule r) {
  return entry(r).name;
}

std::string_view meaning(Rule r) {
  return entry(r).meaning;
}

std::optional<Rule> rule_named(std::string_view name) {
  const auto at = std::ranges::find(kEntries, name, &Entry::name);
  if (at == kEntries.end()) return std::nullopt;
  return static_cast<Rule>(at - kEntries.begin());
}

Rules::Rules(Profile p) {
  constexpr std::array<uint8_t, 4> bits{0, kPortable, kFreeBsd, kLinux};
  for (size_t i = 0; i < kRules; ++i) {
    on_[i] = (kEntries.at(i).in & bits.at(static_cast<size_t>(p))) != 0;
  }
}

}  // namespace rapport::play
