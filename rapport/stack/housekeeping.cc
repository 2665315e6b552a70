// What IP does by itself as time passes: datagrams that stay incomplete are given up (RFC 1122
// 3.3.2, RFC 8200 4.5), estimates of path MTUs age and larger segments are tried again (RFC 1191
// 6.3), neighbours are asked again (RFC 4861 7.3). In bounded steps, like all of expire().
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/stack/packet.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/icmp.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace rapport::stack {

namespace {

constexpr uint32_t kDatagrams = 16;  // given up by one expire()
constexpr uint32_t kPaths = 64;      // estimates that age at once

// Fills in what the first fragment says; false when it says nothing.
bool read_first(const ip::Reassembly::Expired& e, Packet& packet) {
  packet.bytes = e.first;
  if (e.source.is_v4()) {
    wire::Ipv4 ip;
    if (wire::parse_ipv4(e.first, ip) != DropReason::None) return false;
    packet.protocol = ip.protocol;
    packet.payload = ip.payload;
    return true;
  }
  wire::Ipv6 ip;
  if (wire::parse_ipv6(e.first, ip).reason != DropReason::None) return false;
  packet.protocol = ip.next_header;
  packet.payload = ip.payload;
  return true;
}

void give_up_datagrams(World& w) {
  ip::Reassembly::Expired expired;
  for (uint32_t i = 0; i < kDatagrams && w.reassembly.expire(w.cx.now, expired); ++i) {
    w.cx.drop(DropReason::FragmentTimedOut);
    const uint16_t local = w.cx.locals.find(expired.destination);
    if (expired.first.empty() || local == LocalAddresses::kUnknown) continue;
    Packet packet{
        .source = expired.source, .destination = expired.destination, .local = LocalId{local}};
    if (read_first(expired, packet)) complain(w, packet, Complaint::ReassemblyTimedOut, {});
  }
}

void age_paths(World& w) {
  if (w.paths.mtus().expire(w.cx.now, kPaths) > 0) w.sweep_next = 1;
  if (w.sweep_next == kNone) return;
  tcp::Context& cx = w.cx;
  const uint32_t end = std::min(cx.connections.top(), w.sweep_next + kTimersPerExpiry);
  for (; w.sweep_next < end; ++w.sweep_next) {
    tcp::Connection& c = cx.connections[w.sweep_next];
    if (c.gone == 0 && c.state != tcp::State::Closed) tcp::path_may_be_larger(c, cx);
  }
  if (w.sweep_next >= cx.connections.top()) w.sweep_next = kNone;
}

}  // namespace

void keep_house(World& w) {
  give_up_datagrams(w);
  age_paths(w);
  for (std::optional<Link>& link : w.links) {
    if (link) link->neighbours.expire(w.cx.now);
  }
}

Instant next_housekeeping(const World& w) {
  if (w.sweep_next != kNone || (w.has_links && !w.checks_begun)) return w.cx.now;
  Instant next = std::min(w.reassembly.next_deadline(), w.paths.mtus().next_deadline());
  for (const std::optional<Link>& link : w.links) {
    if (link) next = std::min(next, link->neighbours.next_deadline());
  }
  return next;
}

}  // namespace rapport::stack
