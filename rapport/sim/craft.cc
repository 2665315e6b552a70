// Packets made by hand.
#include "rapport/sim/craft.hh"

#include "rapport/base/address.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::sim {

namespace {

struct Route {
  IpAddress from, to;
};

// Writes the IP header before the `length` octets behind it.
void put_header(std::vector<uint8_t>& packet, const Route& route, uint8_t protocol, size_t length) {
  if (route.to.is_v4()) {
    wire::Ipv4 ip;
    ip.source = route.from;
    ip.destination = route.to;
    ip.protocol = protocol;
    wire::build_ipv4(packet.data(), ip, static_cast<uint16_t>(length));
  } else {
    wire::Ipv6 ip;
    ip.source = route.from;
    ip.destination = route.to;
    ip.next_header = protocol;
    wire::build_ipv6(packet.data(), ip, static_cast<uint16_t>(length));
  }
}

size_t header_of(const IpAddress& family) {
  return family.is_v4() ? wire::kIpv4Header : wire::kIpv6Header;
}

}  // namespace

std::vector<uint8_t> craft_segment(const Endpoint& from, const Endpoint& to, wire::SegmentHead head,
                                   std::span<const uint8_t> text) {
  constexpr size_t max_tcp_header = 60;
  head.source_port = from.port;
  head.destination_port = to.port;
  const size_t before = header_of(to.address);
  std::vector<uint8_t> packet(before + max_tcp_header);
  const uint32_t header =
      wire::build_tcp(packet.data() + before, head, from.address, to.address,
                      {.length = static_cast<uint32_t>(text.size()), .sum = wire::sum(text)});
  packet.resize(before + header);
  packet.insert(packet.end(), text.begin(), text.end());
  put_header(packet, {from.address, to.address}, wire::kProtocolTcp, header + text.size());
  return packet;
}

std::vector<uint8_t> craft_port_unreachable(std::span<const uint8_t> packet) {
  const auto v4 = wire::parse_ipv4(packet);
  wire::Ipv6 v6;
  if (!v4) (void)wire::parse_ipv6(packet, v6);
  // The error goes the other way.
  const Route route = v4 ? Route{v4->destination, v4->source} : Route{v6.destination, v6.source};
  const auto quote = v4 ? wire::quotable_v4(packet) : wire::quotable_v6(packet);
  const size_t before = header_of(route.to);
  std::vector<uint8_t> error(before + wire::kIcmpHeader + quote.size());
  uint8_t* const message = error.data() + before;
  if (v4) {
    wire::build_icmp(message, {.type = wire::kIcmpUnreachable, .code = wire::kIcmpPortUnreachable},
                     quote);
  } else {
    wire::build_icmpv6(message,
                       {.type = wire::kIcmpv6Unreachable, .code = wire::kIcmpv6PortUnreachable},
                       quote, route.from, route.to);
  }
  put_header(error, route, v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6, error.size() - before);
  return error;
}

}  // namespace rapport::sim
