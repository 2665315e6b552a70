// The packet inside an ICMP error (RFC 792, RFC 1122 3.2.2, RFC 4443 2.4, 3): read leniently, since
// routers have changed and cut it, but never beyond what is there.
#include "rapport/wire/icmp_error.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/address_octets.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {

constexpr uint8_t tcp = 6, udp = 17;
constexpr uint8_t hop_by_hop = 0, routing = 43, authentication = 51, destination_options = 60;
constexpr size_t promised = 8;  // octets of the upper layer

// `whole`: how long the upper layer's part was before it was cut.
DropReason read_upper(std::span<const uint8_t> bytes, size_t whole, Quote& q) {
  q.upper = bytes;
  if (q.fragment_offset != 0) return DropReason::None;
  if (bytes.size() < std::min(promised, whole)) return DropReason::IcmpQuoteTooShort;
  if ((q.protocol != tcp && q.protocol != udp) || bytes.size() < promised) return DropReason::None;
  q.has_ports = true;
  q.source_port = load16(bytes.data());
  q.destination_port = load16(&bytes[2]);
  if (q.protocol == tcp) {
    q.has_sequence = true;
    q.sequence = Seq{load32(&bytes[4])};
  }
  return DropReason::None;
}

// The length of the extension header `kind` at `at`; 0: it is none.
size_t extension_length(uint8_t kind, const uint8_t* at) {
  switch (kind) {
    case hop_by_hop:
    case routing:
    case destination_options: return 8 + 8 * size_t{at[1]};
    case kProtocolFragment: return kFragmentHeader;
    case authentication: return 8 + 4 * size_t{at[1]};
    default: return 0;
  }
}

bool is_extension(uint8_t kind) {
  constexpr uint8_t any_length[2] = {};
  return extension_length(kind, any_length) != 0;
}

// Where the upper layer begins; 0: the quote ends before, or there are more headers than we walk.
size_t behind_extensions(std::span<const uint8_t> bytes, Quote& q) {
  size_t at = kIpv6Header;
  for (int headers = 0; is_extension(q.protocol) && q.fragment_offset == 0; ++headers) {
    if (headers == kMaxExtensionHeaders || bytes.size() - at < 8) return 0;
    const size_t length = extension_length(q.protocol, &bytes[at]);
    if (length > bytes.size() - at) return 0;
    if (q.protocol == kProtocolFragment) q.fragment_offset = load16(&bytes[at + 2]) & 0xfff8U;
    q.protocol = bytes[at];
    at += length;
  }
  return at;
}

}  // namespace

std::expected<Quote, DropReason> parse_quote_v4(std::span<const uint8_t> bytes) {
  if (bytes.size() < kIpv4Header) return std::unexpected(DropReason::IcmpQuoteTooShort);
  const size_t header = (size_t{bytes[0]} & 0x0f) * 4;
  Quote q;
  q.total_length = load16(&bytes[2]);
  if (bytes[0] >> 4 != 4 || header < kIpv4Header || q.total_length < header) {
    return std::unexpected(DropReason::IcmpQuoteMalformed);
  }
  if (bytes.size() < header) return std::unexpected(DropReason::IcmpQuoteTooShort);
  q.source = load_v4(&bytes[12]);
  q.destination = load_v4(&bytes[16]);
  q.protocol = bytes[9];
  q.dscp = bytes[1] >> 2;
  q.fragment_offset = static_cast<uint16_t>((load16(&bytes[6]) & 0x1fffU) << 3);
  const size_t whole = q.total_length - header;
  const auto upper = bytes.subspan(header);
  const DropReason fault = read_upper(upper.first(std::min(upper.size(), whole)), whole, q);
  if (fault != DropReason::None) return std::unexpected(fault);
  return q;
}

std::expected<Quote, DropReason> parse_quote_v6(std::span<const uint8_t> bytes) {
  if (bytes.size() < kIpv6Header) return std::unexpected(DropReason::IcmpQuoteTooShort);
  Quote q;
  q.source = load_v6(&bytes[8]);
  q.destination = load_v6(&bytes[24]);
  if (bytes[0] >> 4 != 6 || q.source.is_v4() || q.destination.is_v4()) {
    return std::unexpected(DropReason::IcmpQuoteMalformed);
  }
  q.protocol = bytes[6];
  q.dscp = load16(bytes.data()) >> 6 & 0x3f;
  q.total_length = static_cast<uint32_t>(kIpv6Header) + load16(&bytes[4]);
  bytes = bytes.first(std::min(bytes.size(), size_t{q.total_length}));
  const size_t at = behind_extensions(bytes, q);
  if (at == 0) return std::unexpected(DropReason::IcmpQuoteTooShort);
  const DropReason fault = read_upper(bytes.subspan(at), q.total_length - at, q);
  if (fault != DropReason::None) return std::unexpected(fault);
  return q;
}

}  // namespace rapport::wire
