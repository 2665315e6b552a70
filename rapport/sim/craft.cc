// Packets made by hand.
#include "rapport/sim/craft.hh"

#include "rapport/base/address.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::sim {

std::vector<uint8_t> craft_segment(const Endpoint& from, const Endpoint& to, wire::SegmentHead head,
                                   std::span<const uint8_t> text) {
  constexpr size_t max_tcp_header = 60;
  head.source_port = from.port;
  head.destination_port = to.port;
  const size_t before = to.address.is_v4() ? wire::kIpv4Header : wire::kIpv6Header;
  std::vector<uint8_t> packet(before + max_tcp_header);
  const uint32_t header =
      wire::build_tcp(packet.data() + before, head, from.address, to.address,
                      {.length = static_cast<uint32_t>(text.size()), .sum = wire::sum(text)});
  packet.resize(before + header);
  packet.insert(packet.end(), text.begin(), text.end());
  const auto length = static_cast<uint16_t>(header + text.size());
  if (to.address.is_v4()) {
    wire::Ipv4 ip;
    ip.source = from.address;
    ip.destination = to.address;
    ip.protocol = wire::kProtocolTcp;
    wire::build_ipv4(packet.data(), ip, length);
  } else {
    wire::Ipv6 ip;
    ip.source = from.address;
    ip.destination = to.address;
    ip.next_header = wire::kProtocolTcp;
    wire::build_ipv6(packet.data(), ip, length);
  }
  return packet;
}

}  // namespace rapport::sim
