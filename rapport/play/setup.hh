// Setup: what a script asks of its world before it begins: addresses, tolerances, the stack's
// settings. Taken from its options and from those shell lines that come before the first packet or
// call. What the stack cannot be told makes the script Skip.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/play/calls.hh"
#include "rapport/play/place.hh"
#include "rapport/play/script.hh"
#include "rapport/play/shell.hh"
#include "rapport/stack/stack.hh"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rapport::play {

struct Setup {
  stack::Config config;
  Addresses addresses;
  Endpoint local, remote;  // of the connection under test; the remote port of a passive open
  uint16_t connect_port = 8080;
  Duration tolerance{};             // at least this much
  int64_t tolerance_ppm = 125'000;  // and this part of the time since the event before
  std::optional<uint32_t> timestamp_tick_us;
  bool super_packets = true;  // dialect G: what is expected may be several segments of the stack
  BufferLimits limits;
  // Settings in force, as the script has them; of each variable the last.
  std::vector<Setting> settings;
  // Of those, what the stack does not have, but that system begins with: judged all the same.
  std::vector<std::string> assumed;
};

// Why a script cannot be played, and the line that says so; of a default 0:0.
struct SkipReason {
  std::string text;
  Place place;
};

// `defaults`: options that hold where the script says nothing else.
[[nodiscard]] std::expected<Setup, SkipReason> set_up(const Script& script, bool strict_settings,
                                                      std::span<const Option> defaults = {});

// Carries out one setting: in `setup.config`, or by noting it as assumed. False: it asks for what
// the stack does not do.
[[nodiscard]] bool apply(const Setting& setting, Setup& setup);

}  // namespace rapport::play
