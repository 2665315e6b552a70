// Packets made by hand.
#include "rapport/sim/craft.hh"

#include "rapport/base/address.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
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
  std::vector<uint8_t> packet(wire::kIpv4Header + max_tcp_header);
  const uint32_t header =
      wire::build_tcp(packet.data() + wire::kIpv4Header, head, from.address, to.address,
                      {.length = static_cast<uint32_t>(text.size()), .sum = wire::sum(text)});
  packet.resize(wire::kIpv4Header + header);
  packet.insert(packet.end(), text.begin(), text.end());
  wire::Ipv4 ip;
  ip.source = from.address;
  ip.destination = to.address;
  ip.protocol = wire::kProtocolTcp;
  wire::build_ipv4(packet.data(), ip, static_cast<uint16_t>(header + text.size()));
  return packet;
}

}  // namespace rapport::sim
