// Reading back what the stack has sent.
#include "rapport/play/seen.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"
#include "rapport/wire/udp.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rapport::play {

namespace {

void be_unreadable(Seen& s, DropReason why) {
  s.kind = Seen::Kind::Unreadable;
  s.fault = name(why);
}

void read_tcp(Seen& s, std::span<const uint8_t> upper) {
  const DropReason fault =
      wire::parse_tcp(upper, s.source, s.destination, wire::Checksum::Verify, s.tcp);
  if (fault != DropReason::None) return be_unreadable(s, fault);
  s.kind = Seen::Kind::Tcp;
  s.source_port = s.tcp.source_port;
  s.destination_port = s.tcp.destination_port;
}

void read_udp(Seen& s, std::span<const uint8_t> upper) {
  const auto udp = wire::parse_udp(upper, s.source, s.destination);
  if (!udp) return be_unreadable(s, udp.error());
  s.kind = Seen::Kind::Udp;
  s.source_port = udp->source_port;
  s.destination_port = udp->destination_port;
  s.payload = udp->data;
}

template <class Message>
void take_icmp(Seen& s, const Message& m) {
  s.kind = Seen::Kind::Icmp;
  s.icmp_type = m.type;
  s.icmp_code = m.code;
  s.icmp_rest = m.rest;
  s.payload = m.data;
}

void read_upper(Seen& s, uint8_t protocol, std::span<const uint8_t> upper) {
  if (protocol == wire::kProtocolTcp) return read_tcp(s, upper);
  if (protocol == wire::kProtocolUdp) return read_udp(s, upper);
  if (protocol == wire::kProtocolIcmp && !s.ipv6) {
    const auto m = wire::parse_icmp(upper);
    return m ? take_icmp(s, *m) : be_unreadable(s, m.error());
  }
  if (protocol == wire::kProtocolIcmpv6 && s.ipv6) {
    const auto m = wire::parse_icmpv6(upper, s.source, s.destination);
    return m ? take_icmp(s, *m) : be_unreadable(s, m.error());
  }
  s.fault = "protocol " + std::to_string(protocol);
}

void read_v4(Seen& s) {
  const auto ip = wire::parse_ipv4(s.bytes);
  if (!ip) return be_unreadable(s, ip.error());
  s.source = ip->source;
  s.destination = ip->destination;
  s.tos = static_cast<uint8_t>(ip->dscp << 2 | ip->ecn);
  s.ttl = ip->ttl;
  read_upper(s, ip->protocol, ip->payload);
}

void read_v6(Seen& s) {
  const auto ip = wire::parse_ipv6(s.bytes);
  if (!ip) return be_unreadable(s, ip.error().reason);
  s.source = ip->source;
  s.destination = ip->destination;
  s.tos = static_cast<uint8_t>(ip->dscp << 2 | ip->ecn);
  s.ttl = ip->hop_limit;
  s.flow_label = ip->flow_label;
  read_upper(s, ip->next_header, ip->payload);
}

}  // namespace

Seen read_packet(std::span<const uint8_t> packet, Instant at) {
  Seen s;
  s.at = at;
  s.bytes.assign(packet.begin(), packet.end());
  s.ipv6 = !s.bytes.empty() && s.bytes[0] >> 4 == 6;
  if (s.ipv6) {
    read_v6(s);
  } else {
    read_v4(s);
  }
  return s;
}

bool join(Seen& s, const Seen& next, size_t most) {
  constexpr wire::Flags kLast = wire::kFin | wire::kPsh;
  const auto rest = [](wire::Flags f) { return static_cast<uint8_t>(f.v & ~kLast.v); };
  const auto octets = static_cast<uint32_t>(s.tcp.text.size());
  const bool fits = s.kind == Seen::Kind::Tcp && next.kind == Seen::Kind::Tcp
                    && s.source == next.source && s.destination == next.destination
                    && s.source_port == next.source_port
                    && s.destination_port == next.destination_port && s.tos == next.tos
                    && !s.tcp.flags.any(wire::kFin | wire::kSyn | wire::kRst)
                    && rest(s.tcp.flags) == rest(next.tcp.flags) && s.tcp.ack == next.tcp.ack
                    && next.tcp.seq == s.tcp.seq + ByteCount{octets} && octets > 0
                    && !next.tcp.text.empty() && octets + next.tcp.text.size() <= most;
  if (!fits) return false;
  const auto text_at = static_cast<size_t>(s.tcp.text.data() - s.bytes.data());
  const auto options_at = static_cast<size_t>(s.tcp.raw_options - s.bytes.data());
  s.bytes.resize(text_at + octets);
  s.bytes.insert(s.bytes.end(), next.tcp.text.begin(), next.tcp.text.end());
  s.tcp.text = std::span(s.bytes).subspan(text_at);
  s.tcp.raw_options = s.bytes.data() + options_at;
  s.tcp.flags = s.tcp.flags | next.tcp.flags;
  return true;
}

}  // namespace rapport::play
