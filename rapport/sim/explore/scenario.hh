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
  FastReuse,  // the same, in the shape in which numbers of the first life may fit into the second
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
// With three faults, or without timestamps, a FIN or the ACK of it may be lost while the RTO is the
// 3 s of RFC 6298 5.7: 2MSL outlasts that, as the shipped 60 s do.
inline constexpr Duration kLongMsl = 5_s;

[[nodiscard]] constexpr Duration msl_for(Scenario s, uint32_t faults) {
  return faults < 3 && s != Scenario::FastReuse ? kMsl : kLongMsl;
}

// What the shipped settings and one octet each way do not tell of a scenario.
struct Shape {
  Duration delay = kDelay;  // one way, for what no fault delays
  uint32_t text = 1;        // octets that the client says, all alike; the server says one
  Duration pause{};         // of the client, before it speaks
  bool timestamps = true;   // both ends offer them
  bool crashes = true;      // hosts may crash
};

// FastReuse: the text outruns the clock of initial sequence numbers (RFC 6528: 250 numbers a
// millisecond), and no timestamps tell the lives apart. A host that crashes would have to keep
// quiet for an MSL (RFC 9293 3.4.3), which these do not: there none crashes.
[[nodiscard]] Shape shape_of(Scenario s);

[[nodiscard]] HostConfig host_config(HostId h, const Shape& shape = {});

}  // namespace rapport::sim::explore
