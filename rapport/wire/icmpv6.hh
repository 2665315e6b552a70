// ICMP for IPv6 (RFC 4443): messages, and the errors among them in the vocabulary of both families.
// Neighbour discovery's messages are read on in ndp.hh.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmp_error.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr uint8_t kProtocolIcmpv6 = 58;
inline constexpr uint8_t kIcmpv6Unreachable = 1;
inline constexpr uint8_t kIcmpv6PacketTooBig = 2;
inline constexpr uint8_t kIcmpv6TimeExceeded = 3;
inline constexpr uint8_t kIcmpv6ParameterProblem = 4;
inline constexpr uint8_t kIcmpv6Echo = 128;
inline constexpr uint8_t kIcmpv6EchoReply = 129;
inline constexpr uint8_t kIcmpv6Redirect = 137;
// Codes of "unreachable" and "time exceeded" that a host sends.
inline constexpr uint8_t kIcmpv6AddressUnreachable = 3, kIcmpv6PortUnreachable = 4,
                         kIcmpv6ReassemblyTimeExceeded = 1;

struct Icmpv6 {
  uint8_t type = 0, code = 0;
  uint16_t id = 0, sequence = 0;  // of echo messages
  uint32_t rest = 0;              // the second four octets, which id and sequence are part of
  std::span<const uint8_t> data;  // behind the first eight octets
};

// Errors: Icmpv6TooShort, Icmpv6Checksum (with the pseudo-header, RFC 4443 2.3).
[[nodiscard]] std::expected<Icmpv6, DropReason> parse_icmpv6(std::span<const uint8_t> bytes,
                                                             const IpAddress& source,
                                                             const IpAddress& destination);

// These quote a packet (2.1). No error is sent about them, nor about a redirect (2.4 (e)).
[[nodiscard]] constexpr bool is_icmpv6_error(uint8_t type) {
  return type < 128;
}

[[nodiscard]] constexpr bool may_cause_icmpv6_error(uint8_t type) {
  return !is_icmpv6_error(type) && type != kIcmpv6Redirect;
}

// Errors: IcmpIgnored when the message is no error; IcmpQuoteTooShort, IcmpQuoteMalformed.
[[nodiscard]] std::expected<IcmpError, DropReason> parse_icmpv6_error(const Icmpv6& icmp);

// Turns a copy of a whole echo request into its reply from `source` to `destination`.
void make_echo_reply_v6(std::span<uint8_t> message, const IpAddress& source,
                        const IpAddress& destination);

// How much of a packet its error quotes: all that keeps the error within the minimum MTU of 1280
// octets (RFC 4443 2.4 (c)).
[[nodiscard]] inline std::span<const uint8_t> quotable_v6(std::span<const uint8_t> packet) {
  return packet.first(std::min(packet.size(), size_t{1280 - 40 - kIcmpHeader}));
}

// As build_icmp, with the pseudo-header in the checksum.
size_t build_icmpv6(uint8_t* to, const IcmpHead& head, std::span<const uint8_t> data,
                    const IpAddress& source, const IpAddress& destination);

}  // namespace rapport::wire
