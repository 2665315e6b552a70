// The way in: IPv4 parsed; is it ours; which protocol; keys hashed and their buckets fetched before
// any segment is handled (RFC 791, RFC 1122 3.2.1; DESIGN 3, stops 3 and 4).
#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/wire/icmp.hh"
#include "rapport/wire/ipv4.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace rapport::stack {

namespace {

constexpr size_t kShort = 256;  // octets of a TCP segment that are summed at once

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

DropReason why_not_ours(const IpAddress& to, const tcp::Context& cx) {
  const bool many =
      to.is_multicast() || to.is_reserved_or_broadcast() || cx.locals.is_broadcast(to);
  return many ? DropReason::MulticastDestination : DropReason::Ipv4NotOurs;  // MUST-57
}

// The strong model: what is not for an address of the interface it came in by is not for us
// (RFC 1122 3.3.4.2).
DropReason check_addresses(const wire::Ipv4& ip, uint16_t local, uint16_t interface,
                           const tcp::Context& cx) {
  if (local == LocalAddresses::kUnknown) return why_not_ours(ip.destination, cx);
  if (cx.locals.interface_of(LocalId{local}) != interface) return DropReason::Ipv4NotOurs;
  if (is_martian(ip.source, cx)) return DropReason::MartianSource;
  if (ip.more_fragments || ip.fragment_offset != 0) return DropReason::Ipv4Fragment;
  return DropReason::None;
}

// RFC 1122 3.2.2.6: an echo request is answered with its own data.
void take_icmp(World& w, const wire::Ipv4& ip, uint16_t local) {
  const auto headroom = static_cast<uint32_t>(w.config.frame_headroom + wire::kIpv4Header);
  const auto icmp = wire::parse_icmp(ip.payload);
  if (!icmp) {
    drop(w, icmp.error());
    return;
  }
  if (icmp->type != wire::kIcmpEcho || icmp->code != 0 || w.cx.outbox.full()) {
    drop(w, DropReason::IcmpIgnored);
    return;
  }
  Frame reply = w.frames.allocate(headroom);
  if (!reply || ip.payload.size() > size_t{w.frames.buffer_size()} - headroom) {
    drop(w, DropReason::PoolExhausted);
    return;
  }
  reply.reshape(headroom, ip.payload.size());
  std::memcpy(reply.data(), ip.payload.data(), ip.payload.size());
  wire::make_echo_reply(reply.bytes());
  reply.serial = ++w.cx.serial;
  Outgoing& out = w.cx.outbox.place();
  out.frame = std::move(reply);
  out.remote = ip.source;
  out.local = LocalId{local};
  out.dscp = ip.dscp;
  out.ttl = 64;
  out.protocol = wire::kProtocolIcmp;
  w.cx.outbox.push();
}

void take_tcp(World& w, const wire::Ipv4& ip, uint16_t local, uint32_t serial) {
  Parsed& p = w.parsed[w.parsed_count];
  // Longer text is summed when it is copied to its place.
  const auto checksum =
      ip.payload.size() > kShort ? wire::Checksum::SumHeader : wire::Checksum::Verify;
  const DropReason fault =
      wire::parse_tcp(ip.payload, ip.source, ip.destination, checksum, p.segment);
  if (fault != DropReason::None) {
    drop(w, fault);
    return;
  }
  p.key = FlowKey::of(ip.source, p.segment.source_port, p.segment.destination_port, LocalId{local});
  p.serial = serial;
  ++w.parsed_count;
}

// The hashes of the burst's flows, eight at once where there are that many.
class Hashing {
 public:
  explicit Hashing(World& w) : w_(w) {}

  void add(Parsed& p) {
    if (p.key == w_.last_key) {  // a burst is often of one flow
      p.same_flow = true;
      return;
    }
    w_.last_key = p.key;
    p.same_flow = false;
    if (!p.key.remote.is_v4()) {
      give(p, tcp::hash_of(w_.cx.flow_key, p.key));
      return;
    }
    const tcp::FlowWords words = tcp::words_of(p.key);
    w_.lanes.a[count_] = words.remote_and_ports;
    w_.lanes.b[count_] = words.local;
    waiting_[count_++] = &p;
    if (count_ == kSipLanes) flush();
  }

  void flush() {
    if (count_ >= kWorthwhile) {
      siphash24_12(w_.cx.flow_key, w_.lanes);
      for (size_t i = 0; i < count_; ++i) give(*waiting_[i], tcp::split_hash(w_.lanes.hash[i]));
    } else {
      for (size_t i = 0; i < count_; ++i) {
        give(*waiting_[i], tcp::hash_of(w_.cx.flow_key, waiting_[i]->key));
      }
    }
    count_ = 0;
  }

 private:
  static constexpr size_t kWorthwhile = 3;

  void give(Parsed& p, tcp::FlowHash hash) {
    p.hash = hash;
    w_.cx.table.prefetch(hash.tag);
  }

  World& w_;
  std::array<Parsed*, kSipLanes> waiting_{};
  size_t count_ = 0;
};

void hash_parsed(World& w) {
  const std::span<Parsed> burst = std::span(w.parsed).first(w.parsed_count);
  Hashing hashing(w);
  for (Parsed& p : burst) hashing.add(p);
  hashing.flush();
  for (Parsed& p : burst) {
    if (p.same_flow) p.hash = w.last_hash;
    w.last_hash = p.hash;
  }
}

}  // namespace

void take_packet(World& w, Frame& frame, uint16_t interface) {
  ++w.cx.counters.frames_received;
  wire::Ipv4 ip;
  const DropReason fault = wire::parse_ipv4(std::as_const(frame).bytes(), ip);
  if (fault != DropReason::None) {
    drop(w, fault);
    return;
  }
  const uint16_t local = w.cx.locals.find(ip.destination);
  const DropReason why = check_addresses(ip, local, interface, w.cx);
  if (why != DropReason::None) {
    drop(w, why);
    return;
  }
  switch (ip.protocol) {
    case wire::kProtocolTcp: take_tcp(w, ip, local, frame.serial); return;
    case wire::kProtocolIcmp: take_icmp(w, ip, local); return;
    default: drop(w, DropReason::UnknownProtocol);
  }
}

void deliver_parsed(World& w) {
  hash_parsed(w);
  for (size_t i = 0; i < w.parsed_count; ++i) {
    Parsed& p = w.parsed[i];
    w.cx.arrival_serial = p.serial;
    tcp::segment_arrives_at(p.key, p.hash, p.segment, w.cx);
  }
  w.parsed_count = 0;
}

}  // namespace rapport::stack
