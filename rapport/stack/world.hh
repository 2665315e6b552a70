// What a Stack is made of: TCP's context and the packets of the burst at hand. Private to stack/.
#pragma once

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
        cx(settings.tcp,
           {config.addresses, settings.mtu,
            settings.frame_headroom + static_cast<uint32_t>(wire::kIpv4Header), settings.release,
            settings.release_context},
           pool) {}

  Config config;
  FramePool& frames;
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
void take_packet(World& world, Frame& frame);
void deliver_parsed(World& world);

// --- egress.cc ----------------------------------------------------------------------------------
// The IP header goes before a finished segment.
[[nodiscard]] Frame finish_packet(World& world, tcp::Outgoing& out);

}  // namespace rapport::stack
