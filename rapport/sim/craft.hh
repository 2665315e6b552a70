// Packets made by hand, for World::inject(): old duplicates, strays, forgeries.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <span>
#include <vector>

namespace rapport::sim {

// A packet of the addresses' family with one TCP segment and right checksums. Addresses and ports
// are taken from the endpoints (those in `head` are not looked at).
[[nodiscard]] std::vector<uint8_t> craft_segment(const Endpoint& from, const Endpoint& to,
                                                 wire::SegmentHead head,
                                                 std::span<const uint8_t> text = {});

// The ICMP error "port unreachable" of the packet's family about `packet`, an IP packet, as its
// destination would send it (RFC 792; RFC 4443 3.1).
[[nodiscard]] std::vector<uint8_t> craft_port_unreachable(std::span<const uint8_t> packet);

}  // namespace rapport::sim
