// Fuzzes IPv6 and what it carries: the chain of extension headers, ICMPv6 with its quotes,
// neighbour discovery, UDP. Any octets, first as they are, then with version, length and checksum
// mended, so that mutations get past them. What is parsed must lie inside the packet, and what is
// built from it must be the same.
#include "rapport/wire/ipv6.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ndp.hh"
#include "rapport/wire/udp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace rapport::wire {
namespace {

bool lies_inside(std::span<const uint8_t> inner, std::span<const uint8_t> outer) {
  return inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size();
}

void try_ndp(const Icmpv6& icmp, const Ipv6& ip) {
  std::array<uint8_t, kNdpMaxLength> room{};
  const auto again = [&](size_t length) {
    return parse_icmpv6(std::span(room).first(length), ip.source, ip.destination).value();
  };
  if (icmp.type == kNeighbourSolicitation) {
    const auto s = parse_solicitation(icmp, ip.source, ip.destination);
    if (!s) return;
    const auto back =
        parse_solicitation(again(build_solicitation(room.data(), *s, ip.source, ip.destination)),
                           ip.source, ip.destination);
    ASSERT(back && back->target == s->target && back->source_mac == s->source_mac);
  } else if (icmp.type == kNeighbourAdvertisement) {
    const auto a = parse_advertisement(icmp, ip.destination);
    if (!a) return;
    const auto back = parse_advertisement(
        again(build_advertisement(room.data(), *a, ip.source, ip.destination)), ip.destination);
    ASSERT(back && back->target == a->target && back->target_mac == a->target_mac);
    ASSERT(back->is_router == a->is_router && back->solicited == a->solicited);
    ASSERT(back->overrides == a->overrides);
  }
}

void try_upper(const Ipv6& ip) {
  if (ip.next_header == kProtocolIcmpv6) {
    const auto icmp = parse_icmpv6(ip.payload, ip.source, ip.destination);
    if (!icmp) return;
    ASSERT(lies_inside(icmp->data, ip.payload));
    const auto error = parse_icmpv6_error(*icmp);
    if (error) ASSERT(lies_inside(error->quote.upper, icmp->data));
    try_ndp(*icmp, ip);
  } else if (ip.next_header == kProtocolUdp) {
    const auto udp = parse_udp(ip.payload, ip.source, ip.destination);
    if (udp) ASSERT(lies_inside(udp->data, ip.payload));
  }
}

void try_packet(std::span<const uint8_t> packet) {
  Ipv6 ip;
  const Ipv6Fault fault = parse_ipv6(packet, ip);
  if (fault.reason != DropReason::None) {
    ASSERT(!fault.answer || fault.pointer < packet.size());
    return;
  }
  ASSERT(lies_inside(ip.payload, packet));
  ASSERT(ip.payload.data() == packet.data() + ip.header_length);
  ASSERT(packet[ip.next_header_at] == ip.next_header);
  Ipv6 fixed = ip;
  fixed.next_header = packet[6];
  std::array<uint8_t, kIpv6Header> built{};
  build_ipv6(built.data(), fixed, load16(&packet[4]));
  ASSERT(std::ranges::equal(built, packet.first(kIpv6Header)));
  if (!ip.is_fragment) try_upper(ip);
}

// Right as far as the octets reach.
void mend(std::vector<uint8_t>& packet) {
  if (packet.size() < kIpv6Header || packet.size() > 0xffff) return;
  packet[0] = static_cast<uint8_t>(0x60 | (packet[0] & 0x0f));
  store16(&packet[4], static_cast<uint16_t>(packet.size() - kIpv6Header));
  Ipv6 ip;
  if (parse_ipv6(packet, ip).reason != DropReason::None || ip.is_fragment) return;
  const size_t field = ip.next_header == kProtocolUdp ? 6 : 2;
  if (ip.payload.size() < 8) return;
  const auto upper = std::span(packet).subspan(ip.header_length);
  if (field == 6) store16(&upper[4], static_cast<uint16_t>(upper.size()));
  store16(&upper[field], 0);
  const auto length = static_cast<uint32_t>(upper.size());
  const uint16_t checksum =
      finish(sum(upper) + pseudo_header(ip.source, ip.destination, ip.next_header, length));
  std::memcpy(&upper[field], &checksum, 2);
}

}  // namespace
}  // namespace rapport::wire

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::wire::try_packet({data, size});
  std::vector<uint8_t> mended(data, data + size);
  rapport::wire::mend(mended);
  rapport::wire::try_packet(mended);
  return 0;
}
