// UDP (RFC 768). A checksum is always made, and always verified when there is one (RFC
// 1122 4.1.3.4).
#include "rapport/wire/udp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/word_writer.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {

DropReason fault_of_sum(std::span<const uint8_t> datagram, const IpAddress& source,
                        const IpAddress& destination) {
  if (load16(&datagram[6]) == 0) {
    return source.is_v4() ? DropReason::None : DropReason::UdpChecksumMissing;
  }
  const auto length = static_cast<uint32_t>(datagram.size());
  const bool right =
      is_right(sum(datagram) + pseudo_header(source, destination, kProtocolUdp, length));
  return right ? DropReason::None : DropReason::UdpChecksum;
}

}  // namespace

std::expected<Udp, DropReason> parse_udp(std::span<const uint8_t> bytes, const IpAddress& source,
                                         const IpAddress& destination) {
  if (bytes.size() < kUdpHeader) return std::unexpected(DropReason::UdpTooShort);
  const size_t length = load16(&bytes[4]);
  if (length < kUdpHeader || length > bytes.size()) return std::unexpected(DropReason::UdpLength);
  const auto datagram = bytes.first(length);
  const DropReason fault = fault_of_sum(datagram, source, destination);
  if (fault != DropReason::None) return std::unexpected(fault);
  if (load16(&bytes[2]) == 0) return std::unexpected(DropReason::UdpPortZero);
  return Udp{.source_port = load16(bytes.data()),
             .destination_port = load16(&bytes[2]),
             .data = datagram.subspan(kUdpHeader)};
}

void build_udp(uint8_t* to, const UdpHead& head, const IpAddress& source,
               const IpAddress& destination, TextSum data) {
  ASSERT(data.length <= 0xffff - kUdpHeader);
  const auto length = static_cast<uint32_t>(kUdpHeader + data.length);
  WordWriter w{to};
  w.put(uint32_t{head.source_port} << 16 | head.destination_port);
  w.put(length << 16);
  uint16_t checksum =
      finish(w.sum() + data.sum + pseudo_header(source, destination, kProtocolUdp, length));
  if (checksum == 0) checksum = 0xffff;
  std::memcpy(to + 6, &checksum, 2);
}

}  // namespace rapport::wire
