// The one writer of states, and how connections begin, change tiers and end.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export

namespace rapport::tcp {

enum class Origin : uint8_t { Active, Passive };

struct Move {
  State from;
  Event event;
  Origin origin = Origin::Active;
};

// Checks the move against the table, counts and records it; returns the new state.
State advance(const Move& m, const FlowKey& key, Handle connection, Context& cx);
void move(Connection& c, Event event, Context& cx);

// The connection is over: to CLOSED with a reason; its text is thrown away, but for what a reader
// has still to take after a close by the book. It retires at settling.
void end(Connection& c, Event event, CloseReason reason, Context& cx);
// Records and counts why a connection ended.
void record_end(const FlowKey& key, Handle connection, State state, CloseReason reason,
                Context& cx);
// At settling, or when a later segment of the burst finds a closed connection under its key: takes
// a finished connection out of its tables, or makes it a TimeWait.
void retire(Connection& c, Context& cx);
// Text that was acknowledged is unread and somebody holds the handle.
[[nodiscard]] bool has_reader_to_wait_for(const Connection& c, const Context& cx);
// Tells of the end of a connection that is out of the tables: now, or when the rest has been read.
void tell_end(Connection& c, Context& cx);
// Frees the slot of a connection that is out of the tables and that nobody will ask for.
void forget(Connection& c, Context& cx);
// Nobody asks for an ended connection any more: forgotten now, or when it retires.
void let_go(Connection& c, Context& cx);
// Lets go of Transfer when nothing is queued, in flight, unread or out of order.
void release_idle_transfer(Connection& c, Context& cx);
void discard_text(Connection& c, Context& cx);

// A fresh connection under `key`, in the table; kNone when a cap is reached.
[[nodiscard]] uint32_t create_connection(const FlowKey& key, uint32_t tag, Context& cx);
// May a fresh connection have these options? Others than the defaults need Extras, which are
// capped.
[[nodiscard]] bool may_have_options(const ConnectionOptions& o, const Context& cx);
void apply_options(Connection& c, const ConnectionOptions& o, Context& cx);

// --- timers -----------------------------------------------------------------------------------
// The wheel follows the connection's deadlines: called at settling for every dirty connection.
void rearm(Connection& c, Context& cx);
// A wheel node came due.
void timer_fires(uint32_t index, Context& cx);
void wait_for(Connection& c, Waiting what, uint32_t us, Context& cx);
[[nodiscard]] uint32_t rto_us(const Connection& c, const Context& cx);
[[nodiscard]] uint32_t to_us(Duration d);
// Whole milliseconds, at most kForeverMs: a longer wait has no end.
inline constexpr uint32_t kForeverMs = 2'000'000'000;
[[nodiscard]] uint32_t bounded_ms(Duration d);

// --- output -----------------------------------------------------------------------------------
// Pays what the connection owes: at most about 64 KiB of text a round. True when more is owed.
bool pay(Connection& c, Context& cx);
// Pays debts and dirty connections until the outbox holds something; false when nothing is owed.
// Worth a call only when cx.owes().
bool settle_some(Context& cx);

// --- TIME-WAIT ----------------------------------------------------------------------------------
void enter_time_wait(Connection& c, Context& cx);
// Lets go of those that are due, at most `budget` of them; returns how many.
[[nodiscard]] uint32_t expire_time_wait(Context& cx, uint32_t budget);
void remove_time_wait(uint32_t index, Event event, Context& cx);
[[nodiscard]] TimeWait as_time_wait(const Connection& c, const Context& cx);
// A TimeWait that gave way to a HalfOpen: out of table and list, kept in case the SYN was stale.
void forget_suspended(uint32_t index, Context& cx);

// --- SYN-RECEIVED without a Connection ----------------------------------------------------------
// The SYN,ACK again, or the end, for those that are due, at most `budget` of them; returns how
// many. Without a frame the rest waits a little, and uses up no retry.
[[nodiscard]] uint32_t expire_half_open(Context& cx, uint32_t budget);
[[nodiscard]] Instant next_half_open_deadline(const Context& cx);
void remove_half_open(uint32_t index, Event event, Context& cx);
void restore_time_wait(uint32_t half_open_index, Context& cx);

}  // namespace rapport::tcp
