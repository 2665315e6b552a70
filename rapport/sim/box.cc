// The octets of the options are walked as RFC 9293 3.1 lays them out; the checksum is made anew.
#include "rapport/sim/box.hh"

#include "rapport/base/reason.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

}  // namespace

bool strip_options(std::span<uint8_t> packet, uint64_t kinds) {
  wire::Ipv4 ip;
  if (wire::parse_ipv4(packet, ip) != DropReason::None || ip.protocol != wire::kProtocolTcp) {
    return false;
  }
  wire::Segment seg;
  const DropReason fault =
      wire::parse_tcp(ip.payload, ip.source, ip.destination, wire::Checksum::Verify, seg);
  if (fault != DropReason::None) return false;
  const std::span<uint8_t> tcp = packet.subspan(ip.header_length, ip.payload.size());
  if (!blank(tcp.subspan(wire::kTcpHeader, seg.option_octets), kinds)) return false;
  std::memset(&tcp[16], 0, 2);
  const auto length = static_cast<uint32_t>(tcp.size());
  const uint16_t checksum = wire::finish(
      wire::sum(tcp) + wire::pseudo_header(ip.source, ip.destination, wire::kProtocolTcp, length));
  std::memcpy(&tcp[16], &checksum, 2);
  return true;
}

}  // namespace rapport::sim
