// What a Stack is made of: TCP's context and the packets of the burst at hand. Private to stack/.
#pragma once

#include "rapport/base/local_addresses.hh"
#include "rapport/base/random.hh"
#include "rapport/base/siphash.hh"
#include "rapport/ip/paths.hh"
#include "rapport/stack/stack.hh"  // IWYU pragma: export
#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rapport::stack {

inline constexpr size_t kBurst = 32;                        // packets that are prefetched together
inline constexpr uint32_t kTimersPerExpiry = 256;           // of all kinds, fired by one expire()
inline constexpr size_t kTouchPerTurn = size_t{64} * 1024;  // octets first touched by one turn

// A packet of the burst whose headers have been read.
struct Parsed {
  wire::Segment segment;
  FlowKey key;
  tcp::FlowHash hash;
  uint32_t serial = 0;
  bool same_flow = false;  // as the one before it
};

struct World {
  World(const Config& settings, FramePool& pool)
      : config(settings),
        frames(pool),
        locals(config.interfaces),
        paths(config.interfaces, config.routes, locals, config.max_path_mtus,
              path_key(config.tcp.seed)),
        cx(settings.tcp,
           {config.interfaces, &locals, &paths, settings.frame_headroom, settings.release,
            settings.release_context},
           pool) {}

  // The paths' own, so that the draws of TCP stay what they are without them.
  [[nodiscard]] static SipKey path_key(uint64_t seed) {
    Random random(seed ^ 0x7061'7468'2d6d'7475ULL);
    const uint64_t first = random.next();
    const uint64_t second = random.next();
    return {first, second};
  }

  Config config;
  FramePool& frames;
  LocalAddresses locals;
  ip::Paths paths;
  tcp::Context cx;
  std::array<Parsed, kBurst> parsed{};
  size_t parsed_count = 0;
  FlowKey last_key;  // of the last segment; no segment has this initial one
  tcp::FlowHash last_hash;
  SipLanes lanes{};  // of the flows that are being hashed
  uint16_t next_ip_id = 0;

  void begin_turn(Instant now) {
    cx.set_time(now);
    if (cx.memory_grew) touch_ahead();
  }

  [[gnu::cold]] void touch_ahead();
};

// --- ingress.cc ---------------------------------------------------------------------------------
// Reads one packet: answers echo at once, leaves a TCP segment in world.parsed, counts the rest.
void take_packet(World& world, Frame& frame, uint16_t interface);
void deliver_parsed(World& world);

// --- egress.cc ----------------------------------------------------------------------------------
// The IP header goes before a finished segment.
[[nodiscard]] Frame finish_packet(World& world, Outgoing& out);

}  // namespace rapport::stack
