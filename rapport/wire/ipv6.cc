// IPv6 (RFC 8200): the fixed header, and the walk over the extension headers behind it. The walk
// trusts nothing but the payload length, and ends after a fixed number of headers and options.
// AH and ESP are upper layers that nobody here speaks.
#include "rapport/wire/ipv6.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/address_octets.hh"
#include "rapport/wire/bytes.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {

constexpr uint8_t hop_by_hop = 0, routing = 43, destination_options = 60;
constexpr uint8_t tcp = 6, udp = 17, icmpv6 = 58;
constexpr uint8_t pad1 = 0, pad_n = 1;
constexpr size_t next_header_field = 6;  // of the fixed header
constexpr size_t payload_length_field = 4;

constexpr Ipv6Fault none{};

Ipv6Fault refused(DropReason reason) {
  return {.reason = reason};
}

// What a complete upper-layer header takes at least: RFC 7112 wants it in the first fragment.
size_t upper_header(uint8_t protocol) {
  switch (protocol) {
    case tcp: return 20;
    case udp:
    case icmpv6: return 8;
    default: return 0;
  }
}

class Walk {
 public:
  // `packet` ends where its payload length says.
  Walk(std::span<const uint8_t> packet, Ipv6& ip) : packet_(packet), ip_(ip) {
    ip_.next_header = packet[next_header_field];
    ip_.next_header_at = next_header_field;
  }

  // Until a header that is none of the extensions, or a fragment's data.
  Ipv6Fault run() {
    Ipv6Fault fault = chain();
    if (fault.reason == DropReason::None && ip_.is_fragment) fault = fragment();
    if (fault.reason != DropReason::None) return fault;
    ip_.header_length = static_cast<uint32_t>(at_);
    ip_.payload = packet_.subspan(at_);
    if (ip_.next_header == kNoNextHeader) return refused(DropReason::Ipv6NoNextHeader);  // 4.7
    return none;
  }

 private:
  [[nodiscard]] size_t left() const { return packet_.size() - at_; }

  // 4443 2.4 (e.3): errors about multicast are not sent, but for those of the option action 10.
  Ipv6Fault problem(DropReason reason, uint8_t code, size_t pointer) const {
    return {.reason = reason,
            .answer = !ip_.destination.is_multicast(),
            .code = code,
            .pointer = static_cast<uint32_t>(pointer)};
  }

  Ipv6Fault chain() {
    for (int headers = 0; !ip_.is_fragment; ++headers) {
      const uint8_t kind = ip_.next_header;
      const bool extension = kind == hop_by_hop || kind == routing || kind == destination_options
                             || kind == kProtocolFragment;
      if (!extension) return none;
      if (headers == kMaxExtensionHeaders) return refused(DropReason::Ipv6HeaderCap);
      // 4: elsewhere than right behind the fixed header, zero is an unrecognized next header.
      if (kind == hop_by_hop && headers != 0) {
        return problem(DropReason::Ipv6HeaderOrder, kProblemNextHeader, ip_.next_header_at);
      }
      const Ipv6Fault fault = one_header(kind);
      if (fault.reason != DropReason::None) return fault;
    }
    return none;
  }

  Ipv6Fault one_header(uint8_t kind) {
    if (left() < 8) return refused(DropReason::Ipv6HeaderTruncated);
    const size_t length = kind == kProtocolFragment ? kFragmentHeader : 8 + 8 * size_t{at(1)};
    if (length > left()) return refused(DropReason::Ipv6HeaderTruncated);
    Ipv6Fault fault;
    if (kind == kProtocolFragment) {
      fault = fragment_header();
    } else if (kind == routing) {
      fault = routing_header();
    } else {
      fault = options(at_ + 2, at_ + length);
    }
    ip_.next_header = at(0);
    ip_.next_header_at = static_cast<uint32_t>(at_);
    at_ += length;
    return fault;
  }

  // 4.4: we are on nobody's way. Type 0 is as good as unknown (RFC 5095).
  Ipv6Fault routing_header() const {
    constexpr size_t type = 2, segments_left = 3;
    if (at(segments_left) == 0) return none;
    return problem(DropReason::Ipv6Routing, kProblemField, at_ + type);
  }

  Ipv6Fault fragment_header() {
    if (ip_.has_fragment_header) return refused(DropReason::Ipv6HeaderOrder);
    ip_.has_fragment_header = true;
    const uint16_t word = load16(&packet_[at_ + 2]);
    ip_.fragment_offset = word & 0xfff8U;
    ip_.more_fragments = (word & 1U) != 0;
    ip_.id = load32(&packet_[at_ + 4]);
    ip_.is_fragment = ip_.more_fragments || ip_.fragment_offset != 0;
    return none;
  }

