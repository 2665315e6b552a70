// ICMPv6 messages (RFC 4443). Who may be answered, how often, and what an error means to whom is
// decided in stack/.
#include "rapport/wire/icmpv6.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp.hh"
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

// By the codes of "unreachable" (RFC 4443 3.1; 7: RFC 6550's "error in source routing header").
constexpr std::array<IcmpKind, 8> unreachable{
    NetUnreachable,  AdminProhibited, HostUnreachable, HostUnreachable,
    PortUnreachable, AdminProhibited, AdminProhibited, SourceRouteFailed,
};

IcmpKind kind_of(uint8_t type, uint8_t code) {
  switch (type) {
    case kIcmpv6Unreachable: return code < unreachable.size() ? unreachable[code] : Unknown;
    case kIcmpv6PacketTooBig: return PacketTooBig;  // 3.2: its code is ignored
    case kIcmpv6TimeExceeded:
      if (code > 1) return Unknown;
      return code == 0 ? TimeExceededTransit : TimeExceededReassembly;
    case kIcmpv6ParameterProblem: return ParameterProblem;
    default: return Unknown;
  }
}

PartialSum pseudo(size_t length, const IpAddress& source, const IpAddress& destination) {
  return pseudo_header(source, destination, kProtocolIcmpv6, static_cast<uint32_t>(length));
}

}  // namespace

std::expected<Icmpv6, DropReason> parse_icmpv6(std::span<const uint8_t> bytes,
                                               const IpAddress& source,
                                               const IpAddress& destination) {
  if (bytes.size() < kIcmpHeader) return std::unexpected(DropReason::Icmpv6TooShort);
  if (!is_right(sum(bytes) + pseudo(bytes.size(), source, destination))) {
    return std::unexpected(DropReason::Icmpv6Checksum);
  }
  return Icmpv6{.type = bytes[0],
                .code = bytes[1],
                .id = load16(&bytes[4]),
                .sequence = load16(&bytes[6]),
                .rest = load32(&bytes[4]),
                .data = bytes.subspan(kIcmpHeader)};
}

std::expected<IcmpError, DropReason> parse_icmpv6_error(const Icmpv6& icmp) {
  if (!is_icmpv6_error(icmp.type)) return std::unexpected(DropReason::IcmpIgnored);
  const auto quote = parse_quote_v6(icmp.data);
  if (!quote) return std::unexpected(quote.error());
  IcmpError error{
      .kind = kind_of(icmp.type, icmp.code), .type = icmp.type, .code = icmp.code, .quote = *quote};
  if (error.kind == PacketTooBig) error.mtu = icmp.rest;
  if (error.kind == ParameterProblem) error.pointer = icmp.rest;
  return error;
}

// 4.2: id, sequence and data as they came.
void make_echo_reply_v6(std::span<uint8_t> message, const IpAddress& source,
                        const IpAddress& destination) {
  ASSERT(message.size() >= kIcmpHeader);
  message[0] = kIcmpv6EchoReply;
  message[1] = 0;
  store16(&message[2], 0);
  const uint16_t checksum = finish(sum(message) + pseudo(message.size(), source, destination));
  std::memcpy(&message[2], &checksum, 2);
}

size_t build_icmpv6(uint8_t* to, const IcmpHead& head, std::span<const uint8_t> data,
                    const IpAddress& source, const IpAddress& destination) {
  const size_t length = build_icmp(to, head, data);
  // What stands there is the complement of the sum of all else: the pseudo-header is added to it.
  uint16_t without = 0;
  std::memcpy(&without, to + 2, 2);
  const uint16_t checksum =
      finish(PartialSum{static_cast<uint16_t>(~without)} + pseudo(length, source, destination));
  std::memcpy(to + 2, &checksum, 2);
  return length;
}

}  // namespace rapport::wire
