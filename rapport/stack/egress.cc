// The way out: a finished segment gets its IPv4 header (RFC 791; DF set, RFC 1191 3).
#include "rapport/stack/world.hh"
#include "rapport/wire/ipv4.hh"

#include <cstdint>
#include <utility>

namespace rapport::stack {

Frame finish_packet(World& w, Outgoing& out) {
  Frame frame = std::move(out.frame);
  wire::Ipv4 ip;
  ip.source = w.cx.locals[out.local];
  ip.destination = out.remote;
  ip.protocol = out.protocol;
  ip.ttl = out.ttl;
  ip.dscp = out.dscp;
  ip.dont_fragment = true;
  ip.id = w.next_ip_id++;
  const auto payload = static_cast<uint16_t>(frame.size());
  wire::build_ipv4(frame.push_front(wire::kIpv4Header), ip, payload);
  ++w.cx.counters.frames_sent;
  return frame;
}

}  // namespace rapport::stack
