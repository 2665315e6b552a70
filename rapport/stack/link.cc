// Ethernet interfaces: frames in and out, ARP and neighbour discovery joined to the packets (RFC
// 826, 894, 1122 2.3, 2464, 4861), and the check of our own addresses there (RFC 4862 5.4, 5227).
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/outbox.hh"
#include "rapport/base/reason.hh"
#include "rapport/ip/neighbours.hh"
#include "rapport/stack/packet.hh"
#include "rapport/stack/world.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace rapport::stack {

namespace {

void count(World& w, DropReason reason) {
  if (reason != DropReason::None) w.cx.drop(reason);
}

void take_arp(World& w, Link& link, std::span<const uint8_t> bytes) {
  const auto arp = wire::parse_arp(bytes);
  count(w, arp ? link.neighbours.hear_arp(*arp, w.cx.now) : arp.error());
}

DropReason hear(World& w, Link& link, const Packet& packet, const wire::Icmpv6& icmp) {
  // RFC 4861 7.1; RFC 6980 5: nothing of it comes in fragments.
  if (packet.hop_limit != wire::kNdpHopLimit || packet.arrived.reassembled) {
    return DropReason::NeighbourIgnored;
  }
  if (icmp.type == wire::kNeighbourSolicitation) {
    const auto s = wire::parse_solicitation(icmp, packet.source, packet.destination);
    if (!s) return s.error();
    return link.neighbours.hear_solicitation(*s, packet.source, packet.arrived.from, w.cx.now);
  }
  const auto a = wire::parse_advertisement(icmp, packet.destination);
  return a ? link.neighbours.hear_advertisement(*a, w.cx.now) : a.error();
}

Frame with_ethernet(Frame&& frame, const Link& link, const MacAddress& to) {
  const bool v4 = frame.data()[0] >> 4 == 4;
  const wire::Ethernet header{.destination = to,
                              .source = link.mac,
                              .type = v4 ? wire::kEtherIpv4 : wire::kEtherIpv6,
                              .payload = {}};
  wire::build_ethernet(frame.push_front(wire::kEthernetHeader), header);
  return std::move(frame);
}

Frame build_message(World& w, const Link& link, const ip::NeighbourMessage& message) {
  Frame frame = w.frames.allocate(w.config.frame_headroom - wire::kEthernetHeader);
  if (!frame) {
    w.cx.drop(DropReason::PoolExhausted);
    return {};
  }
  const size_t headroom = w.config.frame_headroom - wire::kEthernetHeader;
  frame.reshape(headroom, ip::kNeighbourFrame);
  const size_t length = ip::build_neighbour_frame(frame.data(), message, link.mac);
  frame.reshape(headroom, length);
  frame.serial = ++w.cx.serial;
  return frame;
}

// Nobody answers for the next hop: as if a router had told "host unreachable" (RFC 1122 2.3.2.2).
void tell_unreachable(World& w, const Frame& frame) {
  const auto bytes = frame.bytes();
  const bool v4 = bytes[0] >> 4 == 4;
  const auto quote = v4 ? wire::parse_quote_v4(bytes) : wire::parse_quote_v6(bytes);
  w.cx.drop(DropReason::NeighbourUnreachable);
  if (!quote) return;
  wire::IcmpError error;
  error.kind = wire::IcmpKind::HostUnreachable;
  error.quote = *quote;
  (void)tell_of_error(w, error, LocalId{w.cx.locals.find(quote->source)});
}

void note_settled(World& w, Link& link) {
  IpAddress address;
  ip::AddressState state{};
  while (link.neighbours.next_settled(address, state)) {
    const uint16_t id = w.cx.locals.find(address);
    if (id == LocalAddresses::kUnknown) continue;
    w.paths.set_state(LocalId{id}, state);
  }
}

// The next frame that the neighbour machinery has for this link; a false one when there is none.
Frame next_of(World& w, Link& link) {
  note_settled(w, link);
  ip::NeighbourMessage message;
  while (link.neighbours.next_message(message)) {
    if (Frame frame = build_message(w, link, message)) return frame;
  }
  Frame packet;
  MacAddress mac;
  if (link.neighbours.next_released(packet, mac))
    return with_ethernet(std::move(packet), link, mac);
  while (link.neighbours.next_failed(packet)) tell_unreachable(w, packet);
  return {};
}

}  // namespace

