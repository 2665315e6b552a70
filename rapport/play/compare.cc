// Comparing what was seen with what is expected, and telling it.
#include "rapport/play/compare.hh"

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/icmp_words.hh"
#include "rapport/play/options.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/seen.hh"
#include "rapport/wire/tcp.hh"
#include "rapport/wire/udp.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace rapport::play {

namespace {

bool same_ecn(Ecn wanted, uint8_t tos) {
  const auto bits = static_cast<uint8_t>(tos & 3);
  switch (wanted) {
    case Ecn::NotEct: return bits == 0;
    case Ecn::Ect1: return bits == 1;
    case Ecn::Ect0: return bits == 2;
    case Ecn::Ce: return bits == 3;
    case Ecn::Ect01: return bits == 1 || bits == 2;
  }
  return false;
}

bool same_ip(const IpItems& wanted, const Seen& seen) {
  if (wanted.ecn && !same_ecn(*wanted.ecn, seen.tos)) return false;
  if (wanted.tos && *wanted.tos != seen.tos) return false;
  if (wanted.dscp && *wanted.dscp != seen.tos >> 2) return false;
  if (wanted.ttl && *wanted.ttl != seen.ttl) return false;
  return !wanted.flow_label || *wanted.flow_label == seen.flow_label;
}

bool same_ends(const std::optional<Ports>& ports, const Seen& seen, const Flow& flow) {
  const uint16_t local = ports ? ports->source : flow.local.port;
  const uint16_t remote = ports ? ports->destination : flow.remote.port;
  return Endpoint{seen.source, seen.source_port} == Endpoint{flow.local.address, local}
         && Endpoint{seen.destination, seen.destination_port}
                == Endpoint{flow.remote.address, remote};
}

bool same_sequence(const SequenceRange& wanted, const wire::Segment& s, const Flow& flow) {
  if (wanted.unchecked) return true;
  if (wanted.raw) return s.seq.v == wanted.first;
  return flow.script_of_local(s.seq, s.flags.has(wire::kSyn)) == wanted.first;
}

bool same_ack(const TcpSegment& wanted, const wire::Segment& s, const Flow& flow) {
  if (!wanted.ack || !wanted.flags.has(wire::kAck)) return true;
  if (wanted.sequence.raw) return s.ack.v == *wanted.ack;
  return flow.script_of_remote(s.ack, s.flags.has(wire::kSyn)) == *wanted.ack;
}

void compare_tcp(const TcpSegment& wanted, const Seen& seen, const Flow& flow, Differences& d) {
  const wire::Segment& s = seen.tcp;
  if (!same_ends(wanted.ports, seen, flow)) d.add(Field::Flow);
  if (s.flags != wanted.flags) d.add(Field::Flags);
  if (!same_sequence(wanted.sequence, s, flow)) d.add(Field::Sequence);
  if (!same_ack(wanted, s, flow)) d.add(Field::Ack);
  if (s.text.size() != wanted.sequence.length) d.add(Field::Length);
  if (wanted.window && *wanted.window != s.window) d.add(Field::Window);
  if (wanted.urgent.value_or(0) != s.urgent) d.add(Field::Urgent);
  if (wanted.options_unchecked) return;
  const OptionDifferences o =
      compare_options(wanted.options, wire_options(seen.options()), flow, s.flags.has(wire::kSyn));
  if (o.some) d.add(Field::Options);
  if (o.only_order) d.add(Field::OptionOrder);
}

void compare_udp(const UdpDatagram& wanted, const Seen& seen, const Flow& flow, Differences& d) {
  if (!same_ends(wanted.ports, seen, flow)) d.add(Field::Flow);
  if (seen.payload.size() != wanted.length) d.add(Field::Length);
}

void compare_icmp(const IcmpMessage& wanted, const Seen& seen, const Flow& flow, Differences& d) {
  if (seen.source != flow.local.address || seen.destination != flow.remote.address)
    d.add(Field::Flow);
  const auto head = icmp_head(wanted, seen.ipv6);
  if (!head || head->type != seen.icmp_type || head->code != seen.icmp_code
      || ((wanted.mtu || wanted.id) && head->rest != seen.icmp_rest))
    d.add(Field::Message);
}

std::string flags_text(wire::Flags f) {
  constexpr std::array<std::pair<wire::Flags, char>, 7> letters{{{wire::kFin, 'F'},
                                                                 {wire::kSyn, 'S'},
                                                                 {wire::kRst, 'R'},
                                                                 {wire::kPsh, 'P'},
                                                                 {wire::kUrg, 'U'},
                                                                 {wire::kEce, 'E'},
                                                                 {wire::kCwr, 'W'}}};
  std::string out;
  for (const auto& [flag, letter] : letters) {
    if (f.has(flag)) out += letter;
  }
  if (f.has(wire::kAck)) out += '.';
  return out.empty() ? "-" : out;
}

std::string tcp_text(const Seen& seen, const Flow& flow) {
  const wire::Segment& s = seen.tcp;
  const bool syn = s.flags.has(wire::kSyn);
  const uint32_t first = flow.script_of_local(s.seq, syn);
  const auto length = static_cast<uint32_t>(s.text.size());
  std::string out = flags_text(s.flags) + " " + std::to_string(first) + ":"
                    + std::to_string(first + length) + "(" + std::to_string(length) + ")";
  if (s.flags.has(wire::kAck)) out += " ack " + std::to_string(flow.script_of_remote(s.ack, syn));
  out += " win " + std::to_string(s.window);
  if (s.urgent != 0) out += " urg " + std::to_string(s.urgent);
  const std::string options = options_text(wire_options(seen.options()), flow, syn);
  return options.empty() ? out : out + " " + options;
}

std::string ends_text(const Seen& seen, const Flow& flow) {
  const Endpoint from{seen.source, seen.source_port};
  const Endpoint to{seen.destination, seen.destination_port};
  if (from == flow.local && to == flow.remote) return {};
  return " from " + to_string(from) + " to " + to_string(to);
}

std::string ip_text(const Seen& seen) {
  constexpr std::array<std::string_view, 4> ecn{"noecn", "ect1", "ect0", "ce"};
  return "[" + std::string(ecn.at(seen.tos & 3U)) + ", dscp " + std::to_string(seen.tos >> 2)
         + ", ttl " + std::to_string(seen.ttl) + "] ";
}

}  // namespace

