// Text of packets.
#include "rapport/play/packet.hh"
#include "rapport/play/print.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace rapport::play {

namespace {

std::string number(uint32_t n) {
  return std::to_string(n);
}

std::string_view ecn_word(Ecn ecn) {
  switch (ecn) {
    case Ecn::NotEct: return "noecn";
    case Ecn::Ect0: return "ect0";
    case Ecn::Ect1: return "ect1";
    case Ecn::Ce: return "ce";
    case Ecn::Ect01: return "ect01";
  }
  return {};
}

// "[ect0, ttl 64] ", or nothing.
std::string print(const IpItems& ip) {
  std::string items;
  const auto add = [&items](std::string_view name, const std::string& value) {
    if (!items.empty()) items += ", ";
    items += name;
    items += value;
  };
  if (ip.ecn) add(ecn_word(*ip.ecn), "");
  if (ip.tos) add("tos ", number(*ip.tos));
  if (ip.dscp) add("dscp ", number(*ip.dscp));
  if (ip.ttl) add("ttl ", number(*ip.ttl));
  if (ip.flow_label) add("flowlabel ", number(*ip.flow_label));
  return items.empty() ? "" : "[" + items + "] ";
}

std::string print(const Encapsulation& outer) {
  constexpr std::array<std::string_view, 4> kNames{"ipv4", "ipv6", "gre", "mpls"};
  return std::string{kNames.at(static_cast<size_t>(outer.kind))} + " " + outer.text + ": ";
}

std::string print(const Ports& ports) {
  return number(ports.source) + " > " + number(ports.destination);
}

std::string print_ports(const std::optional<Ports>& ports) {
  return ports ? print(*ports) + " " : "";
}

std::string print_tunnel(const std::optional<Ports>& ports) {
  return ports ? " /udp(" + print(*ports) + ")" : "";
}

std::string print_flags(const TcpSegment& segment) {
  constexpr auto kLetters = std::to_array<std::pair<wire::Flags, char>>({
      {wire::kSyn, 'S'},
      {wire::kFin, 'F'},
      {wire::kRst, 'R'},
      {wire::kPsh, 'P'},
      {wire::kUrg, 'U'},
      {wire::kEce, 'E'},
      {wire::kCwr, 'W'},
  });
  std::string out;
  for (const auto& [flag, letter] : kLetters) {
    if (segment.flags.has(flag)) out += letter;
  }
  if (segment.accurate_ecn) out += 'A';
  if (segment.flags.has(wire::kAck)) out += '.';
  if (segment.ecn_counter) out += std::to_string(*segment.ecn_counter);
  return out.empty() ? "-" : out;
}

std::string print(const SequenceRange& s) {
  const std::string range =
      s.unchecked ? "..." : number(s.first) + ":" + number(s.first + s.length);
  return range + "(" + number(s.length) + ")" + (s.raw ? "!" : "");
}

std::string print_options(const TcpSegment& segment) {
  if (segment.options_unchecked) return " <...>";
  std::string out;
  for (const TcpOption& option : segment.options) out += (out.empty() ? " <" : ",") + print(option);
  return out.empty() ? out : out + ">";
}

std::string print(const TcpSegment& s) {
  std::string out = s.psp_spi ? "encap psp spi " + number(*s.psp_spi) + " " : "";
  out += print_ports(s.ports) + print_flags(s) + " " + print(s.sequence);
  if (s.ack) out += " ack " + number(*s.ack);
  if (s.window) out += " win " + number(*s.window);
  if (s.urgent) out += " urg " + number(*s.urgent);
  return out + print_options(s) + print_tunnel(s.udp_encapsulation);
}

std::string print(const UdpDatagram& udp) {
  return "udp " + print_ports(udp.ports) + "(" + number(udp.length) + ")";
}

std::string print(const QuotedTcp& quoted) {
  return " [" + print(quoted.sequence) + print_tunnel(quoted.udp_encapsulation) + "]";
}

std::string print(const QuotedUdp& quoted) {
  return " [udp (" + number(quoted.length) + ")]";
}

std::string print(const QuotedRaw& quoted) {
  return " [raw (" + number(quoted.length) + ")]";
}

std::string print(std::monostate /*nothing*/) {
  return {};
}

std::string print(const IcmpMessage& icmp) {
  std::string out = "icmp " + icmp.type;
  if (!icmp.code.empty()) out += " " + icmp.code;
  if (icmp.mtu) out += " mtu " + number(*icmp.mtu);
  if (icmp.id) out += " id " + number(*icmp.id);
  return out + std::visit([](const auto& quoted) { return print(quoted); }, icmp.quoted);
}

}  // namespace

std::string print(const TcpOption& option) {
  std::string out = option.name;
  switch (option.kind) {
    case TcpOption::Kind::Nop:
    case TcpOption::Kind::End:
    case TcpOption::Kind::SackPermitted: return out;
    case TcpOption::Kind::MaximumSegmentSize:
    case TcpOption::Kind::WindowScale: return out + " " + number(option.value);
    case TcpOption::Kind::Sack:
      for (const auto& block : option.blocks) {
        out += " " + number(block.left) + ":" + number(block.right);
      }
      return out;
    case TcpOption::Kind::Timestamps:
      return out + " val " + number(option.value) + (option.value_unchecked ? "!" : "") + " ecr "
             + number(option.echo) + (option.echo_unchecked ? "!" : "");
    case TcpOption::Kind::FastOpen:
    case TcpOption::Kind::FastOpenExp:
    case TcpOption::Kind::Md5:
    case TcpOption::Kind::AccurateEcn:
    case TcpOption::Kind::Experimental:
      return out + (option.words.empty() ? "" : " ") + option.words;
  }
  return out;
}

std::string print(const Packet& packet) {
  std::string out = packet.outbound() ? "> " : "< ";
  out += print(packet.ip);
  for (const Encapsulation& outer : packet.encapsulation) out += print(outer);
  return out + std::visit([](const auto& body) { return print(body); }, packet.body);
}

}  // namespace rapport::play