  // 4.5, 7112: `at_` stands behind the Fragment header.
  Ipv6Fault fragment() {
    if (ip_.more_fragments && left() % 8 != 0) {
      return problem(DropReason::FragmentLength, kProblemField, payload_length_field);
    }
    if (ip_.fragment_offset != 0) return none;
    // The first fragment must have all headers, the upper layer's too. What they are matters when
    // the whole is there; here only where they end.
    uint8_t kind = ip_.next_header;
    size_t end = at_;
    for (int headers = 0; headers < kMaxExtensionHeaders; ++headers) {
      if (kind != routing && kind != destination_options) break;
      if (packet_.size() - end < 8) return first_fragment();
      const size_t length = 8 + 8 * size_t{packet_[end + 1]};
      if (packet_.size() - end < length) return first_fragment();
      kind = packet_[end];
      end += length;
    }
    return packet_.size() - end < upper_header(kind) ? first_fragment() : none;
  }

  [[nodiscard]] Ipv6Fault first_fragment() const {
    return problem(DropReason::Ipv6FirstFragment, kProblemFirstFragment, 0);
  }

  // 4.2: of the options only the paddings are known here; the others say themselves what to do.
  Ipv6Fault options(size_t from, size_t end) {
    while (from < end) {
      if (++options_ > kMaxExtensionOptions) return refused(DropReason::Ipv6OptionCap);
      const uint8_t kind = packet_[from];
      if (kind == pad1) {
        ++from;
        continue;
      }
      if (end - from < 2 || end - from - 2 < packet_[from + 1]) {
        return refused(DropReason::Ipv6OptionLength);
      }
      if (kind != pad_n) {
        const Ipv6Fault fault = unrecognized(kind, from);
        if (fault.reason != DropReason::None) return fault;
      }
      from += 2 + size_t{packet_[from + 1]};
    }
    return none;
  }

  Ipv6Fault unrecognized(uint8_t kind, size_t pointer) const {
    constexpr unsigned skip = 0, discard = 1, discard_and_answer = 2;
    const auto action = static_cast<unsigned>(kind >> 6);
    if (action == skip) return none;
    if (action == discard) return refused(DropReason::Ipv6OptionUnrecognized);
    Ipv6Fault fault = problem(DropReason::Ipv6OptionUnrecognized, kProblemOption, pointer);
    if (action == discard_and_answer) fault.answer = true;
    return fault;
  }

  [[nodiscard]] uint8_t at(size_t offset) const { return packet_[at_ + offset]; }

  std::span<const uint8_t> packet_;
  Ipv6& ip_;
  size_t at_ = kIpv6Header;
  int options_ = 0;
};

void read_fixed(const uint8_t* p, Ipv6& ip) {
  const uint32_t first = load32(p);
  ip = Ipv6{};
  ip.dscp = first >> 22 & 0x3f;
  ip.ecn = first >> 20 & 3;
  ip.flow_label = first & 0xfffff;
  ip.next_header = p[next_header_field];
  ip.hop_limit = p[7];
  ip.source = load_v6(p + 8);
  ip.destination = load_v6(p + 24);
}

}  // namespace

Ipv6Fault parse_ipv6(std::span<const uint8_t> bytes, Ipv6& out) {
  if (bytes.size() < kIpv6Header) return refused(DropReason::Ipv6TooShort);
  if (bytes[0] >> 4 != 6) return refused(DropReason::Ipv6Version);
  read_fixed(bytes.data(), out);
  const size_t length = load16(&bytes[payload_length_field]);
  if (length > bytes.size() - kIpv6Header) return refused(DropReason::Ipv6PayloadLength);
  // On the wire these can only mean to be mistaken for IPv4 (RFC 4942 2.2).
  if (out.source.is_v4() || out.destination.is_v4()) return refused(DropReason::Ipv6Mapped);
  // RFC 2675: zero before a Hop-by-Hop header says "jumbogram"; no link here is large enough.
  if (length == 0 && out.next_header == hop_by_hop) return refused(DropReason::Ipv6Jumbogram);
  return Walk(bytes.first(kIpv6Header + length), out).run();
}

std::expected<Ipv6, Ipv6Fault> parse_ipv6(std::span<const uint8_t> bytes) {
  std::expected<Ipv6, Ipv6Fault> result;
  const Ipv6Fault fault = parse_ipv6(bytes, *result);
  if (fault.reason != DropReason::None) return std::unexpected(fault);
  return result;
}

void build_ipv6(uint8_t* to, const Ipv6& ip, uint16_t payload_length) {
  ASSERT(ip.flow_label <= 0xfffff);
  const uint32_t service = (uint32_t{ip.dscp} << 2 | (ip.ecn & 3U)) & 0xffU;
  store32(to, 6U << 28 | service << 20 | ip.flow_label);
  store32(to + 4, uint32_t{payload_length} << 16 | uint32_t{ip.next_header} << 8 | ip.hop_limit);
  store_v6(to + 8, ip.source);
  store_v6(to + 24, ip.destination);
}

void build_fragment_header(uint8_t* to, const Ipv6& ip) {
  ASSERT(ip.fragment_offset % 8 == 0);
  store32(to, uint32_t{ip.next_header} << 24 | ip.fragment_offset | (ip.more_fragments ? 1U : 0U));
  store32(to + 4, ip.id);
}

}  // namespace rapport::wire
