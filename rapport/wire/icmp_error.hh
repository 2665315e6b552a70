// ICMP errors of both families in one vocabulary (RFC 792, 1191, 1812 5.2.7; RFC 4443), and the
// packet that each of them quotes. What an error may do to a connection, and whether it is to be
// believed (RFC 5927), is decided in stack/ and tcp/.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"

#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

enum class IcmpKind : uint8_t {
  Unknown,                 // an error type or code that we do not know
  NetUnreachable,          // v4 3/0,6,11; v6 1/0
  HostUnreachable,         // v4 3/1,7,8,12; v6 1/2,3
  ProtocolUnreachable,     // v4 3/2 (v6: ParameterProblem with code 1)
  PortUnreachable,         // v4 3/3; v6 1/4
  PacketTooBig,            // v4 3/4 "fragmentation needed", `mtu` 0 from before RFC 1191; v6 2
  SourceRouteFailed,       // v4 3/5; v6 1/7
  AdminProhibited,         // v4 3/9,10,13,14,15; v6 1/1,5,6
  TimeExceededTransit,     // v4 11/0; v6 3/0
  TimeExceededReassembly,  // v4 11/1; v6 3/1
  ParameterProblem,        // v4 12; v6 4
  SourceQuench,            // v4 4
  Redirect,                // v4 5 (v6: neighbour discovery)
};

// The packet that an error quotes, as far as it was quoted: one that we have sent, if the error is
// honest. Neither its checksums nor its lengths are trusted: routers change and cut it.
struct Quote {
  IpAddress source, destination;
  uint8_t protocol = 0;  // of the upper layer
  uint8_t dscp = 0;
  bool has_ports = false;     // TCP or UDP, and not a later fragment
  bool has_sequence = false;  // TCP
  uint16_t source_port = 0, destination_port = 0;
  Seq sequence;
  uint32_t total_length = 0;  // the whole packet's, as its header said
  uint16_t fragment_offset = 0;
  std::span<const uint8_t> upper;  // all that was quoted behind the IP headers
};

struct IcmpError {
  IcmpKind kind = IcmpKind::Unknown;
  uint8_t type = 0, code = 0;
  uint32_t mtu = 0;      // PacketTooBig: of the next hop
  uint32_t pointer = 0;  // ParameterProblem: the octet that offended
  IpAddress gateway{};   // Redirect
  Quote quote{};
};

// Errors: IcmpQuoteTooShort (less than the headers and eight octets, RFC 792; fewer only when the
// packet itself had fewer), IcmpQuoteMalformed (no IP header of that family).
[[nodiscard]] std::expected<Quote, DropReason> parse_quote_v4(std::span<const uint8_t> bytes);
[[nodiscard]] std::expected<Quote, DropReason> parse_quote_v6(std::span<const uint8_t> bytes);

}  // namespace rapport::wire
