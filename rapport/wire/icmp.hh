// ICMP for IPv4 (RFC 792, 1122 3.2.2, 1191): messages, and the errors among them as values. Whether
// a message is answered, sent or believed is decided in stack/.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/wire/icmp_error.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr size_t kIcmpHeader = 8;
inline constexpr uint8_t kIcmpEchoReply = 0;
inline constexpr uint8_t kIcmpUnreachable = 3;
inline constexpr uint8_t kIcmpSourceQuench = 4;
inline constexpr uint8_t kIcmpRedirect = 5;
inline constexpr uint8_t kIcmpEcho = 8;
inline constexpr uint8_t kIcmpTimeExceeded = 11;
inline constexpr uint8_t kIcmpParameterProblem = 12;
// Codes of "unreachable" and "time exceeded" that a host sends.
inline constexpr uint8_t kIcmpHostUnreachable = 1, kIcmpProtocolUnreachable = 2,
                         kIcmpPortUnreachable = 3, kIcmpReassemblyTimeExceeded = 1;

struct Icmp {
  uint8_t type = 0, code = 0;
  uint16_t id = 0, sequence = 0;  // of echo messages
  uint32_t rest = 0;  // the header's last four octets, which id and sequence are part of
  std::span<const uint8_t> data;  // behind the eight octets of header
};

// Errors: IcmpTooShort, IcmpChecksum.
[[nodiscard]] std::expected<Icmp, DropReason> parse_icmp(std::span<const uint8_t> bytes);

// About these no error is ever sent (RFC 1122 3.2.2), and these quote a packet.
[[nodiscard]] constexpr bool is_icmp_error(uint8_t type) {
  return (type >= kIcmpUnreachable && type <= kIcmpRedirect) || type == kIcmpTimeExceeded
         || type == kIcmpParameterProblem;
}

// Errors: IcmpIgnored when the message is no error; IcmpQuoteTooShort, IcmpQuoteMalformed.
[[nodiscard]] std::expected<IcmpError, DropReason> parse_icmp_error(const Icmp& icmp);

// Turns a copy of a whole echo request (ICMP header and data) into its reply, checksum made anew.
void make_echo_reply(std::span<uint8_t> message);

struct IcmpHead {
  uint8_t type = 0, code = 0;
  // The header's last four octets: id and sequence of an echo; the pointer in the first octet of a
  // parameter problem (IPv6: in all four); the MTU in the last two of "fragmentation needed"
  // (IPv6: in all four of "packet too big"); else zero.
  uint32_t rest = 0;
};

// How much of a packet its error quotes: all that keeps the error within 576 octets (RFC 1812
// 4.3.2.3).
[[nodiscard]] inline std::span<const uint8_t> quotable_v4(std::span<const uint8_t> packet) {
  return packet.first(std::min(packet.size(), size_t{576 - 20 - kIcmpHeader}));
}

// Writes a message: header, a copy of `data` (of an error: the quote) and the checksum over both.
// `to` must have room for 8 + data.size() octets, which is what is returned, and not overlap
// `data`.
size_t build_icmp(uint8_t* to, const IcmpHead& head, std::span<const uint8_t> data);

}  // namespace rapport::wire
