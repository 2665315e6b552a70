// Packets of the script's side.
#include "rapport/play/craft.hh"

#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"
#include "rapport/wire/udp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace rapport::play {

namespace {

size_t header_of(const Envelope& e) {
  return e.to.is_v4() ? wire::kIpv4Header : wire::kIpv6Header;
}

// A packet with its IP header; the upper layer's octets are zero.
std::vector<uint8_t> wrapped(const Envelope& e, uint8_t protocol, size_t octets) {
  std::vector<uint8_t> packet(header_of(e) + octets);
  const auto dscp = static_cast<uint8_t>(e.tos >> 2);
  const auto ecn = static_cast<uint8_t>(e.tos & 3);
  if (e.to.is_v4()) {
    wire::Ipv4 ip;
    ip.source = e.from;
    ip.destination = e.to;
    ip.protocol = protocol;
    ip.ttl = e.ttl;
    ip.dscp = dscp;
    ip.ecn = ecn;
    wire::build_ipv4(packet.data(), ip, static_cast<uint16_t>(octets));
  } else {
    wire::Ipv6 ip;
    ip.source = e.from;
    ip.destination = e.to;
    ip.next_header = protocol;
    ip.hop_limit = e.ttl;
    ip.dscp = dscp;
    ip.ecn = ecn;
    ip.flow_label = e.flow_label;
    wire::build_ipv6(packet.data(), ip, static_cast<uint16_t>(octets));
  }
  return packet;
}

void put16(uint8_t* to, uint16_t v) {
  to[0] = static_cast<uint8_t>(v >> 8);
  to[1] = static_cast<uint8_t>(v);
}

void put32(uint8_t* to, uint32_t v) {
  put16(to, static_cast<uint16_t>(v >> 16));
  put16(to + 2, static_cast<uint16_t>(v));
}

}  // namespace

std::vector<uint8_t> craft_tcp(const Envelope& envelope, const LiveSegment& s) {
  const size_t options = (s.options.size() + 3) & ~size_t{3};
  const size_t header = wire::kTcpHeader + options;
  std::vector<uint8_t> packet = wrapped(envelope, wire::kProtocolTcp, header + s.length);
  uint8_t* tcp = packet.data() + header_of(envelope);
  put16(tcp, s.source_port);
  put16(tcp + 2, s.destination_port);
  put32(tcp + 4, s.seq.v);
  put32(tcp + 8, s.ack.v);
  tcp[12] = static_cast<uint8_t>(header / 4 << 4);
  tcp[13] = s.flags.v;
  put16(tcp + 14, s.window);
  put16(tcp + 18, s.urgent);
  std::ranges::copy(s.options, tcp + wire::kTcpHeader);
  const auto length = static_cast<uint32_t>(header + s.length);
  const uint16_t sum =
      wire::finish(wire::sum({tcp, length})
                   + wire::pseudo_header(envelope.from, envelope.to, wire::kProtocolTcp, length));
  std::memcpy(tcp + 16, &sum, sizeof sum);
  return packet;
}

std::vector<uint8_t> craft_udp(const Envelope& envelope, uint16_t source_port,
                               uint16_t destination_port, uint16_t length) {
  std::vector<uint8_t> packet =
      wrapped(envelope, wire::kProtocolUdp, size_t{length} + wire::kUdpHeader);
  wire::build_udp(packet.data() + header_of(envelope), {source_port, destination_port},
                  envelope.from, envelope.to, {.length = length, .sum = {}});
  return packet;
}

std::vector<uint8_t> craft_icmp(const Envelope& envelope, const wire::IcmpHead& head,
                                std::span<const uint8_t> data) {
  const bool v4 = envelope.to.is_v4();
  std::vector<uint8_t> packet = wrapped(envelope, v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6,
                                        wire::kIcmpHeader + data.size());
  uint8_t* to = packet.data() + header_of(envelope);
  if (v4) {
    wire::build_icmp(to, head, data);
  } else {
    wire::build_icmpv6(to, head, data, envelope.from, envelope.to);
  }
  return packet;
}

}  // namespace rapport::play