void make_links(World& w) {
  for (size_t i = 0; i < w.links.size(); ++i) {
    const std::optional<MacAddress>& mac = w.config.interfaces[i].ethernet;
    if (!mac) continue;
    w.links[i].emplace(w.config.neighbours, *mac, w.datagram_random.next());
    w.has_links = true;
  }
}

void begin_address_checks(World& w) {
  w.checks_begun = true;
  for (size_t i = 0; i < w.locals.all().size(); ++i) {
    const LocalId id{static_cast<uint16_t>(i)};
    Link* link = w.link_of(w.locals.interface_of(id));
    if (link == nullptr) continue;
    (void)link->neighbours.begin_check(w.locals[id], w.cx.now);
    w.paths.set_state(id, link->neighbours.state_of(w.locals[id]));
  }
}

void take_frame(World& w, const Frame& frame, uint16_t interface) {
  Arrived arrived{.interface = interface, .serial = frame.serial};
  Link* link = w.link_of(interface);
  if (link == nullptr) {
    take_packet(w, frame.bytes(), arrived);
    return;
  }
  const auto ethernet = wire::parse_ethernet(frame.bytes());
  if (!ethernet) {
    w.cx.drop(ethernet.error());
    return;
  }
  arrived.to_group = ethernet->destination.is_multicast();
  arrived.from = ethernet->source;
  if (!arrived.to_group && ethernet->destination != link->mac) {
    w.cx.drop(DropReason::EthernetNotOurs);
    return;
  }
  switch (ethernet->type) {
    case wire::kEtherArp: take_arp(w, *link, ethernet->payload); break;
    case wire::kEtherIpv4:
    case wire::kEtherIpv6: take_packet(w, ethernet->payload, arrived); break;
    default: w.cx.drop(DropReason::EthernetUnknownType);
  }
}

uint16_t local_of(const World& w, const wire::Ipv6& ip, uint16_t interface) {
  if (!ip.destination.is_multicast()) return w.locals.find(ip.destination);
  if (!w.has_links || !w.links[interface] || ip.next_header != wire::kProtocolIcmpv6) {
    return LocalAddresses::kUnknown;
  }
  for (size_t i = 0; i < w.locals.all().size(); ++i) {
    const LocalId id{static_cast<uint16_t>(i)};
    const IpAddress& own = w.locals[id];
    if (own.is_v4() || w.locals.interface_of(id) != interface) continue;
    if (ip.destination == wire::all_nodes() || ip.destination == wire::solicited_node(own)) {
      return id.v;
    }
  }
  return LocalAddresses::kUnknown;
}

void take_discovery(World& w, const Packet& packet, const wire::Icmpv6& icmp) {
  Link* link = w.link_of(packet.arrived.interface);
  count(w, link == nullptr ? DropReason::IcmpIgnored : hear(w, *link, packet, icmp));
}

Frame give_to_link(World& w, Frame&& finished, LocalId local, const IpAddress& remote) {
  Frame packet = std::move(finished);  // if nobody takes it, it goes back to its pool here
  const uint16_t interface = w.locals.interface_of(local);
  Link& link = *w.link_of(interface);
  const auto hop = w.paths.routes().by(interface, remote);
  if (!hop || !w.paths.is_usable(local)) {
    w.cx.drop(DropReason::NoRoute);
    return {};
  }
  const auto found = link.neighbours.resolve(hop->next, packet, w.cx.now);
  count(w, found.reason);
  if (found.verdict == ip::Neighbours::Verdict::Known) {
    return with_ethernet(std::move(packet), link, found.mac);
  }
  return {};
}

// While this stays away, as from R1 on, the neighbour is probed (R1122-5, choice 65; MUST-20).
void confirm_neighbour(World& w, const FlowKey& key) {
  const uint16_t interface = w.locals.interface_of(key.local);
  Link* link = w.link_of(interface);
  if (link == nullptr) return;
  const auto hop = w.paths.routes().by(interface, key.remote);
  if (hop) link->neighbours.confirm(hop->next, w.cx.now);
}

Frame next_from_links(World& w, uint16_t& interface) {
  for (size_t i = 0; i < w.links.size(); ++i) {
    if (!w.links[i]) continue;
    Frame frame = next_of(w, *w.links[i]);
    if (!frame) continue;
    interface = static_cast<uint16_t>(i);
    return frame;
  }
  return {};
}

}  // namespace rapport::stack
