// ICMP of both families (RFC 792, RFC 1122 3.2.2, RFC 4443): echo answered, errors sent under the
// rules of RFC 1122 3.2.2 and RFC 4443 2.4, errors received handed to whom they concern.
#include "rapport/tcp/icmp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/reason.hh"
#include "rapport/ip/path_mtu.hh"
#include "rapport/stack/packet.hh"
#include "rapport/stack/world.hh"
#include "rapport/udp/sockets.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"
#include "rapport/wire/tcp.hh"
#include "rapport/wire/udp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rapport::stack {

namespace {

using wire::IcmpKind;

// --- errors received ----------------------------------------------------------------------------

// The MTU that a "too big" tells, made sound; none: it is not to be believed.
// R8201-3: of a packet that we have sent.
std::optional<uint16_t> told_mtu(const wire::IcmpError& e) {
  const bool v4 = e.quote.source.is_v4();
  uint32_t mtu = e.mtu;
  if (v4 && mtu == 0) {  // R1191-3: from before RFC 1191
    mtu = ip::plateau_below(static_cast<uint16_t>(std::min(e.quote.total_length, 65535U)));
  }
  if (mtu < (v4 ? ip::kLeastMtuV4 : ip::kLeastMtuV6)) return std::nullopt;  // R1191-2, R8201-1
  if (mtu >= e.quote.total_length) return std::nullopt;  // what was quoted was no larger
  return static_cast<uint16_t>(std::min(mtu, 65535U));
}

DropReason as_drop(tcp::IcmpVerdict verdict) {
  switch (verdict) {
    case tcp::IcmpVerdict::Nobody: return DropReason::IcmpNobody;
    case tcp::IcmpVerdict::NotInFlight: return DropReason::IcmpNotInFlight;
    case tcp::IcmpVerdict::Ignored: return DropReason::IcmpIgnored;
    default: return DropReason::None;
  }
}

DropReason tell_tcp(World& w, const wire::IcmpError& e, LocalId local) {
  if (!e.quote.has_sequence) return DropReason::IcmpQuoteTooShort;
  const FlowKey key =
      FlowKey::of(e.quote.destination, e.quote.destination_port, e.quote.source_port, local);
  uint16_t mtu = 0;
  if (e.kind == IcmpKind::PacketTooBig) {
    const std::optional<uint16_t> told = told_mtu(e);
    if (!told) return DropReason::IcmpIgnored;
    mtu = *told;
  }
  const tcp::FlowHash hash = tcp::hash_of(w.cx.flow_key, key);
  return as_drop(tcp::icmp_arrives(key, hash, e, mtu, w.cx));
}

DropReason tell_udp(World& w, const wire::IcmpError& e, LocalId local) {
  if (!e.quote.has_ports) return DropReason::IcmpQuoteTooShort;
  const Endpoint ours{e.quote.source, e.quote.source_port};
  const Endpoint theirs{e.quote.destination, e.quote.destination_port};
  switch (e.kind) {
    case IcmpKind::SourceQuench:
    case IcmpKind::Redirect:
    case IcmpKind::ParameterProblem:
    case IcmpKind::Unknown: return DropReason::IcmpIgnored;
    case IcmpKind::PacketTooBig: break;
    default: {
      const bool refused =
          e.kind == IcmpKind::PortUnreachable || e.kind == IcmpKind::ProtocolUnreachable;
      const Error error = refused ? Error::Refused : Error::Unreachable;
      return w.sockets.error_arrives(error, ours, theirs) ? DropReason::None
                                                          : DropReason::IcmpNobody;
    }
  }
  // RFC 1191 5, 8201 5.1: later datagrams are cut to the path; no socket need hear of it.
  const std::optional<uint16_t> mtu = told_mtu(e);
  if (!mtu) return DropReason::IcmpIgnored;
  if (!w.sockets.may_have_sent(ours, theirs)) return DropReason::IcmpNobody;
  if (w.paths.lower_path_mtu(local, theirs.address, *mtu, w.cx.now)) {
    ++w.cx.counters.path_mtus_lowered;
  }
  return DropReason::None;
}

// MUST-54: an error goes to whoever has sent what it quotes.
DropReason take_error(World& w, const wire::IcmpError& e, const Packet& packet) {
  const uint16_t local = w.cx.locals.find(e.quote.source);
  if (local == LocalAddresses::kUnknown
      || w.cx.locals.interface_of(LocalId{local}) != packet.arrived.interface) {
    return DropReason::IcmpNobody;
  }
  ++w.cx.counters.icmp_errors_received;
  return tell_of_error(w, e, LocalId{local});
}

// --- errors sent --------------------------------------------------------------------------------

wire::IcmpHead head_of(Complaint complaint, const Problem& problem, bool v4) {
  switch (complaint) {
    case Complaint::PortUnreachable:
      return v4 ? wire::IcmpHead{wire::kIcmpUnreachable, wire::kIcmpPortUnreachable, 0}
                : wire::IcmpHead{wire::kIcmpv6Unreachable, wire::kIcmpv6PortUnreachable, 0};
    case Complaint::ReassemblyTimedOut:
      return v4 ? wire::IcmpHead{wire::kIcmpTimeExceeded, wire::kIcmpReassemblyTimeExceeded, 0}
                : wire::IcmpHead{wire::kIcmpv6TimeExceeded, wire::kIcmpv6ReassemblyTimeExceeded, 0};
    case Complaint::ProtocolUnreachable:
      if (v4) return {wire::kIcmpUnreachable, wire::kIcmpProtocolUnreachable, 0};
      break;
    case Complaint::ParameterProblem: break;
  }
  return {wire::kIcmpv6ParameterProblem, problem.code, problem.pointer};
}

// R1122-2, RFC 4443 2.4 (e): what no error is ever sent about.
bool may_complain(const Packet& p) {
  if (p.arrived.to_group || p.destination.is_multicast()) return false;
  if (p.source.is_unspecified() || p.source.is_multicast()) return false;
  if (p.payload.empty()) return true;
  if (p.source.is_v4()) {
    return p.protocol != wire::kProtocolIcmp || !wire::is_icmp_error(p.payload[0]);
  }
  return p.protocol != wire::kProtocolIcmpv6 || wire::may_cause_icmpv6_error(p.payload[0]);
}

// --- echo ---------------------------------------------------------------------------------------

// RFC 1122 3.2.2.6, RFC 4443 4.2: a request is answered with its own data.
void answer_echo(World& w, const Packet& packet) {
  const std::span<uint8_t> reply = std::span(w.scratch).first(packet.payload.size());
  std::ranges::copy(packet.payload, reply.begin());
  if (packet.source.is_v4()) {
    wire::make_echo_reply(reply);
  } else {
    wire::make_echo_reply_v6(reply, packet.destination, packet.source);
  }
  const Message message{.local = packet.local,
                        .remote = packet.source,
                        .protocol = packet.protocol,
                        .dscp = packet.dscp,
                        .text = reply};
  const DropReason why = send_message(w, message);
  if (why != DropReason::None) w.cx.drop(why);
}

}  // namespace