Differences compare(const Packet& wanted, const Seen& seen, const Flow& flow) {
  Differences d;
  const std::array kinds{Seen::Kind::Tcp, Seen::Kind::Udp, Seen::Kind::Icmp};
  if (seen.kind != kinds.at(wanted.body.index())) {
    d.add(Field::Kind);
    return d;
  }
  if (!same_ip(wanted.ip, seen)) d.add(Field::Ip);
  if (const auto* tcp = std::get_if<TcpSegment>(&wanted.body)) {
    compare_tcp(*tcp, seen, flow, d);
  } else if (const auto* udp = std::get_if<UdpDatagram>(&wanted.body)) {
    compare_udp(*udp, seen, flow, d);
  } else {
    compare_icmp(std::get<IcmpMessage>(wanted.body), seen, flow, d);
  }
  return d;
}

std::string packet_text(const Seen& seen, const Flow& flow, bool ip) {
  std::string out = ip && seen.kind != Seen::Kind::Unreadable ? ip_text(seen) : "";
  switch (seen.kind) {
    case Seen::Kind::Tcp: return out + tcp_text(seen, flow) + ends_text(seen, flow);
    case Seen::Kind::Udp:
      return out + "udp (" + std::to_string(seen.payload.size()) + ")" + ends_text(seen, flow);
    case Seen::Kind::Icmp:
      return out + "icmp type " + std::to_string(seen.icmp_type) + " code "
             + std::to_string(seen.icmp_code);
    case Seen::Kind::Unreadable: break;
  }
  return "a packet that cannot be read (" + seen.fault + ")";
}

std::string fields_text(Differences d) {
  constexpr std::array<std::string_view, 14> names{
      "kind",   "addresses or ports", "IP header", "flags",        "sequence", "ack",     "length",
      "window", "urgent pointer",     "options",   "option order", "content",  "message", "time"};
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!d.has(static_cast<Field>(i))) continue;
    out += (out.empty() ? "" : ", ") + std::string(names.at(i));
  }
  return out;
}

}  // namespace rapport::play
