// What a simulated wire did with one frame, and a trace record with the host that wrote it:
// together they let a reader join a segment that host A sent with its arrival, or its loss, at host
// B. Written by sim/, read by observe/. No protocol is known here.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"

#include <array>
#include <cstdint>
#include <string_view>

namespace rapport {

// What became of one copy of a frame.
enum class Fate : uint8_t {
  Delivered,    // arrived as it was sent
  Duplicated,   // an extra copy, made by the wire; arrived
  Corrupted,    // arrived with octets changed
  Injected,     // no host sent it: a script put it on the wire; arrived
  Lost,         // the wire (fault or script) lost it
  Overflowed,   // the wire's queue was full
  Partitioned,  // the wire was cut
  NoSuchHost,   // its destination address belongs to nobody
  HostDown,     // it came to a host that had crashed
};

// "lost", "duplicated", ...
[[nodiscard]] constexpr std::string_view name(Fate f) {
  constexpr std::array<std::string_view, 9> names{"delivered",   "duplicated",   "corrupted",
                                                  "injected",    "lost",         "overflowed",
                                                  "partitioned", "no-such-host", "host-down"};
  return names[static_cast<uint8_t>(f)];
}

// No host: the sender of an injected frame, the receiver of one that nobody owns.
inline constexpr uint32_t kNoHost = UINT32_MAX;

// One copy of one frame. `serial` is the sender's number, equal to TraceSegment::serial at both
// ends: (from_host, serial) names the sent segment; a duplicate has the serial of its original.
struct WireRecord {
  Instant sent;
  Instant arrived = kNever;  // kNever when it did not arrive
  uint32_t from_host = kNoHost;
  uint32_t to_host = kNoHost;
  uint32_t serial = 0;
  uint32_t length = 0;       // octets of the IP packet
  Duration held{};           // what a fault or script added to the wire's own delay
  uint32_t incarnation = 0;  // how often the sender had been restarted (serials begin anew)
  Fate fate = Fate::Delivered;

  [[nodiscard]] constexpr bool has_arrived() const { return arrived != kNever; }
};

// A record of one host's trace. All hosts' records in the order in which they were written (by
// time, and at one instant by cause before effect) have `order` 0, 1, 2, ...
struct HostRecord {
  uint32_t host = 0;
  uint32_t order = 0;
  TraceRecord record;
};

}  // namespace rapport
