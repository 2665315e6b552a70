// IPv6 headers: bytes <-> values (RFC 8200). The chain of extension headers is walked here, with
// caps on headers and options; what the RFC wants answered by a Parameter Problem (RFC 4443 3.4) is
// said with code and pointer. Fragments are told, not collected: that is ip/reassembly.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr size_t kIpv6Header = 40;
inline constexpr size_t kFragmentHeader = 8;
inline constexpr uint8_t kProtocolFragment = 44;
inline constexpr uint8_t kNoNextHeader = 59;
// More than these in one packet and it is dropped (RFC 8504 5.3 allows such limits).
inline constexpr int kMaxExtensionHeaders = 8;
inline constexpr int kMaxExtensionOptions = 32;

struct Ipv6 {
  IpAddress source, destination;
  // The upper-layer protocol. Of a fragment: what the Fragment header says of the data behind it.
  uint8_t next_header = 0;
  uint8_t hop_limit = 64;
  uint8_t dscp = 0;         // 0..63
  uint8_t ecn = 0;          // 0..3
  uint32_t flow_label = 0;  // 20 bits
  bool has_fragment_header = false;
  // The header says that this is not the whole: not for "atomic" fragments, which are read as if
  // they had no such header (RFC 6946).
  bool is_fragment = false;
  bool more_fragments = false;
  uint16_t fragment_offset = 0;      // in octets
  uint32_t id = 0;                   // of the Fragment header
  uint32_t header_length = 0;        // octets before the payload
  uint32_t next_header_at = 0;       // where the octet next_header stands: for code 1
  std::span<const uint8_t> payload;  // upper-layer header and data, or the fragment's data
};

// What a receiver may answer with (RFC 4443 3.4).
inline constexpr uint8_t kProblemField = 0, kProblemNextHeader = 1, kProblemOption = 2,
                         kProblemFirstFragment = 3;  // RFC 7112 5

// Why a packet is refused, and whether that calls for a Parameter Problem. That its source can be
// answered, and the rate, is the sender's business; a multicast destination is thought of here.
struct Ipv6Fault {
  DropReason reason = DropReason::None;
  bool answer = false;
  uint8_t code = 0;
  uint32_t pointer = 0;  // an offset in the packet
};

// Errors: Ipv6TooShort, Ipv6Version, Ipv6PayloadLength, Ipv6Mapped, Ipv6Jumbogram,
// Ipv6HeaderTruncated, Ipv6HeaderOrder, Ipv6HeaderCap, Ipv6OptionLength, Ipv6OptionCap,
// Ipv6OptionUnrecognized, Ipv6Routing, Ipv6FirstFragment, Ipv6NoNextHeader, and FragmentLength for
// a fragment that is not the last and no multiple of eight octets long (RFC 8200 4.5). Octets
// behind the payload length (link padding) are ignored.
[[nodiscard]] std::expected<Ipv6, Ipv6Fault> parse_ipv6(std::span<const uint8_t> bytes);
// The same into `out`. On a fault the values of the fixed header are there if it could be read, so
// that a Parameter Problem can be sent; the rest means nothing.
[[nodiscard]] Ipv6Fault parse_ipv6(std::span<const uint8_t> bytes, Ipv6& out);

// Writes the fixed header (40 octets) for `payload_length` octets behind it, extension headers
// included; the first of them is ip.next_header.
void build_ipv6(uint8_t* to, const Ipv6& ip, uint16_t payload_length);
// Writes a Fragment header (8 octets) of ip.next_header, fragment_offset, more_fragments and id.
// The header before it must say kProtocolFragment.
void build_fragment_header(uint8_t* to, const Ipv6& ip);

}  // namespace rapport::wire
