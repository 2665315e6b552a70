// UDP datagrams: bytes <-> values (RFC 768; RFC 8200 8.1 for IPv6). No state: ports are udp/'s.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/checksum.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr uint8_t kProtocolUdp = 17;
inline constexpr size_t kUdpHeader = 8;

struct Udp {
  uint16_t source_port = 0;  // 0: no answer is wanted
  uint16_t destination_port = 0;
  std::span<const uint8_t> data;
};

// Parses the octets after the IP header. Errors: UdpTooShort, UdpLength (below 8, or more than is
// there; what lies behind it is ignored), UdpChecksum, UdpChecksumMissing (zero, which IPv6 forbids
// and IPv4 takes for "none was made"), UdpPortZero (of the destination).
[[nodiscard]] std::expected<Udp, DropReason> parse_udp(std::span<const uint8_t> bytes,
                                                       const IpAddress& source,
                                                       const IpAddress& destination);

struct UdpHead {
  uint16_t source_port = 0, destination_port = 0;
};

// Writes the header's eight octets, with the checksum over pseudo-header, header and `data`, which
// must lie, or be put, right behind: at most 65,527 octets. A sum of zero is sent as ffff.
void build_udp(uint8_t* to, const UdpHead& head, const IpAddress& source,
               const IpAddress& destination, TextSum data);

}  // namespace rapport::wire
