// Neighbour discovery over Ethernet: solicitations and advertisements, bytes <-> values (RFC 4861
// 4.3, 4.4, 4.6.1), with the checks of 7.1 but one: that the hop limit was 255 is the caller's.
// What is learned from a message is decided in ip/neighbours.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/icmpv6.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

namespace rapport::wire {

inline constexpr uint8_t kNeighbourSolicitation = 135, kNeighbourAdvertisement = 136;
inline constexpr uint8_t kNdpHopLimit = 255;
inline constexpr size_t kNdpMaxLength = 32;  // of what is built here
inline constexpr int kMaxNdpOptions = 16;    // more in one message and it is dropped

struct Solicitation {
  IpAddress target;
  std::optional<MacAddress> source_mac;
};

struct Advertisement {
  IpAddress target;
  std::optional<MacAddress> target_mac;
  bool is_router = false;
  bool solicited = false;
  bool overrides = false;  // the O flag
};

// ff02::1, where unsolicited advertisements and the answers to duplicate address detection go.
[[nodiscard]] IpAddress all_nodes();
// ff02::1:ffXX:XXXX with the last 24 bits of `target` (RFC 4291 2.7.1).
[[nodiscard]] IpAddress solicited_node(const IpAddress& target);

// `icmp`: parsed, of that type. Errors: NdpCode (not 0), NdpTooShort, NdpTarget (multicast),
// NdpOptionLength (0, beyond the message, or a link-layer address that is not Ethernet's),
// NdpOptionCap; of a solicitation from the unspecified address also NdpDestination (not
// solicited-node multicast) and NdpSource (it names a link-layer address); of an advertisement also
// NdpDestination (solicited, yet multicast).
[[nodiscard]] std::expected<Solicitation, DropReason> parse_solicitation(
    const Icmpv6& icmp, const IpAddress& source, const IpAddress& destination);
[[nodiscard]] std::expected<Advertisement, DropReason> parse_advertisement(
    const Icmpv6& icmp, const IpAddress& destination);

// Each writes a whole ICMPv6 message (room for 32 octets), checksum included, and returns its
// length: 24, or 32 with a link-layer address.
size_t build_solicitation(uint8_t* to, const Solicitation& s, const IpAddress& source,
                          const IpAddress& destination);
size_t build_advertisement(uint8_t* to, const Advertisement& a, const IpAddress& source,
                           const IpAddress& destination);

}  // namespace rapport::wire
