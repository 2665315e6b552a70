// From values to a finished segment in the outbox. Every segment that leaves TCP is built here and
// nowhere else.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/wire/tcp.hh"

#include <cstdint>

namespace rapport::tcp {

// A segment about to be built. `key` and `options` must outlive the call.
struct Draft {
  const FlowKey* key = nullptr;
  Seq seq, ack;
  wire::Flags flags;
  uint16_t window = 0;
  uint16_t urgent = 0;
  uint8_t dscp = 0, ttl = 64;
  bool timestamps = false;  // with `options` == nullptr: timestamps alone
  SendCause cause = SendCause::Answer;
  bool retransmission = false;
  uint32_t tsval = 0, tsecr = 0;
  const wire::Options* options = nullptr;
  // For the trace:
  const Connection* of = nullptr;  // whose segment; nullptr: the rest says what is known
  State state = State::Closed;
  bool relative_known = false;
  Seq iss, irs;
};

// Builds the segment with `length` octets of text read from `from` and puts it into the outbox.
// False when there is no frame or no room: counted as PoolExhausted or OutboxFull.
bool emit(const Draft& draft, Cursor from, uint32_t length, Context& cx);

inline bool emit(const Draft& draft, Context& cx) {
  return emit(draft, {}, 0, cx);
}

// What IP is told about a segment (MUST-48, MUST-49).
struct IpFields {
  uint8_t dscp = 0, ttl = 64;
};

// The answer of RFC 9293 3.5.2 to a segment that belongs to nobody: a reset in the form that fits.
[[gnu::cold]] void answer_with_reset(const FlowKey& key, const wire::Segment& seg, Context& cx);
// <SEQ=SEG.ACK><CTL=RST>, for unacceptable ACKs in states that are not synchronized. `state` is
// told in the trace.
[[gnu::cold]] void reset_unacceptable_ack(const FlowKey& key, State state, IpFields ip,
                                          const wire::Segment& seg, Context& cx);

inline void reset_unacceptable_ack(const Connection& c, const wire::Segment& seg, Context& cx) {
  reset_unacceptable_ack(c.key, c.state, {c.dscp, c.ttl}, seg, cx);
}

// The connection's own segments carry these.
[[nodiscard]] inline uint32_t timestamp_now(const Connection& c, const Context& cx) {
  return cx.tick.v + c.ts_offset;
}

[[nodiscard]] inline Draft draft_for(Connection& c, wire::Flags flags, Context& cx) {
  Draft d;
  d.key = &c.key;
  d.seq = c.snd.nxt;
  d.ack = c.rcv.nxt;
  d.flags = flags;
  d.dscp = c.dscp;
  d.ttl = c.ttl;
  d.timestamps = c.timestamps_on != 0;
  d.cause = SendCause::Stack;
  d.tsval = timestamp_now(c, cx);
  d.tsecr = c.ts_recent;
  d.of = &c;
  return d;
}

}  // namespace rapport::tcp
