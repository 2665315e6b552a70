// Packets for the stack under test, made and read by wire/.
#pragma once

#include "host.hh"
#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rapport::differential {

// A whole packet from ends.remote to ends.local. `raw_options`, if given, stand in for
// head.options.
[[nodiscard]] std::vector<uint8_t> tcp_packet(const wire::SegmentHead& head, const Ends& ends,
                                              std::span<const uint8_t> text,
                                              const std::vector<uint8_t>* raw_options);

// A router's error about a segment of the stack that began at `quoted`.
[[nodiscard]] std::vector<uint8_t> icmp_packet(wire::IcmpKind kind, const Ends& ends, Seq quoted,
                                               uint32_t mtu);

struct TcpPacket {
  Ends ends;  // local is whoever sent it
  wire::Segment segment;
};

// Nothing for what is not TCP or is faulty.
[[nodiscard]] std::optional<TcpPacket> read_tcp(std::span<const uint8_t> packet);

}  // namespace rapport::differential
