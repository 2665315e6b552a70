// ICMP messages (RFC 792). Whether a message is answered at all (not to broadcasts, RFC 1122
// 3.2.2.6), and what an error means to whom, is decided in stack/.
#include "rapport/wire/icmp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp_error.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {

using enum IcmpKind;

// By the codes of "unreachable" (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1).
constexpr std::array<IcmpKind, 16> unreachable{
    NetUnreachable,  HostUnreachable,   ProtocolUnreachable, PortUnreachable,
    PacketTooBig,    SourceRouteFailed, NetUnreachable,      HostUnreachable,
    HostUnreachable, AdminProhibited,   AdminProhibited,     NetUnreachable,
    HostUnreachable, AdminProhibited,   AdminProhibited,     AdminProhibited,
};

IcmpKind kind_of(uint8_t type, uint8_t code) {
  switch (type) {
    case kIcmpUnreachable: return code < unreachable.size() ? unreachable[code] : Unknown;
    case kIcmpSourceQuench: return SourceQuench;
    case kIcmpRedirect: return Redirect;
    case kIcmpTimeExceeded:
      if (code > 1) return Unknown;
      return code == 0 ? TimeExceededTransit : TimeExceededReassembly;
    case kIcmpParameterProblem: return ParameterProblem;
    default: return Unknown;
  }
}

}  // namespace

std::expected<Icmp, DropReason> parse_icmp(std::span<const uint8_t> bytes) {
  if (bytes.size() < kIcmpHeader) return std::unexpected(DropReason::IcmpTooShort);
  if (!is_right(sum(bytes))) return std::unexpected(DropReason::IcmpChecksum);
  return Icmp{.type = bytes[0],
              .code = bytes[1],
              .id = load16(&bytes[4]),
              .sequence = load16(&bytes[6]),
              .rest = load32(&bytes[4]),
              .data = bytes.subspan(kIcmpHeader)};
}

std::expected<IcmpError, DropReason> parse_icmp_error(const Icmp& icmp) {
  if (!is_icmp_error(icmp.type)) return std::unexpected(DropReason::IcmpIgnored);
  const auto quote = parse_quote_v4(icmp.data);
  if (!quote) return std::unexpected(quote.error());
  IcmpError error{
      .kind = kind_of(icmp.type, icmp.code), .type = icmp.type, .code = icmp.code, .quote = *quote};
  if (error.kind == PacketTooBig) error.mtu = icmp.rest & 0xffffU;  // RFC 1191 4
  if (error.kind == ParameterProblem) error.pointer = icmp.rest >> 24;
  if (error.kind == Redirect) error.gateway = IpAddress::v4(icmp.rest);
  return error;
}

// RFC 792: the type becomes 0 and the checksum is made anew; RFC 1122 3.2.2.6: id, sequence and
// data are returned as they came.
void make_echo_reply(std::span<uint8_t> message) {
  ASSERT(message.size() >= kIcmpHeader);
  message[0] = kIcmpEchoReply;
  message[1] = 0;
  store16(&message[2], 0);
  const uint16_t checksum = finish(sum(message));
  std::memcpy(&message[2], &checksum, 2);
}

size_t build_icmp(uint8_t* to, const IcmpHead& head, std::span<const uint8_t> data) {
  store32(to, uint32_t{head.type} << 24 | uint32_t{head.code} << 16);
  store32(to + 4, head.rest);
  const uint16_t checksum = finish(sum({to, kIcmpHeader}) + copy_and_sum(to + kIcmpHeader, data));
  std::memcpy(to + 2, &checksum, 2);
  return kIcmpHeader + data.size();
}

}  // namespace rapport::wire