DropReason tell_of_error(World& w, const wire::IcmpError& e, LocalId local) {
  switch (e.quote.protocol) {
    case wire::kProtocolTcp: return tell_tcp(w, e, local);
    case wire::kProtocolUdp: return tell_udp(w, e, local);
    default: return DropReason::IcmpNobody;
  }
}

void take_icmp(World& w, const Packet& packet) {
  const auto icmp = wire::parse_icmp(packet.payload);
  if (!icmp) {
    w.cx.drop(icmp.error());
    return;
  }
  if (icmp->type == wire::kIcmpEcho && icmp->code == 0) {
    answer_echo(w, packet);
    return;
  }
  const auto error = wire::parse_icmp_error(*icmp);
  const DropReason why = error ? take_error(w, *error, packet) : error.error();
  if (why != DropReason::None) w.cx.drop(why);
}

void take_icmpv6(World& w, const Packet& packet) {
  const auto icmp = wire::parse_icmpv6(packet.payload, packet.source, packet.destination);
  if (!icmp) {
    w.cx.drop(icmp.error());
    return;
  }
  if (icmp->type == wire::kNeighbourSolicitation || icmp->type == wire::kNeighbourAdvertisement) {
    take_discovery(w, packet, *icmp);
    return;
  }
  if (packet.destination.is_multicast() || packet.source.is_unspecified()) {
    w.cx.drop(DropReason::MulticastDestination);
    return;
  }
  if (icmp->type == wire::kIcmpv6Echo && icmp->code == 0) {
    answer_echo(w, packet);
    return;
  }
  const auto error = wire::parse_icmpv6_error(*icmp);
  const DropReason why = error ? take_error(w, *error, packet) : error.error();
  if (why != DropReason::None) w.cx.drop(why);
}

void complain(World& w, const Packet& packet, Complaint complaint, const Problem& problem) {
  if (!may_complain(packet)) return;
  if (!w.error_limit.take(w.cx.now)) {
    ++w.cx.counters.icmp_errors_throttled;
    return;
  }
  const bool v4 = packet.source.is_v4();
  const wire::IcmpHead head = head_of(complaint, problem, v4);
  const auto quote = v4 ? wire::quotable_v4(packet.bytes) : wire::quotable_v6(packet.bytes);
  const std::span<uint8_t> to = std::span(w.scratch).first(wire::kIcmpHeader + quote.size());
  if (v4) {
    wire::build_icmp(to.data(), head, quote);
  } else {
    wire::build_icmpv6(to.data(), head, quote, packet.destination, packet.source);
  }
  const Message message{.local = packet.local,
                        .remote = packet.source,
                        .protocol = v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6,
                        .text = to};
  const DropReason why = send_message(w, message);
  if (why != DropReason::None) {
    w.cx.drop(why);
  } else {
    ++w.cx.counters.icmp_errors_sent;
  }
}

}  // namespace rapport::stack
