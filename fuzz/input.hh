// What the fuzz targets of whole stacks share: reading decisions from the fuzzer's octets, one
// Stack with small tables and its frames, packets put together from headers. Bounded: whatever the
// input says, a stack that will not be quiet ends the run as a finding.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/craft.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace rapport::fuzz {

// Decisions; zeros once the input is used up.
class Input {
 public:
  explicit Input(std::span<const uint8_t> octets) : left_(octets) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }

  uint8_t octet() {
    if (left_.empty()) return 0;
    const uint8_t v = left_.front();
    left_ = left_.subspan(1);
    return v;
  }

  uint16_t two() {
    const uint32_t high = octet();
    return static_cast<uint16_t>(high << 8 | octet());
  }

  uint32_t four() {
    const uint32_t high = two();
    return high << 16 | two();
  }

  uint32_t below(uint32_t bound) { return octet() % bound; }

  bool chance() { return (octet() & 1) != 0; }

 private:
  std::span<const uint8_t> left_;
};

inline constexpr size_t kHeadroom = 64;
inline constexpr uint32_t kFrameSize = 2048;
inline constexpr uint32_t kMostFrames = 20'000;  // that one step may draw
inline constexpr uint32_t kMostTurns = 200'000;  // of expire() until a stack is at rest

struct Said {
  std::vector<uint8_t> packet;
  std::optional<wire::Segment> segment;  // of TCP; its text lies in `packet`
};

inline IpAddress address(bool v6, uint8_t last) {
  return v6 ? IpAddress{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}}
            : IpAddress::v4(10, 0, 0, last);
}

// A packet of TCP with right lengths and sums; the ports are those of `head`.
inline std::vector<uint8_t> packet_of(const wire::SegmentHead& head, const IpAddress& from,
                                      const IpAddress& to, std::span<const uint8_t> text) {
  return sim::craft_segment({from, head.source_port}, {to, head.destination_port}, head, text);
}

// What a Stack sends must be right, whatever it was fed.
inline std::optional<wire::Segment> segment_of(std::span<const uint8_t> packet) {
  const auto read = [](const auto& ip, uint8_t protocol) -> std::optional<wire::Segment> {
    if (protocol != wire::kProtocolTcp || ip.payload.size() < wire::kTcpHeader) return std::nullopt;
    const auto s = wire::parse_tcp(ip.payload, ip.source, ip.destination, wire::Checksum::Verify);
    ASSERT(s.has_value() && !s->options.malformed);
    return *s;
  };
  if (packet[0] >> 4 == 4) {
    const auto ip = wire::parse_ipv4(packet);
    ASSERT(ip.has_value());
    return read(*ip, ip->protocol);
  }
  const auto ip = wire::parse_ipv6(packet);
  ASSERT(ip.has_value());
  return read(*ip, ip->next_header);
}

// A Stack, its frames and its time.
class Host {
 public:
  Host(stack::Config config, Instant begin)
      : released_(std::make_unique<uint32_t>(0)),
        now(begin),
        stack(with_release(config), frames_) {}

  void receives(std::span<const std::vector<uint8_t>> packets) {
    std::vector<Frame> burst;
    for (const auto& p : packets) {
      Frame f = incoming_.allocate(kHeadroom);
      ASSERT(f);
      f.reshape(kHeadroom, std::min<size_t>(p.size(), kFrameSize - kHeadroom));
      std::memcpy(f.data(), p.data(), f.size());
      burst.push_back(std::move(f));
    }
    stack.receive(burst, now);
    for (const Frame& f : burst) ASSERT(!f);
  }

  // What it has to say, in order.
  [[nodiscard]] std::vector<Said> says() {
    std::vector<Said> all;
    while (Frame f = stack.next_frame()) {
      ASSERT(all.size() < kMostFrames);
      Said s;
      s.packet.assign(f.bytes().begin(), f.bytes().end());
      s.segment = segment_of(s.packet);
      all.push_back(std::move(s));
    }
    return all;
  }

  // One step of time: to the next deadline, or to `end`. False when `end` is reached.
  bool passes(Instant end) {
    const Instant next = stack.next_deadline();
    if (next > end) {
      now = std::max(now, end);
      return false;
    }
    now = std::max(now, next);
    stack.expire(now);
    return true;
  }

  // Frames that nobody gives back for a while.
  void takes_frames() {
    while (Frame f = frames_.allocate(0)) taken_.push_back(std::move(f));
  }

  void gives_frames() { taken_.clear(); }

