// The way in: IPv4 or IPv6 read; is it ours; fragments collected; which protocol (RFC 791, RFC 1122
// 3.2.1, RFC 8200; stops 3 and 4 of ARCHITECTURE.md). TCP's segments wait for the end of the
// burst's part, in flows.cc; everything else is dealt with at once.
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/reason.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/stack/packet.hh"
#include "rapport/stack/world.hh"
#include "rapport/udp/sockets.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"
#include "rapport/wire/udp.hh"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::stack {

namespace {

constexpr size_t kShort = 256;  // octets of a TCP segment that are summed at once

// R1122-7, MUST-63: a source that can be nobody's.
bool is_martian(const IpAddress& a, const tcp::Context& cx) {
  return !a.may_be_a_host() || cx.locals.is_broadcast(a);
}

DropReason why_not_ours(const IpAddress& to, const tcp::Context& cx) {
  const bool many =
      to.is_multicast() || to.is_reserved_or_broadcast() || cx.locals.is_broadcast(to);
  if (many) return DropReason::MulticastDestination;  // MUST-57
  return to.is_v4() ? DropReason::Ipv4NotOurs : DropReason::Ipv6NotOurs;
}

// The strong model: what is not for an address of the interface that it came in by is not for us
// (RFC 1122 3.3.4.2). Nor is what is for an address that is being checked, or is somebody else's
// (RFC 4862 5.4); of groups only neighbour discovery comes as far as this.
// SA-CLOSED-05, SA-LISTEN-12, U-36: all segments, not SYN alone.
[[gnu::always_inline]] inline DropReason check_addresses(const IpAddress& source,
                                                         const IpAddress& destination,
                                                         uint16_t local, const Arrived& arrived,
                                                         const World& w) {
  if (local == LocalAddresses::kUnknown) return why_not_ours(destination, w.cx);
  const bool to_group = destination.is_multicast();
  const bool is_elsewhere = w.cx.locals.interface_of(LocalId{local}) != arrived.interface;
  const bool is_unusable = w.has_links && !to_group && !w.paths.is_usable(LocalId{local});
  if (is_elsewhere || is_unusable) {
    return destination.is_v4() ? DropReason::Ipv4NotOurs : DropReason::Ipv6NotOurs;
  }
  if (arrived.to_group && !to_group) return DropReason::MulticastDestination;  // RFC 1122 3.3.6
  if (is_martian(source, w.cx)) return DropReason::MartianSource;
  return DropReason::None;
}

// What TCP must know of a packet of either family.
struct Around {
  const IpAddress& source;
  const IpAddress& destination;
  LocalId local;
  std::span<const uint8_t> payload;
};

[[gnu::always_inline]] inline void take_tcp(World& w, const Around& ip, const Arrived& arrived) {
  Parsed& p = w.parsed[w.parsed_count];
  // Longer text is summed when it is copied to its place.
  const auto checksum =
      ip.payload.size() > kShort ? wire::Checksum::SumHeader : wire::Checksum::Verify;
  const DropReason fault =
      wire::parse_tcp(ip.payload, ip.source, ip.destination, checksum, p.segment);
  if (fault != DropReason::None) {
    w.cx.drop(fault);
    return;
  }
  p.key = FlowKey::of(ip.source, p.segment.source_port, p.segment.destination_port, ip.local);
  p.serial = arrived.serial;
  ++w.parsed_count;
  if (arrived.reassembled) deliver_parsed(w);  // its octets are there until the next one
}

void take_udp(World& w, const Packet& packet) {
  const auto datagram = wire::parse_udp(packet.payload, packet.source, packet.destination);
  if (!datagram) {
    w.cx.drop(datagram.error());
    return;
  }
  const Endpoint local{packet.destination, datagram->destination_port};
  const Endpoint remote{packet.source, datagram->source_port};
  const udp::Arrival a = w.sockets.arrives(datagram->data, local, remote);
  if (a.kind == udp::Arrival::Kind::Delivered) return;
  w.cx.drop(a.reason);
  if (a.kind == udp::Arrival::Kind::PortUnreachable) {
    complain(w, packet, Complaint::PortUnreachable, {});
  }
}

void take_upper(World& w, const Packet& packet) {
  switch (packet.protocol) {
    case wire::kProtocolUdp: take_udp(w, packet); return;
    case wire::kProtocolIcmp:
      if (!packet.source.is_v4()) break;
      take_icmp(w, packet);
      return;
    case wire::kProtocolIcmpv6:
      if (packet.source.is_v4()) break;
      take_icmpv6(w, packet);
      return;
    default: break;
  }
  w.cx.drop(DropReason::UnknownProtocol);
  complain(w, packet, Complaint::ProtocolUnreachable,
           {wire::kProblemNextHeader, packet.next_header_at});
}

void take_whole(World& w, std::span<const uint8_t> bytes, const Arrived& arrived);

// What became of a fragment, of either family.
template <class Ip>
void take_fragment(World& w, const Ip& ip, const Packet& packet) {
  const ip::Reassembly::Outcome out = w.reassembly.receive(ip, w.cx.now);
  for (uint32_t i = 0; i < out.evicted; ++i) w.cx.drop(DropReason::FragmentEvicted);
  switch (out.result) {
    case ip::Reassembly::Result::Waiting: return;
    case ip::Reassembly::Result::Dropped:
      w.cx.drop(out.fault.reason);
      if (out.fault.answer) {
        complain(w, packet, Complaint::ParameterProblem, {out.fault.code, out.fault.pointer});
      }
      return;
    case ip::Reassembly::Result::Complete: break;
  }
  ++w.cx.counters.reassembled;
  deliver_parsed(w);  // what came before it, first
  Arrived arrived = packet.arrived;
  arrived.reassembled = true;
  take_whole(w, out.packet, arrived);
}

void take_ipv4(World& w, std::span<const uint8_t> bytes, const Arrived& arrived) {
  wire::Ipv4 ip;
  const DropReason fault = wire::parse_ipv4(bytes, ip);
  if (fault != DropReason::None) {
    w.cx.drop(fault);
    return;
  }
  const uint16_t local = w.cx.locals.find(ip.destination);
  const DropReason why = check_addresses(ip.source, ip.destination, local, arrived, w);
  if (why != DropReason::None) {
    w.cx.drop(why);
    return;
  }
  const bool is_fragment = ip.more_fragments || ip.fragment_offset != 0;
  if (ip.protocol == wire::kProtocolTcp && !is_fragment) {
    take_tcp(w, {ip.source, ip.destination, LocalId{local}, ip.payload}, arrived);
    return;
  }
  const Packet packet{.source = ip.source,
                      .destination = ip.destination,
                      .local = LocalId{local},
                      .protocol = ip.protocol,
                      .hop_limit = ip.ttl,
                      .dscp = ip.dscp,
                      .arrived = arrived,
                      .bytes = bytes.first(ip.header_length + ip.payload.size()),
                      .payload = ip.payload};
  if (is_fragment) {
    take_fragment(w, ip, packet);
  } else {
    take_upper(w, packet);
  }
}

// RFC 4443 2.4 (e.1): what a packet carries decides whether an error may be sent about its headers.
void look_behind_fault(Packet& packet) {
  const auto read = wire::parse_quote_v6(packet.bytes);
  packet.protocol = read ? read->protocol : wire::kNoNextHeader;
  packet.payload = read ? read->upper : std::span<const uint8_t>{};
}

void take_ipv6(World& w, std::span<const uint8_t> bytes, const Arrived& arrived) {
  wire::Ipv6 ip;
  const wire::Ipv6Fault fault = wire::parse_ipv6(bytes, ip);
  if (fault.reason != DropReason::None && !fault.answer) {
    w.cx.drop(fault.reason);
    return;
  }
  const uint16_t local = local_of(w, ip, arrived.interface);
  const DropReason why = check_addresses(ip.source, ip.destination, local, arrived, w);
  const bool may_be_nobody = why == DropReason::MartianSource && ip.source.is_unspecified()
                             && ip.next_header == wire::kProtocolIcmpv6;  // RFC 4862 5.4.3
  if (why != DropReason::None && !may_be_nobody) {
    w.cx.drop(why);
    return;
  }
  const bool is_plain = fault.reason == DropReason::None && !ip.is_fragment;
  if (is_plain && ip.next_header == wire::kProtocolTcp) {
    take_tcp(w, {ip.source, ip.destination, LocalId{local}, ip.payload}, arrived);
    return;
  }
  const size_t length = size_t{bytes[4]} << 8 | bytes[5];
  Packet packet{.source = ip.source,
                .destination = ip.destination,
                .local = LocalId{local},
                .protocol = ip.next_header,
                .hop_limit = ip.hop_limit,
                .dscp = ip.dscp,
                .arrived = arrived,
                .next_header_at = ip.next_header_at,
                .bytes = bytes.first(wire::kIpv6Header + length),
                .payload = ip.payload};
  if (fault.reason != DropReason::None) {
    w.cx.drop(fault.reason);
    look_behind_fault(packet);
    complain(w, packet, Complaint::ParameterProblem, {fault.code, fault.pointer});
  } else if (ip.is_fragment) {
    take_fragment(w, ip, packet);
  } else {
    packet.arrived.reassembled = arrived.reassembled || ip.has_fragment_header;
    take_upper(w, packet);
  }
}

void take_whole(World& w, std::span<const uint8_t> bytes, const Arrived& arrived) {
  const uint8_t version = bytes.empty() ? 0 : bytes[0] >> 4;
  if (version == 6) {
    take_ipv6(w, bytes, arrived);
  } else {
    take_ipv4(w, bytes, arrived);  // which says what is wrong with anything else
  }
}

}  // namespace

void take_packet(World& w, std::span<const uint8_t> bytes, const Arrived& arrived) {
  take_whole(w, bytes, arrived);
}

}  // namespace rapport::stack
