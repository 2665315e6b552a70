// Context: what a step may touch. One per Stack, passed to every function, never global: the time,
// the settings, the tables and slabs, what is owed, and where things are told.
#pragma once

#include "rapport/base/frame.hh"            // IWYU pragma: export
#include "rapport/base/interface.hh"        // IWYU pragma: export
#include "rapport/base/linked_list.hh"      // IWYU pragma: export
#include "rapport/base/local_addresses.hh"  // IWYU pragma: export
#include "rapport/base/network.hh"          // IWYU pragma: export
#include "rapport/base/outbox.hh"           // IWYU pragma: export
#include "rapport/base/port_range.hh"       // IWYU pragma: export
#include "rapport/base/random.hh"           // IWYU pragma: export
#include "rapport/base/siphash.hh"          // IWYU pragma: export
#include "rapport/base/slab.hh"             // IWYU pragma: export
#include "rapport/base/time.hh"             // IWYU pragma: export
#include "rapport/base/timer_wheel.hh"      // IWYU pragma: export
#include "rapport/base/trace.hh"            // IWYU pragma: export
#include "rapport/tcp/commands.hh"          // IWYU pragma: export
#include "rapport/tcp/config.hh"            // IWYU pragma: export
#include "rapport/tcp/connection.hh"        // IWYU pragma: export
#include "rapport/tcp/connection_table.hh"  // IWYU pragma: export
#include "rapport/tcp/counters.hh"          // IWYU pragma: export
#include "rapport/tcp/debts.hh"             // IWYU pragma: export
#include "rapport/tcp/transfer.hh"          // IWYU pragma: export
#include "rapport/wire/tcp.hh"              // IWYU pragma: export

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::tcp {

using ConnectionSlab = Slab<Connection, Reuse::OldestFirst>;

// Gives the wheel its nodes.
struct ConnectionTimers {
  ConnectionSlab* slab;

  TimerNode& operator()(uint32_t index) const { return (*slab)[index].timer; }
};

// Of entries that all wait equally long: in order of their deadlines.
using HalfOpenList = LinkedList<&HalfOpen::links>;
using TimeWaitList = LinkedList<&TimeWait::links>;

inline constexpr uint32_t kHalfOpenLists = 16;
inline constexpr uint32_t kListenerBuckets = 1024;

struct Surroundings {
  std::span<const Interface> interfaces;  // these three outlive the context
  const LocalAddresses* locals = nullptr;
  Network* network = nullptr;
  uint32_t headroom = 64;  // before the IP header
  void (*release)(void*, uint64_t) = nullptr;
  void* release_context = nullptr;
};

struct Context {
  Context(const Config& config, const Surroundings& around, FramePool& frames);

  Instant now{};
  uint64_t us = 0, ms = 0;  // of now: the whole microseconds and milliseconds passed
  Tick tick, tick_up;       // of now: as clocks of 32 bits, and the next whole one
  Micros micros, micros_up;
  uint16_t hour = 0;

  Config config;
  uint32_t initial_rto_us = 0, min_rto_us = 0, max_rto_us = 0;  // of config
  uint32_t delayed_ack_us = 0, silly_window_us = 0;
  uint32_t r2_ms = 0, syn_give_up_ms = 0, orphan_give_up_ms = 0;
  Surroundings around;
  FramePool& frames;
  const LocalAddresses& locals;
  SipKey flow_key, timestamp_key, port_key;
  LastIsn last_isn;
  Random random;
  Counters counters;
  Trace trace;

  bool memory_grew = true;  // the slabs and the table want memory touched ahead
  ConnectionSlab connections;
  Slab<HalfOpen> half_open;
  Slab<TimeWait> time_wait;
  Slab<Listener, Reuse::OldestFirst> listeners;
  Slab<Transfer> transfers;
  Slab<Extras> extras;
  Slab<Block> blocks;
  Slab<Piece> pieces;
  ConnectionTable table;
  TimerWheel<ConnectionTimers> wheel;

  std::array<HalfOpenList, kHalfOpenLists> half_open_lists{};  // by number of retries
  Instant half_open_wait{};  // no frame was left for a SYN,ACK: their timers wait until then
  TimeWaitList time_wait_list;
  std::array<uint32_t, kListenerBuckets> listener_buckets{};
  std::array<uint32_t, 64> port_steps{};          // RFC 6056 3.3.4
  std::array<PreparedFlow, 64> prepared_flows{};  // beside them: what comes next, hashed ahead
  PortRange ephemeral;
  Outbox outbox;
  Debts debts;
  uint32_t dirty_head = kNone, dirty_tail = kNone;
  uint32_t event_head = kNone, event_tail = kNone;  // connections; listeners in their own list
  uint32_t listener_event_head = kNone, listener_event_tail = kNone;
  uint32_t serial = 0, arrival_serial = 0;  // for the trace; the second: of what is being processed
  uint32_t challenges_left = 0;             // host cap of this second
  int64_t challenge_second = -1;
  bool draining = false;
  bool progress = false;  // a peer has acknowledged what is new: IP's word that it is reachable
  Instant drain_until = kNever;
  uint32_t drain_next = 1;  // what the deadline aborts next

  void set_time(Instant at) {
    if (at == now) return;
    now = at;
    const auto ns = static_cast<uint64_t>(at.ns);
    us = ns / 1'000;
    micros = Micros{static_cast<uint32_t>(us)};
    micros_up = micros + (us * 1'000 == ns ? 0U : 1U);
    const uint64_t whole = us / 1'000;
    tick_up = Tick{static_cast<uint32_t>(whole)} + (whole * 1'000'000 == ns ? 0U : 1U);
    if (whole == ms) return;
    ms = whole;
    tick = Tick{static_cast<uint32_t>(ms)};
    hour = static_cast<uint16_t>(ms / 3'600'000);
  }

  // Does anyone owe a segment, or a look at its timers?
  [[nodiscard]] bool owes() const { return dirty_head != kNone || debts.count > 0; }

  [[nodiscard]] uint32_t index_of(const Connection& c) const { return connections.index_of(c); }

  [[nodiscard]] Handle handle_of(const Connection& c) const {
    return Handle::make(index_of(c), c.generation);
  }

  [[nodiscard]] Transfer* transfer_of(const Connection& c) {
    return c.transfer == kNone ? nullptr : &transfers[c.transfer];
  }

  [[nodiscard]] const Transfer* transfer_of(const Connection& c) const {
    return c.transfer == kNone ? nullptr : &transfers[c.transfer];
  }

  [[nodiscard]] const ConnectionOptions& options_of(const Connection& c) const {
    return c.extras == kNone ? config.defaults : extras[c.extras].options;
  }

  [[nodiscard]] wire::IcmpKind soft_error_of(const Connection& c) const {
    return c.extras == kNone ? wire::IcmpKind::Unknown : extras[c.extras].soft_error;
  }

  void drop(DropReason reason) { counters.drop(reason); }
};

// Creates what a connection lacks; nullptr when a cap is reached.
[[nodiscard]] Transfer* need_transfer(Connection& c, Context& cx);
[[nodiscard]] Extras* need_extras(Connection& c, Context& cx);

// Puts the connection on the list of those that owe something: output.cc pays at settling.
inline void mark_dirty(Connection& c, Context& cx) {
  if (c.dirty != 0 || c.gone != 0) return;
  c.dirty = 1;
  c.dirty_next = kNone;
  const uint32_t i = cx.index_of(c);
  if (cx.dirty_tail == kNone) {
    cx.dirty_head = i;
  } else {
    cx.connections[cx.dirty_tail].dirty_next = i;
  }
  cx.dirty_tail = i;
}

// Notes an event to be told; coalesces.
inline void tell(Connection& c, What what, Context& cx) {
  if (c.orphan != 0) return;
  c.events |= static_cast<uint16_t>(what);
  if (c.in_events != 0 || c.unaccepted != 0) return;
  c.in_events = 1;
  c.event_next = kNone;
  const uint32_t i = cx.index_of(c);
  if (cx.event_tail == kNone) {
    cx.event_head = i;
  } else {
    cx.connections[cx.event_tail].event_next = i;
  }
  cx.event_tail = i;
}

void tell_acceptable(uint32_t listener, Context& cx);
// The MSS that is offered: the interface's (MUST-67). That which is used: the path's (RFC 1191 3).
[[nodiscard]] uint16_t interface_mss(const FlowKey& key, const Context& cx);
[[nodiscard]] uint16_t path_mss(const FlowKey& key, const Context& cx);

// Octets before the TCP header.
[[nodiscard]] inline uint32_t headroom_for(const FlowKey& key, const Context& cx) {
  return cx.around.headroom + (key.remote.is_v4() ? 20U : 40U);
}

}  // namespace rapport::tcp
