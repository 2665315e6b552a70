// IPv4 headers: bytes <-> values (RFC 791, 1122 3.2.1). Options are skipped (MUST-50).
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"

#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr size_t kIpv4Header = 20;

struct Ipv4 {
  IpAddress source, destination;
  uint8_t protocol = 0;
  uint8_t ttl = 64;
  uint8_t dscp = 0;  // 0..63
  uint8_t ecn = 0;   // 0..3
  bool dont_fragment = true;
  bool more_fragments = false;
  uint16_t fragment_offset = 0;  // in octets
  uint16_t id = 0;
  uint16_t header_length = kIpv4Header;
  std::span<const uint8_t> payload;  // exactly total length - header length octets
};

// Errors: FrameTooShort, Ipv4Version, Ipv4HeaderLength, Ipv4TotalLength, Ipv4Checksum.
// Octets behind the total length (link padding) are ignored.
[[nodiscard]] std::expected<Ipv4, DropReason> parse_ipv4(std::span<const uint8_t> bytes);
// The same into `out`, which keeps its old values when the header is faulty. None: it is not.
[[nodiscard]] DropReason parse_ipv4(std::span<const uint8_t> bytes, Ipv4& out);

// Writes a header without options (20 octets) for `payload_length` octets behind it.
void build_ipv4(uint8_t* to, const Ipv4& ip, uint16_t payload_length);

}  // namespace rapport::wire
