// How a Stack's world is put together, and its memory touched ahead of need.
#include "rapport/stack/world.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/random.hh"
#include "rapport/base/siphash.hh"
#include "rapport/ip/paths.hh"
#include "rapport/wire/ethernet.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rapport::stack {

namespace {

// An Ethernet interface that speaks IPv6 has a link-local address (RFC 4291 2.1).
Config completed(Config config) {
  for (Interface& i : config.interfaces) {
    const auto is_v6 = [](const Cidr& a) { return !a.address.is_v4(); };
    const auto is_local = [&](const Cidr& a) { return is_v6(a) && ip::is_link_local(a.address); };
    ASSERT(std::ranges::none_of(i.addresses, is_v6) || i.mtu >= ip::kLeastMtuV6);
    if (!i.ethernet || std::ranges::none_of(i.addresses, is_v6)) continue;
    if (std::ranges::none_of(i.addresses, is_local)) {
      i.addresses.push_back(ip::link_local_of(*i.ethernet));
    }
  }
  return config;
}

// Draws that are not TCP's: with another purpose another sequence.
Random random_for(uint64_t seed, uint64_t purpose) {
  return Random(seed ^ purpose);
}

SipKey path_key(uint64_t seed) {
  Random random = random_for(seed, 0x7061'7468'2d6d'7475ULL);
  return draw_key(random);
}

udp::Config datagrams(const Config& config) {
  udp::Config c = config.udp;
  c.permitted_dscp = config.tcp.permitted_dscp;
  c.ephemeral_first = config.tcp.ephemeral_first;
  c.ephemeral_last = config.tcp.ephemeral_last;
  c.reserved_ports = config.tcp.reserved_ports;
  return c;
}

}  // namespace

World::World(const Config& settings, FramePool& pool)
    : config(completed(settings)),
      frames(pool),
      locals(config.interfaces),
      paths(config.interfaces, config.routes, locals, config.max_path_mtus,
            path_key(config.tcp.seed)),
      cx(config.tcp,
         {config.interfaces, &locals, &paths, config.frame_headroom, config.release,
          config.release_context},
         pool),
      datagram_random(random_for(config.tcp.seed, 0x6461'7461'6772'616dULL)),
      sockets(datagrams(config), outside_of(*this)),
      reassembly(config.reassembly),
      error_limit(config.icmp_errors, config.icmp_error_burst),
      links(config.interfaces.size()) {
  Random ids = random_for(config.tcp.seed, 0x6964'656e'7469'7479ULL);
  ip_id_key = draw_key(ids);
  for (uint16_t& id : message_ids) id = static_cast<uint16_t>(ids.next32());
  cx.counters.unusable_routes = paths.routes().unusable();
  make_links(*this);
  ASSERT(!has_links || config.frame_headroom >= wire::kEthernetHeader);
}

// In bounded pieces, and mostly ahead of need: a growing table may be ahead of us for a while.
void World::touch_ahead() {
  size_t left = kTouchPerTurn;
  left -= cx.connections.prepare(left);
  left -= cx.table.prepare(left);
  left -= cx.time_wait.prepare(left);
  left -= cx.transfers.prepare(left);
  left -= cx.blocks.prepare(left);
  left -= cx.pieces.prepare(left);
  left -= cx.half_open.prepare(left);
  left -= cx.extras.prepare(left);
  left -= cx.listeners.prepare(left);
  left -= sockets.prepare(left);
  const uint64_t touched = kTouchPerTurn - left;
  cx.memory_grew = touched > 0;  // until a turn finds nothing left to touch
  cx.counters.most_touched_in_a_turn = std::max(cx.counters.most_touched_in_a_turn, touched);
}

}  // namespace rapport::stack
