// LISTEN and the passive side of SYN-RECEIVED (RFC 9293 3.10.7.2, 3.10.7.4), nobody (3.10.7.1), and
// the door through which every segment comes in.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

// A parsed segment for one of our addresses: to whoever lives under its key. It is dropped when it
// was not verified and its sum is wrong.
void segment_arrives_at(const FlowKey& key, FlowHash hash, wire::Segment& seg, Context& cx);

// The listener for this flow: the most specific one; kNone when there is none.
[[nodiscard]] uint32_t find_listener(const FlowKey& key, const Context& cx);
void segment_arrives_at_listener(uint32_t listener, const FlowKey& key, FlowHash hash,
                                 const wire::Segment& seg, Context& cx);
void segment_arrives_half_open(uint32_t index, FlowHash hash, const wire::Segment& seg,
                               Context& cx);
// The handshake is complete: a Connection takes the entry's place under its key, and the segment.
void promote(uint32_t index, FlowHash hash, const wire::Segment& seg, Context& cx);
// How long a SYN,ACK waits for its answer before it goes out for the next time.
[[nodiscard]] uint32_t syn_ack_interval_ms(uint32_t retries, const Context& cx);
void segment_arrives_in_time_wait(uint32_t index, const wire::Segment& seg, Context& cx);
// The same steps for a Connection that is about to become a TimeWait in this burst.
void segment_arrives_at_shadow(const TimeWait& shadow, const wire::Segment& seg, Context& cx);

// May this SYN open a connection now? None (there is room, or it was made), or why not.
[[nodiscard]] DropReason refusal(uint32_t listener, Context& cx);

// The most entries that are looked at to make room for a SYN.
inline constexpr uint32_t kEvictionLooks = 32;
// Forgets the oldest handshake of this listener, or with kNone of all, without a word to anybody.
// False when none of the kEvictionLooks oldest is the listener's.
[[nodiscard]] bool evict_half_open(uint32_t listener, Context& cx);

// Who answers a SYN: a listener, and the TimeWait that gives way to it, or kNone.
struct Opener {
  uint32_t listener = kNone;
  uint32_t suspended = kNone;
};

// A HalfOpen for this SYN, in the table, its SYN,ACK in the outbox. False when a cap is reached.
bool open_half(Opener opener, const FlowKey& key, FlowHash hash, const wire::Segment& seg,
               Context& cx);

// RFC 5961 7 for entries that keep a short mark of when they last answered a doubtful segment: in
// steps of 64 ms, rounded so that the interval is never cut short, modulo 65 s. Longer intervals
// are taken for 65 s; a mark as old as that may once be taken for a fresh one.
template <class E>
[[nodiscard]] bool is_throttled(const E& entry, const Context& cx) {
  constexpr uint32_t most = 1023;
  const int64_t interval = cx.config.challenge_interval.to_ms();
  if (entry.challenged == 0 || interval <= 0) return false;
  const auto steps = static_cast<uint32_t>(std::min<int64_t>((interval + 63) / 64 + 1, most));
  return (((cx.tick.v >> 6) - entry.challenge_at) & most) < steps;
}

template <class E>
void note_challenge(E& entry, const Context& cx) {
  entry.challenged = 1;
  entry.challenge_at = (cx.tick.v >> 6) & 0x3ffU;
}

// The instant at which a tick of the near future (or past) begins.
[[nodiscard]] inline Instant instant_of(Tick t, const Context& cx) {
  const int64_t ms = cx.now.ns / 1'000'000 + static_cast<int32_t>(t - cx.tick);
  return Instant{ms * 1'000'000};
}

}  // namespace rapport::tcp
