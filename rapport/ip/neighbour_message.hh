// What the neighbour machinery has to say, as a value, and the Ethernet frame that it becomes: ARP
// (RFC 826, 5227) or neighbour discovery in ICMPv6 (RFC 4861 4.3, 4.4).
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <cstddef>
#include <cstdint>

namespace rapport::ip {

struct NeighbourMessage {
  enum class Kind : uint8_t { ArpRequest, ArpReply, Solicitation, Advertisement };

  Kind kind = Kind::ArpRequest;
  MacAddress to;          // the frame's destination
  IpAddress source;       // ours; unspecified while it is being checked
  IpAddress destination;  // of the IPv6 packet; of an ARP reply, who asked
  IpAddress target;       // who is asked for, or spoken of
  bool solicited = false;
  bool names_us = true;  // our link-layer address goes with it (ARP: always)
};

// Room for the longest of them.
inline constexpr size_t kNeighbourFrame =
    wire::kEthernetHeader + wire::kIpv6Header + wire::kNdpMaxLength;

// Writes the whole frame, sent by `ours`, and returns its length.
[[nodiscard]] size_t build_neighbour_frame(uint8_t* to, const NeighbourMessage& message,
                                           const MacAddress& ours);

}  // namespace rapport::ip
