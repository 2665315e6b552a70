// Frames of ARP (RFC 826) and of neighbour discovery, whose hop limit is 255 (RFC 4861 4.3, 4.4).
#include "rapport/ip/neighbour_message.hh"

#include "rapport/base/mac.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace rapport::ip {
namespace {

using Kind = NeighbourMessage::Kind;

size_t put_arp(uint8_t* to, const NeighbourMessage& m, const MacAddress& ours) {
  const bool reply = m.kind == Kind::ArpReply;
  wire::build_arp(to, {.operation = reply ? wire::ArpOperation::Reply : wire::ArpOperation::Request,
                       .sender_mac = ours,
                       .target_mac = reply ? m.to : MacAddress{},
                       .sender = m.source,
                       .target = reply ? m.destination : m.target});
  return wire::kArpLength;
}

size_t put_ndp(uint8_t* to, const NeighbourMessage& m, const MacAddress& ours) {
  uint8_t* const message = to + wire::kIpv6Header;
  const std::optional<MacAddress> mac = m.names_us ? std::optional(ours) : std::nullopt;
  const size_t length =
      m.kind == Kind::Solicitation
          ? wire::build_solicitation(message, {.target = m.target, .source_mac = mac}, m.source,
                                     m.destination)
          : wire::build_advertisement(message,
                                      {.target = m.target,
                                       .target_mac = mac,
                                       .is_router = false,
                                       .solicited = m.solicited,
                                       .overrides = true},
                                      m.source, m.destination);
  wire::Ipv6 ip;
  ip.source = m.source;
  ip.destination = m.destination;
  ip.next_header = wire::kProtocolIcmpv6;
  ip.hop_limit = wire::kNdpHopLimit;
  wire::build_ipv6(to, ip, static_cast<uint16_t>(length));
  return wire::kIpv6Header + length;
}

}  // namespace

size_t build_neighbour_frame(uint8_t* to, const NeighbourMessage& message, const MacAddress& ours) {
  const bool arp = message.kind == Kind::ArpRequest || message.kind == Kind::ArpReply;
  wire::build_ethernet(to, {.destination = message.to,
                            .source = ours,
                            .type = arp ? wire::kEtherArp : wire::kEtherIpv6,
                            .payload = {}});
  uint8_t* const packet = to + wire::kEthernetHeader;
  const size_t length = arp ? put_arp(packet, message, ours) : put_ndp(packet, message, ours);
  return wire::kEthernetHeader + length;
}

}  // namespace rapport::ip
