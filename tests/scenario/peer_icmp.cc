// What routers tell the stack: ICMP errors about its segments, in the form of the family.
#include "peer.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "words.hh"
#include "world.hh"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rapport::scenario {

namespace {

using enum wire::IcmpKind;

constexpr uint32_t kFull = 1460;  // octets of text of the segment that was too big

wire::IcmpHead head_v4(wire::IcmpKind kind, uint32_t mtu) {
  switch (kind) {
    case NetUnreachable: return {3, 0, 0};
    case HostUnreachable: return {3, 1, 0};
    case ProtocolUnreachable: return {3, 2, 0};
    case PortUnreachable: return {3, 3, 0};
    case PacketTooBig: return {3, 4, mtu};
    case SourceRouteFailed: return {3, 5, 0};
    case AdminProhibited: return {3, 13, 0};
    case TimeExceededTransit: return {11, 0, 0};
    case TimeExceededReassembly: return {11, 1, 0};
    case ParameterProblem: return {12, 0, 0};
    case SourceQuench: return {4, 0, 0};
    default: throw std::logic_error("no such ICMP error");
  }
}

wire::IcmpHead head_v6(wire::IcmpKind kind, uint32_t mtu) {
  switch (kind) {
    case NetUnreachable: return {1, 0, 0};
    case HostUnreachable: return {1, 3, 0};
    case PortUnreachable: return {1, 4, 0};
    case PacketTooBig: return {2, 0, mtu + 20};
    case SourceRouteFailed: return {1, 7, 0};
    case AdminProhibited: return {1, 1, 0};
    case TimeExceededTransit: return {3, 0, 0};
    case TimeExceededReassembly: return {3, 1, 0};
    case ParameterProblem: return {4, 0, 0};
    case ProtocolUnreachable: return {4, 1, 6};  // "unrecognized next header"
    default: throw std::logic_error("no such ICMPv6 error");
  }
}

template <class Ip>
Ip header(const IpAddress& from, const IpAddress& to) {
  Ip ip;
  ip.source = from;
  ip.destination = to;
  return ip;
}

}  // namespace

std::vector<uint8_t> Peer::icmp_about(wire::IcmpKind kind, uint16_t port, Seq quoted,
                                      uint32_t mtu) const {
  const bool v4 = local.address.is_v4();
  const uint32_t length = kind == PacketTooBig ? kFull : 0;
  const Seg segment = ack(Seq{1}).seq(quoted).win(1000).from(local).to({remote.address, port});
  const std::vector<uint8_t> offending = build(segment, std::vector<uint8_t>(length));
  const auto quote = v4 ? wire::quotable_v4(offending) : wire::quotable_v6(offending);
  const size_t ip = v4 ? wire::kIpv4Header : wire::kIpv6Header;
  const auto octets = static_cast<uint16_t>(wire::kIcmpHeader + quote.size());
  std::vector<uint8_t> packet(ip + octets);
  if (v4) {
    auto h = header<wire::Ipv4>(remote.address, local.address);
    h.protocol = wire::kProtocolIcmp;
    wire::build_ipv4(packet.data(), h, octets);
    wire::build_icmp(packet.data() + ip, head_v4(kind, mtu), quote);
  } else {
    auto h = header<wire::Ipv6>(remote.address, local.address);
    h.next_header = wire::kProtocolIcmpv6;
    wire::build_ipv6(packet.data(), h, octets);
    wire::build_icmpv6(packet.data() + ip, head_v6(kind, mtu), quote, remote.address,
                       local.address);
  }
  return packet;
}

Peer& Peer::hears_icmp(wire::IcmpKind kind, Seq quoted, uint32_t mtu, At at) {
  expects_silence("heard ICMP", at);
  tells("router ICMP error, kind " + std::to_string(static_cast<int>(kind)) + ", about SEQ="
        + std::to_string((quoted - iss).v) + (mtu > 0 ? ", MTU " + std::to_string(mtu) : ""));
  std::vector<Frame> burst;
  burst.push_back(frame_of(icmp_about(kind, remote.port, quoted, mtu), at));
  arrives(burst, at);
  return *this;
}

Peer& Peer::hears_icmp_of_another(wire::IcmpKind kind, Seq quoted, uint32_t mtu, At at) {
  expects_silence("heard ICMP", at);
  tells("router ICMP error about somebody else");
  std::vector<Frame> burst;
  const auto other = static_cast<uint16_t>(remote.port ^ 1U);
  burst.push_back(frame_of(icmp_about(kind, other, quoted, mtu), at));
  arrives(burst, at);
  return *this;
}

}  // namespace rapport::scenario