  void lends() { ++lent_; }

  // The application holds it, and will let it go at the end: text that was not read before both
  // ends had closed waits for its reader for as long as that takes.
  void owns(Handle h) { owned_.push_back(h); }

  [[nodiscard]] bool has_all_back() const { return *released_ == lent_; }

  void checks() const { ASSERT(stack.audit().empty()); }

  // Everything ends: connections by drain(), TIME-WAIT, orphans and fragments by their timers.
  void must_come_to_rest() {
    gives_frames();
    for (const Handle h : owned_) (void)stack.command(tcp::Close{h}, now);
    stack.drain(now, now + 1_s);
    const Instant end = now + 3600_s;
    for (uint32_t turn = 0; passes(end); ++turn) {
      ASSERT(turn < kMostTurns);
      (void)says();
      tell();
    }
    (void)says();
    tell();
    checks();
    const auto p = stack.population();
    ASSERT(p.connections == 0 && p.half_open == 0 && p.time_wait == 0 && p.listeners == 0);
    ASSERT(p.transfers == 0 && p.extras == 0 && p.blocks == 0 && p.pieces == 0);
    ASSERT(p.datagram_sockets == 0 && p.datagrams == 0 && p.fragmented == 0);
    ASSERT(frames_.in_use() == 0 && incoming_.in_use() == 0);
    ASSERT(has_all_back());
  }

  // Takes what happened; handles of ended connections go stale.
  void tell() {
    tcp::Occurrence o;
    for (uint32_t n = 0; stack.next_event(o); ++n) ASSERT(n < kMostFrames);
  }

 private:
  stack::Config with_release(stack::Config& c) const {
    c.release = [](void* count, uint64_t) { ++*static_cast<uint32_t*>(count); };
    c.release_context = released_.get();
    return c;
  }

  FramePool frames_{256, kFrameSize};
  FramePool incoming_{64, kFrameSize};
  std::vector<Frame> taken_;
  std::vector<Handle> owned_;
  std::unique_ptr<uint32_t> released_;
  uint32_t lent_ = 0;

 public:
  Instant now;
  stack::Stack stack;
};

// Settings from a few octets of the input: small tables, and what changes ways through the code.
inline stack::Config settings(Input& in, const IpAddress& own) {
  stack::Config c;
  c.interfaces[0].addresses = {Cidr{own, static_cast<uint8_t>(own.is_v4() ? 24 : 64)}};
  const uint8_t bits = in.octet();
  const bool tight = (bits & 1) != 0;
  if ((bits & 2) != 0) c.tcp = tcp::strict_profile();
  c.tcp.max_connections = tight ? 2 : 16;
  c.tcp.max_half_open = tight ? 2 : 16;
  c.tcp.max_time_wait = tight ? 1 : 16;
  c.tcp.max_listeners = 4;
  c.tcp.max_transfers = tight ? 1 : 16;
  c.tcp.max_extras = tight ? 1 : 16;
  c.tcp.max_blocks = tight ? 4 : 256;
  c.tcp.max_pieces = tight ? 4 : 512;
  c.tcp.max_out_of_order = tight ? 2 : 64;
  c.tcp.offer_timestamps = (bits & 4) == 0;
  c.tcp.offer_sack = (bits & 8) == 0;
  c.tcp.offer_window_scale = (bits & 16) == 0;
  c.tcp.reset_on_accept_overflow = (bits & 32) != 0;
  c.tcp.drop_syn_fin = (bits & 64) == 0;
  c.tcp.require_timestamps = (bits & 128) == 0;
  const uint8_t more = in.octet();
  constexpr std::array kBuffers{262'144U, 65'535U, 1U, 4096U};
  c.tcp.defaults.receive_buffer = ByteCount{kBuffers.at(more & 3)};
  c.tcp.defaults.send_buffer = ByteCount{kBuffers.at(more >> 2 & 3)};
  c.tcp.defaults.no_delay = (more & 16) != 0;
  c.tcp.defaults.keep_alive = (more & 32) != 0;
  if ((more & 64) != 0) c.tcp.defaults.user_timeout = 5_s;
  if ((more & 128) != 0) c.tcp.ack_policy = tcp::AckPolicy::EverySecond;
  c.tcp.seed = 1 + in.octet();
  c.udp.max_sockets = 4;
  c.udp.max_datagrams = 8;
  c.udp.max_blocks = 64;
  c.max_path_mtus = 4;
  return c;
}

}  // namespace rapport::fuzz
