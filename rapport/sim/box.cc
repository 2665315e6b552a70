// The octets of the options are walked as RFC 9293 3.1 lays them out; the checksum is made anew.
#include "rapport/sim/box.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace rapport::sim {

namespace {

constexpr uint8_t kEnd = 0;
constexpr uint8_t kNop = 1;

bool blank(std::span<uint8_t> options, uint64_t kinds) {
  bool found = false;
  while (!options.empty() && options[0] != kEnd) {
    const uint8_t kind = options[0];
    const size_t length = kind == kNop ? 1 : options.size() < 2 ? 0 : options[1];
    if (length == 0 || length > options.size() || (kind != kNop && length < 2)) break;
    if (kind != kNop && kind < 64 && (kinds >> kind & 1) != 0) {
      std::ranges::fill(options.first(length), kNop);
      found = true;
    }
    options = options.subspan(length);
  }
  return found;
}

struct Place {
  IpAddress source, destination;
  size_t header = 0;  // octets before the segment
  std::span<const uint8_t> segment;
};

// Where a TCP segment is in a packet of either family.
std::optional<Place> find_segment(std::span<const uint8_t> packet) {
  if (const auto ip = wire::parse_ipv4(packet); ip && ip->protocol == wire::kProtocolTcp) {
    return Place{ip->source, ip->destination, ip->header_length, ip->payload};
  }
  if (const auto ip = wire::parse_ipv6(packet); ip && ip->next_header == wire::kProtocolTcp) {
    return Place{ip->source, ip->destination, ip->header_length, ip->payload};
  }
  return std::nullopt;
}

}  // namespace

bool strip_options(std::span<uint8_t> packet, uint64_t kinds) {
  const std::optional<Place> at = find_segment(packet);
  if (!at) return false;
  wire::Segment seg;
  const DropReason fault =
      wire::parse_tcp(at->segment, at->source, at->destination, wire::Checksum::Verify, seg);
  if (fault != DropReason::None) return false;
  const std::span<uint8_t> tcp = packet.subspan(at->header, at->segment.size());
  if (!blank(tcp.subspan(wire::kTcpHeader, seg.option_octets), kinds)) return false;
  std::memset(&tcp[16], 0, 2);
  const auto length = static_cast<uint32_t>(tcp.size());
  const uint16_t checksum =
      wire::finish(wire::sum(tcp)
                   + wire::pseudo_header(at->source, at->destination, wire::kProtocolTcp, length));
  std::memcpy(&tcp[16], &checksum, 2);
  return true;
}

}  // namespace rapport::sim
