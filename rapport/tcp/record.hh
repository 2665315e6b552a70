// Writing the trace: what happened, in the words of base/trace.hh. Each function is called behind
// one branch on Trace::enabled() or makes it itself.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/tcp/emit.hh"
#include "rapport/wire/icmp_error.hh"

#include <cstdint>
#include <span>

namespace rapport::tcp {

[[gnu::cold]] void record_sent(const Draft& d, std::span<const uint8_t> bytes, uint32_t text,
                               uint32_t serial, Context& cx);
// `c` may be nullptr: nobody, a half-open entry or TIME-WAIT; then `state` says which.
[[gnu::cold]] void record_received(const FlowKey& key, const wire::Segment& seg,
                                   const Connection* c, State state, Context& cx);
[[gnu::cold]] void record_timer(const Connection& c, TimerKind timer, uint32_t attempt,
                                uint32_t interval_ms, Context& cx);
[[gnu::cold]] void write_key_timer(const FlowKey& key, TimerKind timer, uint32_t attempt,
                                   uint32_t interval_ms, Context& cx);

inline void record_key_timer(const FlowKey& key, TimerKind timer, uint32_t attempt,
                             uint32_t interval_ms, Context& cx) {
  if (cx.trace.enabled()) write_key_timer(key, timer, attempt, interval_ms, cx);
}

[[gnu::cold]] void write_icmp(const FlowKey& key, Handle connection, State state,
                              const wire::IcmpError& error, Context& cx);

inline void record_icmp(const FlowKey& key, Handle connection, State state,
                        const wire::IcmpError& error, Context& cx) {
  if (cx.trace.enabled()) write_icmp(key, connection, state, error, cx);
}

[[gnu::cold]] void record_drop(const FlowKey& key, Handle connection, DropReason reason,
                               Context& cx);
[[gnu::cold]] void write_call(const FlowKey& key, Handle connection, CallKind call, uint32_t octets,
                              Context& cx);

inline void record_call(const FlowKey& key, Handle connection, CallKind call, uint32_t octets,
                        Context& cx) {
  if (cx.trace.enabled()) write_call(key, connection, call, octets, cx);
}

[[gnu::cold]] void record_failed_call(const FlowKey& key, Handle connection, CallKind call,
                                      Error error, Context& cx);
[[gnu::cold]] void write_negotiation(const Connection& c, uint16_t mss_sent, Context& cx);

inline void record_options(const Connection& c, uint16_t mss_sent, Context& cx) {
  if (cx.trace.enabled()) write_negotiation(c, mss_sent, cx);
}

[[gnu::cold]] void write_sample(const Connection& c, Context& cx);

inline void record_sample(const Connection& c, Context& cx) {
  if (cx.trace.enabled()) write_sample(c, cx);
}

// Counts and records a segment that goes no further. Returns false: a step's "stop here".
[[gnu::cold]] bool dropped(const Connection& c, DropReason reason, Context& cx);
[[gnu::cold]] void dropped(const FlowKey& key, DropReason reason, Context& cx);

}  // namespace rapport::tcp
