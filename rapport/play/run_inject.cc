// Packets of the script, on their way into the stack.
#include "rapport/base/seq.hh"
#include "rapport/play/craft.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/icmp_words.hh"
#include "rapport/play/options.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/run.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

uint8_t tos_of(const IpItems& ip) {
  uint8_t tos = ip.tos.value_or(0);
  if (ip.dscp) tos = static_cast<uint8_t>(*ip.dscp << 2 | (tos & 3));
  if (!ip.ecn) return tos;
  uint8_t bits = 0;
  switch (*ip.ecn) {
    case Ecn::NotEct: break;
    case Ecn::Ect1: bits = 1; break;
    case Ecn::Ect0:
    case Ecn::Ect01: bits = 2; break;
    case Ecn::Ce: bits = 3; break;
  }
  return static_cast<uint8_t>((tos & ~3) | bits);
}

Envelope envelope_of(const Packet& p, const Flow& flow) {
  Envelope e{flow.remote.address, flow.local.address};
  e.tos = tos_of(p.ip);
  e.ttl = p.ip.ttl.value_or(e.ttl);
  e.flow_label = p.ip.flow_label.value_or(0);
  return e;
}

}  // namespace

bool Run::inject(const Packet& p) {
  begun_ = true;
  if (const auto* tcp = std::get_if<TcpSegment>(&p.body)) return inject_tcp(p, *tcp);
  if (const auto* udp = std::get_if<UdpDatagram>(&p.body)) return inject_udp(p, *udp);
  return inject_icmp(p, std::get<IcmpMessage>(p.body));
}

// The flow with these ports, made if there is none; without ports the one under test.
Flow& Run::flow_of(const std::optional<Ports>& ports, bool inbound) {
  if (!ports) {
    Flow& flow = flows_.back();
    if (!flow.named && calls_.bound()) flow.local.port = calls_.bound()->port;
    return flow;
  }
  const uint16_t local = inbound ? ports->destination : ports->source;
  const uint16_t remote = inbound ? ports->source : ports->destination;
  const auto known = std::ranges::find_if(flows_, [&](const Flow& f) {
    return f.named && f.local.port == local && f.remote.port == remote;
  });
  if (known != flows_.end()) return *known;
  if (flows_.back().named || flows_.back().begun()) {
    Flow fresh;
    fresh.local.address = setup_.local.address;
    fresh.remote.address = setup_.remote.address;
    flows_.push_back(fresh);
  }
  Flow& flow = flows_.back();
  flow.local.port = local;
  flow.remote.port = remote;
  flow.named = true;
  return flow;
}

bool Run::inject_tcp(const Packet& p, const TcpSegment& s) {
  Flow& flow = flow_of(s.ports, true);
  const bool syn = s.flags.has(wire::kSyn);
  LiveSegment live;
  live.source_port = flow.remote.port;
  live.destination_port = flow.local.port;
  live.seq = s.sequence.raw ? Seq{s.sequence.first} : flow.live_of_remote(s.sequence.first, syn);
  if (s.ack && s.flags.has(wire::kAck))
    live.ack = s.sequence.raw ? Seq{*s.ack} : flow.live_of_local(*s.ack, syn);
  live.flags = s.flags;
  live.window = s.window.value_or(0);
  live.urgent = s.urgent.value_or(0);
  live.length = s.sequence.length;
  auto options = octets_of(s.options, flow, syn);
  if (!options) return fail(p.place, "a packet that can be sent", options.error());
  live.options = std::move(*options);
  const tcp::State state = host_.stack().state_of(flow.local, flow.remote);
  note_injected(live, flow, state);
  if (syn) {
    flow.note_inbound_syn(live.seq.v, state == tcp::State::Closed || state == tcp::State::TimeWait);
  }
  return put(craft_tcp(envelope_of(p, flow), live), p.place);
}

bool Run::inject_udp(const Packet& p, const UdpDatagram& d) {
  Flow& flow = flow_of(d.ports, true);
  if (!flow.named && calls_.peer()) flow.remote = *calls_.peer();
  return put(craft_udp(envelope_of(p, flow), flow.remote.port, flow.local.port, d.length), p.place);
}

bool Run::inject_icmp(const Packet& p, const IcmpMessage& m) {
  Flow& flow = flow_of(std::nullopt, true);
  heard_.icmp = true;
  const auto head = icmp_head(m, !flow.remote.address.is_v4());
  if (!head) return skip(p.place, "icmp " + m.type + " " + m.code);
  return put(craft_icmp(envelope_of(p, flow), *head, quoted_packet(m, flow)), p.place);
}

bool Run::put(const std::vector<uint8_t>& packet, Place place) {
  if (!host_.inject(packet)) {
    return fail(
        place, "room for a packet",
        "a packet of " + std::to_string(packet.size()) + " octets is more than the link carries");
  }
  return settle();
}

}  // namespace rapport::play
