// What is explored: two hosts, one tuple, and what their programs do with it. The names are those
// of `rapport explore --scenario`.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace rapport::sim::explore {

enum class Scenario : uint8_t {
  Open,       // the handshake
  Transfer,   // the handshake and one octet each way
  Close,      // from ESTABLISHED to nothing
  OpenClose,  // the handshake, one octet each way, and the parting
  Reuse,      // the same twice: the client opens the same tuple again as soon as its stack lets it
};

// Who ends first; a world of its own each, where a scenario has a parting.
enum class Parting : uint8_t {
  ClientFirst,  // the client half-closes; the server answers after the client's end of file
  ServerFirst,  // the server answers and closes; the client follows
  Together,     // both close at once
};

[[nodiscard]] std::string_view name(Scenario s);
[[nodiscard]] std::optional<Scenario> scenario_named(std::string_view name);
[[nodiscard]] std::string_view name(Parting p);
// Those that make a difference in this scenario.
[[nodiscard]] std::span<const Parting> partings_of(Scenario s);

// The two hosts.
inline constexpr HostId kClient = 0, kServer = 1;
inline constexpr Endpoint kClientAt{IpAddress::v4(10, 0, 0, 1), 4000};
inline constexpr Endpoint kServerAt{IpAddress::v4(10, 0, 0, 2), 80};

// One way, for what no fault delays.
inline constexpr Duration kDelay = 10_ms;
// Small, so that a world is short; a delayed copy outlives retransmissions (RFC 9293 3.4.1).
inline constexpr Duration kMsl = 1_s;
// With three faults a FIN may be lost twice while its RTO is the 3 s of RFC 6298 5.7: 2MSL outlasts
// that, as the shipped 60 s do.
inline constexpr Duration kLongMsl = 5_s;

[[nodiscard]] constexpr Duration msl_for(uint32_t faults) {
  return faults < 3 ? kMsl : kLongMsl;
}

[[nodiscard]] HostConfig host_config(HostId h);

}  // namespace rapport::sim::explore
