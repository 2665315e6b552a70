// Ethernet II frames: bytes <-> values (RFC 894, RFC 2464). No tags, no LLC, no frame check
// sequence: devices deal in frames without it.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr size_t kEthernetHeader = 14;
inline constexpr uint16_t kEtherIpv4 = 0x0800, kEtherArp = 0x0806, kEtherIpv6 = 0x86dd;

struct Ethernet {
  MacAddress destination, source;
  uint16_t type = 0;
  std::span<const uint8_t> payload;  // padding included
};

// Errors: EthernetTooShort, EthernetNotTypeTwo (a length stands where the type should, RFC 894).
[[nodiscard]] std::expected<Ethernet, DropReason> parse_ethernet(std::span<const uint8_t> bytes);

// Writes the header's 14 octets; the payload is not looked at.
void build_ethernet(uint8_t* to, const Ethernet& frame);

// The group address of a multicast destination: 33:33 and the last 32 bits of an IPv6 address (RFC
// 2464 7), 01:00:5e and the last 23 bits of an IPv4 address (RFC 1112 6.4).
[[nodiscard]] MacAddress group_mac(const IpAddress& multicast);

}  // namespace rapport::wire
