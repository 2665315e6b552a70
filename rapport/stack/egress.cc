// The way out: TCP's finished segments get their IP header (RFC 791, RFC 8200; DF set, RFC 1191 3);
// messages become packets here, in fragments where they are larger than their path (RFC 791 3.2,
// RFC 8200 4.5).
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/outbox.hh"
#include "rapport/base/reason.hh"
#include "rapport/stack/packet.hh"
#include "rapport/stack/world.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace rapport::stack {

namespace {

// Copies [from, from + to.size()) of head and text, as if they were one.
void gather(std::span<uint8_t> to, size_t from, const Message& m) {
  size_t done = 0;
  if (from < m.head.size()) {
    done = std::min(to.size(), m.head.size() - from);
    std::memcpy(to.data(), m.head.data() + from, done);
  }
  if (done == to.size()) return;
  std::memcpy(to.data() + done, m.text.data() + (from + done - m.head.size()), to.size() - done);
}

// One packet of a message: its octets [from, from + length).
struct Part {
  size_t from = 0, length = 0;
  bool more = false;
  bool whole = true;
  uint32_t id = 0;
};

void build_part_v4(uint8_t* to, const Message& m, const Part& part, const IpAddress& source) {
  wire::Ipv4 ip;
  ip.source = source;
  ip.destination = m.remote;
  ip.protocol = m.protocol;
  ip.ttl = m.hop_limit;
  ip.dscp = m.dscp;
  ip.dont_fragment = false;
  ip.more_fragments = part.more;
  ip.fragment_offset = static_cast<uint16_t>(part.from);
  ip.id = static_cast<uint16_t>(part.id);
  wire::build_ipv4(to, ip, static_cast<uint16_t>(part.length));
}

void build_part_v6(uint8_t* to, const Message& m, const Part& part, const IpAddress& source) {
  wire::Ipv6 ip;
  ip.source = source;
  ip.destination = m.remote;
  ip.hop_limit = m.hop_limit;
  ip.dscp = m.dscp;
  size_t length = part.length;
  if (!part.whole) {
    ip.next_header = m.protocol;
    ip.more_fragments = part.more;
    ip.fragment_offset = static_cast<uint16_t>(part.from);
    ip.id = part.id;
    wire::build_fragment_header(to + wire::kIpv6Header, ip);
    length += wire::kFragmentHeader;
  }
  ip.next_header = part.whole ? m.protocol : wire::kProtocolFragment;
  wire::build_ipv6(to, ip, static_cast<uint16_t>(length));
}

bool send_part(World& w, const Message& m, const Part& part) {
  const bool v4 = m.remote.is_v4();
  const size_t header = v4           ? wire::kIpv4Header
                        : part.whole ? wire::kIpv6Header
                                     : wire::kIpv6Header + wire::kFragmentHeader;
  Outgoing& out = w.cx.outbox.place();
  out.frame = w.frames.allocate(w.config.frame_headroom);
  if (!out.frame) return false;
  out.frame.reshape(w.config.frame_headroom, header + part.length);
  const IpAddress& source = w.cx.locals[m.local];
  if (v4) {
    build_part_v4(out.frame.data(), m, part, source);
  } else {
    build_part_v6(out.frame.data(), m, part, source);
  }
  gather(out.frame.bytes().subspan(header), part.from, m);
  out.frame.serial = ++w.cx.serial;
  out.remote = m.remote;
  out.local = m.local;
  out.protocol = kHasIpHeader;
  w.cx.outbox.push();
  return true;
}

// Which of the counts a destination shares with others; a stranger cannot tell with whom.
size_t group_of(const World& w, const IpAddress& remote) {
  const auto words = remote.words();
  return siphash24_words(w.ip_id_key, words[0], words[1]) % w.message_ids.size();
}

// Octets of a message in each of its fragments but the last.
size_t room_in_fragment(size_t mtu, bool v4) {
  const size_t headers = v4 ? wire::kIpv4Header : wire::kIpv6Header + wire::kFragmentHeader;
  return (mtu - headers) & ~size_t{7};
}

// DSCP as it was chosen (SHLD-22); DF (R1191-1); a new Identification each time (MAY-4).
void add_ipv4(World& w, Frame& frame, const Outgoing& out) {
  wire::Ipv4 ip;
  ip.source = w.cx.locals[out.local];
  ip.destination = out.remote;
  ip.protocol = out.protocol;
  ip.ttl = out.ttl;
  ip.dscp = out.dscp;
  const auto payload = static_cast<uint16_t>(frame.size());
  // Not where the path carries less than the smallest segment that we make.
  ip.dont_fragment = w.paths.mtus().size() == 0
                     || payload + wire::kIpv4Header <= w.paths.path_mtu(out.local, out.remote);
  ip.id = w.draw_ip_id();
  wire::build_ipv4(frame.push_front(wire::kIpv4Header), ip, payload);
}

void add_ipv6(const World& w, Frame& frame, const Outgoing& out) {
  wire::Ipv6 ip;
  ip.source = w.cx.locals[out.local];
  ip.destination = out.remote;
  ip.next_header = out.protocol;
  ip.hop_limit = out.ttl;
  ip.dscp = out.dscp;
  const auto payload = static_cast<uint16_t>(frame.size());
  wire::build_ipv6(frame.push_front(wire::kIpv6Header), ip, payload);
}

}  // namespace

void finish_packet(World& w, Outgoing& out) {
  if (out.protocol == kHasIpHeader) return;
  if (out.remote.is_v4()) {
    add_ipv4(w, out.frame, out);
  } else {
    add_ipv6(w, out.frame, out);
  }
}

bool may_ever_leave(const World& w, const Message& m) {
  const size_t room = room_in_fragment(w.paths.path_mtu(m.local, m.remote), m.remote.is_v4());
  const size_t parts = (m.size() + room - 1) / room;
  return parts <= w.cx.outbox.room() + w.cx.outbox.size()
         && parts <= w.frames.available() + w.frames.in_use();
}

DropReason send_message(World& w, const Message& m) {
  const bool v4 = m.remote.is_v4();
  const size_t header = v4 ? wire::kIpv4Header : wire::kIpv6Header;
  const size_t mtu = w.paths.path_mtu(m.local, m.remote);
  Part part;
  part.length = m.size();
  if (v4) part.id = w.message_ids[group_of(w, m.remote)]++;
  if (header + m.size() <= mtu) {
    if (w.cx.outbox.full()) return DropReason::OutboxFull;
    return send_part(w, m, part) ? DropReason::None : DropReason::PoolExhausted;
  }
  const size_t room = room_in_fragment(mtu, v4);
  const size_t parts = (m.size() + room - 1) / room;
  if (w.cx.outbox.room() < parts) return DropReason::OutboxFull;
  if (w.frames.available() < parts) return DropReason::PoolExhausted;
  if (!v4) {
    const uint32_t high = w.draw_ip_id();
    part.id = high << 16 | w.draw_ip_id();
  }
  part.whole = false;
  for (size_t from = 0; from < m.size(); from += room) {
    part.from = from;
    part.length = std::min(room, m.size() - from);
    part.more = from + part.length < m.size();
    if (!send_part(w, m, part)) return DropReason::PoolExhausted;
  }
  ++w.cx.counters.fragmented;
  return DropReason::None;
}

}  // namespace rapport::stack
