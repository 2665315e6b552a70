// The way in: IPv4 parsed; is it ours; which protocol; keys hashed and their buckets fetched before
// any segment is handled (RFC 791, RFC 1122 3.2.1; DESIGN 3, stops 3 and 4).
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/ipv4.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace rapport::stack {

namespace {

void drop(World& w, DropReason reason) {
  w.cx.drop(reason);
}

// R1122-7, MUST-63: a source that can be nobody's.
bool is_martian(const IpAddress& a, const tcp::Context& cx) {
  if (a.is_v4()) {  // 0/8, 127/8, 224/4 and 240/4
    const uint8_t first = a.octets[12];
    return first == 0 || first == 127 || first >= 224 || cx.locals.is_broadcast(a);
  }
  return a.is_unspecified() || a.is_multicast() || a.is_loopback();
}

DropReason check_addresses(const wire::Ipv4& ip, uint16_t local, const tcp::Context& cx) {
  const IpAddress& to = ip.destination;
  if (to.is_multicast() || to.is_reserved_or_broadcast() || cx.locals.is_broadcast(to)) {
    return DropReason::MulticastDestination;  // MUST-57: never answered
  }
  if (local == tcp::LocalAddresses::kUnknown) return DropReason::Ipv4NotOurs;
  if (is_martian(ip.source, cx)) return DropReason::MartianSource;
  if (ip.more_fragments || ip.fragment_offset != 0) return DropReason::Ipv4Fragment;
  return DropReason::None;
}

// RFC 1122 3.2.2.6: an echo request is answered with its own data.
void take_icmp(World& w, const wire::Ipv4& ip, uint16_t local) {
  const auto icmp = wire::parse_icmp(ip.payload);
  if (!icmp) {
    drop(w, icmp.error());
    return;
  }
  if (icmp->type != wire::kIcmpEcho || icmp->code != 0 || w.cx.outbox.full()) {
    drop(w, DropReason::IcmpIgnored);
    return;
  }
  Frame reply = w.frames.allocate(w.cx.around.headroom);
  if (!reply || ip.payload.size() > size_t{w.frames.buffer_size()} - w.cx.around.headroom) {
    drop(w, DropReason::PoolExhausted);
    return;
  }
  reply.reshape(w.cx.around.headroom, ip.payload.size());
  std::memcpy(reply.data(), ip.payload.data(), ip.payload.size());
  wire::make_echo_reply(reply.bytes());
  reply.serial = ++w.cx.serial;
  tcp::Outgoing& out = w.cx.outbox.push();
  out.frame = std::move(reply);
  out.remote = ip.source;
  out.local = LocalId{local};
  out.dscp = ip.dscp;
  out.ttl = 64;
  out.protocol = wire::kProtocolIcmp;
}

void take_tcp(World& w, const wire::Ipv4& ip, uint16_t local, uint32_t serial) {
  Parsed& p = w.parsed[w.parsed_count];
  const DropReason fault =
      wire::parse_tcp(ip.payload, ip.source, ip.destination, wire::Checksum::Verify, p.segment);
  if (fault != DropReason::None) {
    drop(w, fault);
    return;
  }
  p.key.remote = ip.source;
  p.key.remote_port = p.segment.source_port;
  p.key.local_port = p.segment.destination_port;
  p.key.local = LocalId{local};
  p.key.interface = 0;
  if (p.key != w.last_key) {  // a burst is often of one flow
    w.last_key = p.key;
    w.last_hash = tcp::hash_of(w.cx.flow_key, p.key);
  }
  p.hash = w.last_hash;
  p.serial = serial;
  w.cx.table.prefetch(p.hash.tag);
  ++w.parsed_count;
}

}  // namespace

void take_packet(World& w, Frame& frame) {
  ++w.cx.counters.frames_received;
  const auto ip = wire::parse_ipv4(std::as_const(frame).bytes());
  if (!ip) {
    drop(w, ip.error());
    return;
  }
  const uint16_t local = w.cx.locals.find(ip->destination);
  const DropReason why = check_addresses(*ip, local, w.cx);
  if (why != DropReason::None) {
    drop(w, why);
    return;
  }
  switch (ip->protocol) {
    case wire::kProtocolTcp: take_tcp(w, *ip, local, frame.serial); return;
    case wire::kProtocolIcmp: take_icmp(w, *ip, local); return;
    default: drop(w, DropReason::UnknownProtocol);
  }
}

void deliver_parsed(World& w) {
  for (size_t i = 0; i < w.parsed_count; ++i) {
    const Parsed& p = w.parsed[i];
    w.cx.arrival_serial = p.serial;
    tcp::segment_arrives_at(p.key, p.hash, p.segment, w.cx);
  }
  w.parsed_count = 0;
}

}  // namespace rapport::stack
