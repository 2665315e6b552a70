// IP and TCP headers around what a sequence says, and ICMP errors of both families.
#include "packet.hh"

#include "host.hh"
#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace rapport::differential {

namespace {

constexpr size_t kChecksumAt = 16;
constexpr size_t kDataOffsetAt = 12;
constexpr IpAddress kRouter4 = IpAddress::v4(10, 77, 255, 254);

IpAddress router(bool v4) {
  if (v4) return kRouter4;
  IpAddress a;
  a.octets = {0xfd, 0, 0, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe};
  return a;
}

std::vector<uint8_t> in_ip(uint8_t protocol, const IpAddress& from, const IpAddress& to,
                           const std::vector<uint8_t>& payload) {
  const auto length = static_cast<uint16_t>(payload.size());
  std::vector<uint8_t> packet(to.is_v4() ? wire::kIpv4Header : wire::kIpv6Header);
  if (to.is_v4()) {
    wire::Ipv4 ip;
    ip.source = from;
    ip.destination = to;
    ip.protocol = protocol;
    wire::build_ipv4(packet.data(), ip, length);
  } else {
    wire::Ipv6 ip;
    ip.source = from;
    ip.destination = to;
    ip.next_header = protocol;
    wire::build_ipv6(packet.data(), ip, length);
  }
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

void sum_again(std::vector<uint8_t>& tcp, const Ends& ends) {
  wire::store16(tcp.data() + kChecksumAt, 0);
  const auto whole = wire::sum(tcp)
                     + wire::pseudo_header(ends.remote.address, ends.local.address,
                                           wire::kProtocolTcp, static_cast<uint32_t>(tcp.size()));
  const uint16_t folded = wire::finish(whole);
  std::memcpy(tcp.data() + kChecksumAt, &folded, 2);
}

// Type and code of each family.
struct Type {
  wire::IcmpKind kind = wire::IcmpKind::Unknown;
  uint8_t type4 = 0, code4 = 0, type6 = 0, code6 = 0;
};

constexpr Type kTypes[] = {{wire::IcmpKind::NetUnreachable, 3, 0, 1, 0},
                           {wire::IcmpKind::HostUnreachable, 3, 1, 1, 3},
                           {wire::IcmpKind::ProtocolUnreachable, 3, 2, 4, 1},
                           {wire::IcmpKind::PortUnreachable, 3, 3, 1, 4},
                           {wire::IcmpKind::PacketTooBig, 3, 4, 2, 0},
                           {wire::IcmpKind::AdminProhibited, 3, 13, 1, 1},
                           {wire::IcmpKind::TimeExceededTransit, 11, 0, 3, 0},
                           {wire::IcmpKind::ParameterProblem, 12, 0, 4, 0},
                           {wire::IcmpKind::SourceQuench, 4, 0, 100, 0}};

}  // namespace

std::vector<uint8_t> tcp_packet(const wire::SegmentHead& head, const Ends& ends,
                                std::span<const uint8_t> text,
                                const std::vector<uint8_t>* raw_options) {
  std::vector<uint8_t> tcp(60);
  tcp.resize(
      wire::build_tcp(tcp.data(), head, ends.remote.address, ends.local.address,
                      {.length = static_cast<uint32_t>(text.size()), .sum = wire::sum(text)}));
  if (raw_options != nullptr) {
    tcp.resize(wire::kTcpHeader);
    tcp.insert(tcp.end(), raw_options->begin(), raw_options->end());
    tcp[kDataOffsetAt] = static_cast<uint8_t>((tcp.size() / 4) << 4);
  }
  tcp.insert(tcp.end(), text.begin(), text.end());
  if (raw_options != nullptr) sum_again(tcp, ends);
  return in_ip(wire::kProtocolTcp, ends.remote.address, ends.local.address, tcp);
}

std::vector<uint8_t> icmp_packet(wire::IcmpKind kind, const Ends& ends, Seq quoted, uint32_t mtu) {
  const bool v4 = ends.local.address.is_v4();
  std::vector<uint8_t> tcp(wire::kTcpHeader);
  wire::store16(tcp.data(), ends.local.port);
  wire::store16(tcp.data() + 2, ends.remote.port);
  wire::store32(tcp.data() + 4, quoted.v);
  tcp[kDataOffsetAt] = 0x50;
  tcp.resize(kMtu - (v4 ? wire::kIpv4Header : wire::kIpv6Header));  // a full segment was sent
  auto quote = in_ip(wire::kProtocolTcp, ends.local.address, ends.remote.address, tcp);
  quote.resize(100);
  Type type;
  for (const auto& t : kTypes) {
    if (t.kind == kind) type = t;
  }
  const IpAddress from = router(v4);
  std::vector<uint8_t> message(wire::kIcmpHeader + quote.size());
  if (v4) {
    (void)wire::build_icmp(message.data(), {type.type4, type.code4, mtu}, quote);
  } else {
    (void)wire::build_icmpv6(message.data(), {type.type6, type.code6, mtu}, quote, from,
                             ends.local.address);
  }
  return in_ip(v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6, from, ends.local.address, message);
}

std::optional<TcpPacket> read_tcp(std::span<const uint8_t> packet) {
  TcpPacket out;
  std::span<const uint8_t> payload;
  if (const auto v4 = wire::parse_ipv4(packet); v4 && v4->protocol == wire::kProtocolTcp) {
    out.ends.local.address = v4->source;
    out.ends.remote.address = v4->destination;
    payload = v4->payload;
  } else if (const auto v6 = wire::parse_ipv6(packet);
             v6 && v6->next_header == wire::kProtocolTcp) {
    out.ends.local.address = v6->source;
    out.ends.remote.address = v6->destination;
    payload = v6->payload;
  } else {
    return std::nullopt;
  }
  const auto segment = wire::parse_tcp(payload, out.ends.local.address, out.ends.remote.address,
                                       wire::Checksum::Verify);
  if (!segment) return std::nullopt;
  out.segment = *segment;
  out.ends.local.port = segment->source_port;
  out.ends.remote.port = segment->destination_port;
  return out;
}

}  // namespace rapport::differential
