// The one writer of states, and how a Connection comes to be, ends and leaves its tables.
#include "rapport/tcp/lifecycle.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/isn.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/send_queue.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <cstring>

namespace rapport::tcp {

namespace {

bool need_extras_for(const ConnectionOptions& o, const Context& cx) {
  const bool plain = &o == &cx.config.defaults || o == cx.config.defaults;
  return !plain || o.keep_alive;
}

}  // namespace

State advance(const Move& m, const FlowKey& key, Handle connection, Context& cx) {
  const auto [from, event, origin] = m;
  const Transition* t = find_transition(from, event);
  ASSERT(t != nullptr);
  const State to = origin == Origin::Passive ? t->passive_to : t->to;
  ++cx.counters.transitions[static_cast<size_t>(from)][static_cast<size_t>(event)];
  if (!cx.trace.enabled()) return to;
  TraceTransition record{};
  record.from = static_cast<uint8_t>(from);
  record.to = static_cast<uint8_t>(to);
  record.event = static_cast<uint8_t>(event);
  std::strncpy(record.clause, t->clause, sizeof(record.clause) - 1);
  cx.trace.write(TraceKind::Transition, cx.now, connection, key, cx.locals[key.local], record);
  return to;
}

void move(Connection& c, Event event, Context& cx) {
  c.state = advance({c.state, event}, c.key, cx.handle_of(c), cx);
}

void record_end(const FlowKey& key, Handle connection, State state, CloseReason reason,
                Context& cx) {
  ++cx.counters.ended[static_cast<size_t>(reason)];
  if (!cx.trace.enabled()) return;
  const TraceEnded t{static_cast<uint8_t>(reason), static_cast<uint8_t>(state), {}};
  cx.trace.write(TraceKind::Ended, cx.now, connection, key, cx.locals[key.local], t);
}

void end(Connection& c, Event event, CloseReason reason, Context& cx) {
  const State was = c.state;
  move(c, event, cx);
  c.reason = reason;
  record_end(c.key, cx.handle_of(c), was, reason, cx);
  // What was acknowledged and not yet read outlives a close by the book (3.10.3, CLOSE-WAIT ff.).
  if (event != Event::FinAcked || !has_reader_to_wait_for(c, cx)) discard_text(c, cx);
  c.waiting = Waiting::Nothing;
  c.owes_ack = c.ack_delayed = c.owes_syn = 0;
  mark_dirty(c, cx);  // it retires at settling
}

void discard_text(Connection& c, Context& cx) {
  if (c.transfer == kNone) return;
  Transfer& x = cx.transfers[c.transfer];
  release_all(x.send, cx);
  release_all(x.receive, cx);
  cx.transfers.release(c.transfer);
  c.transfer = kNone;
}

void release_idle_transfer(Connection& c, Context& cx) {
  if (c.transfer == kNone) return;
  const Transfer& x = cx.transfers[c.transfer];
  const bool idle = x.send.queued == 0_B && c.snd.una == c.snd.nxt && unread(x, c) == 0_B
                    && x.receive.runs == 0 && !x.receive.fin_waits && x.ack_pending == 0;
  if (idle) discard_text(c, cx);
}

void retire(Connection& c, Context& cx) {
  if (c.state == State::TimeWait) {
    enter_time_wait(c, cx);
    if constexpr (kRuleSwitches) {
      if (!holds(Rule::TimeWait, cx.config)) {
        remove_time_wait(cx.time_wait_list.tail, Event::TimeWaitExpired, cx);
      }
    }
    return;
  }
  const uint32_t i = cx.index_of(c);
  cx.wheel.remove(i);
  cx.table.erase(c.tag, {Tier::Connection, i});
  c.gone = 1;
  tell_end(c, cx);
  if (c.orphan != 0) forget(c, cx);
}

bool has_reader_to_wait_for(const Connection& c, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  return c.orphan == 0 && x != nullptr && unread(*x, c) > 0_B;
}

// MUST-12: the reason is the last thing that is told.
void tell_end(Connection& c, Context& cx) {
  if (has_reader_to_wait_for(c, cx)) return;  // text_was_read() comes back here
  discard_text(c, cx);
  tell(c, What::Ended, cx);
}

void forget(Connection& c, Context& cx) {
  c.gone = 1;
  c.orphan = 1;
  discard_text(c, cx);
  if (c.extras != kNone) {
    cx.extras.release(c.extras);
    c.extras = kNone;
  }
  // A list still names the slot: whoever takes it from there lets it go.
  if (c.in_events != 0 || c.unaccepted != 0 || c.dirty != 0) return;
  cx.connections.release(cx.index_of(c));
}

void let_go(Connection& c, Context& cx) {
  c.orphan = 1;
  c.events = 0;
  if (c.gone != 0) forget(c, cx);
}

uint32_t create_connection(const FlowKey& key, uint32_t tag, Context& cx) {
  const uint32_t i = cx.connections.allocate();
  if (i == kNone) return kNone;
  if (!cx.table.insert(tag, {Tier::Connection, i})) {
    cx.connections.release(i);
    return kNone;
  }
  Connection& c = cx.connections[i];
  c.key = key;
  c.tag = tag;
  return i;
}

bool may_have_options(const ConnectionOptions& o, const Context& cx) {
  return !need_extras_for(o, cx) || !cx.extras.full();
}

// What the application chose is never changed by the stack (SHLD-23).
void apply_options(Connection& c, const ConnectionOptions& o, Context& cx) {
  if (c.extras != kNone || need_extras_for(o, cx)) {
    Extras* e = need_extras(c, cx);
    if (e != nullptr) e->options = o;
  }
  c.no_delay = o.no_delay ? 1 : 0;
  c.corked = o.cork ? 1 : 0;
  c.quick_ack = o.quick_ack ? 1 : 0;
  c.keep_alive = o.keep_alive ? 1 : 0;
  c.dscp = o.dscp & 0x3fU;
  c.ttl = o.ttl;
}

}  // namespace rapport::tcp
