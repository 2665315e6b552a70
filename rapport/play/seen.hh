// Seen: a packet that has left the stack, read back from its octets: everything that a script may
// say about it. A packet that cannot be read says so instead of being dropped: that is a finding.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rapport::play {

struct Seen {
  enum class Kind : uint8_t { Tcp, Udp, Icmp, Unreadable };

  Instant at;
  Kind kind = Kind::Unreadable;
  std::string fault;  // Unreadable: why
  IpAddress source, destination;
  bool ipv6 = false;
  uint8_t tos = 0;  // all eight bits
  uint8_t ttl = 0;
  uint32_t flow_label = 0;
  std::vector<uint8_t> bytes;  // the whole packet; what follows points into it
  wire::Segment tcp;
  uint16_t source_port = 0, destination_port = 0;  // of TCP and UDP
  std::span<const uint8_t> payload;                // of UDP, or behind the header of ICMP
  uint8_t icmp_type = 0, icmp_code = 0;
  uint32_t icmp_rest = 0;

  [[nodiscard]] std::span<const uint8_t> options() const {
    return {tcp.raw_options, tcp.option_octets};
  }
};

// Reads a packet, checksums and all.
[[nodiscard]] Seen read_packet(std::span<const uint8_t> packet, Instant at);

// Appends the text of `next` to `s`, if it goes on where `s` ends and differs from it in nothing
// but PSH and FIN, which then count for both. At most `most` octets in all.
[[nodiscard]] bool join(Seen& s, const Seen& next, size_t most);

}  // namespace rapport::play
