// ICMP for IPv4 (RFC 792): echo for now.
#pragma once

#include "rapport/base/reason.hh"

#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {

inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kIcmpEchoReply = 0;
inline constexpr uint8_t kIcmpEcho = 8;

struct Icmp {
  uint8_t type = 0, code = 0;
  uint16_t id = 0, sequence = 0;  // of echo messages
  std::span<const uint8_t> data;  // behind the eight octets of header
};

// Errors: IcmpTooShort, IcmpChecksum.
[[nodiscard]] std::expected<Icmp, DropReason> parse_icmp(std::span<const uint8_t> bytes);
// Turns a copy of a whole echo request (ICMP header and data) into its reply, checksum made anew.
void make_echo_reply(std::span<uint8_t> message);

}  // namespace rapport::wire
