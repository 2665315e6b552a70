// CLOSE and ABORT (RFC 9293 3.9.1.4, 3.9.1.5, 3.10.4, 3.10.5, 3.6.1), linger, and the end of a
// listener.
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/calls.hh"
#include "rapport/tcp/handshake.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/probe.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstdint>
#include <expected>

namespace rapport::tcp {

namespace {

// A reset is due in the states in which the peer may hold a connection (3.10.5).
bool peer_may_know(const Connection& c) {
  switch (c.state) {
    case State::SynReceived:
    case State::Established:
    case State::FinWait1:
    case State::FinWait2:
    case State::CloseWait: return true;
    default: return false;
  }
}

bool has_queued_text(const Connection& c, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  return x != nullptr && x->send.queued > 0_B;
}

bool has_unread_text(const Connection& c, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  return x != nullptr && (unread(*x, c) > 0_B || x->receive.runs > 0);
}

// The FIN is queued behind the text; the state moves at once (UC-CLOSE-07), but in SYN-RECEIVED
// with text queued only when ESTABLISHED is reached (UC-CLOSE-06).
// UC-CLOSE-05, -12.
void close_sending_side(Connection& c, Context& cx) {
  c.fin_queued = 1;
  c.called = 1;
  const bool deferred = c.state == State::SynReceived && has_queued_text(c, cx);
  if (!deferred) {
    if (c.state == State::SynReceived) c.cwnd = std::max<uint32_t>(c.cwnd, c.mss);
    move(c, Event::CloseCalled, cx);
  }
  mark_dirty(c, cx);
}

void start_linger(Connection& c, const ConnectionOptions& o, Context& cx) {
  if (!o.linger || o.linger_time.ns <= 0) return;
  Extras* e = need_extras(c, cx);
  if (e == nullptr) return;
  e->lingering = true;
  e->linger_until =
      cx.tick_up + static_cast<uint32_t>(std::min<int64_t>(o.linger_time.to_ms(), 1'000'000'000));
}

void start_orphan_timer(Connection& c, Context& cx) {
  if (c.state == State::FinWait2 && c.waiting == Waiting::Nothing) {
    wait_for(c, Waiting::Orphan, to_us(cx.config.fin_wait_2_orphan), cx);  // choice 5
    mark_dirty(c, cx);
  }
}

// CLOSE where our side has closed already: only the reader goes.
// UC-CLOSE-10, -11, -13 to -15.
std::expected<void, Error> close_again(Connection& c, Context& cx) {
  const bool open = c.state == State::FinWait1 || c.state == State::FinWait2;
  if (open && has_unread_text(c, cx)) {  // UC-CLOSE-17, -18
    abort_connection(c, Event::AbortCalled, CloseReason::UnreadData, cx);
    return {};
  }
  detach(c, cx);
  if (!open) return std::unexpected(Error::Closing);
  start_orphan_timer(c, cx);
  return {};
}

void end_before_open(Connection& c, Context& cx) {
  c.orphan = 1;
  end(c, Event::CloseCalled, CloseReason::ClosedBeforeOpen, cx);
}

// UC-CLOSE-04, -08, -16; MAY-1, R2525-1.
std::expected<void, Error> close_fully(Connection& c, Context& cx) {
  const ConnectionOptions o = cx.options_of(c);
  if (c.state == State::SynSent) {
    end_before_open(c, cx);
    return {};
  }
  if (o.linger && o.linger_time.ns <= 0) {  // UC-CLOSE-09
    abort_connection(c, Event::AbortCalled, CloseReason::AbortedByUs, cx);
    return {};
  }
  if (we_have_closed(c.state) || c.fin_queued != 0) return close_again(c, cx);
  if (has_unread_text(c, cx)) {  // SHLD-3, RFC 2525 2.17
    abort_connection(c, Event::AbortCalled, CloseReason::UnreadData, cx);
    return {};
  }
  start_linger(c, o, cx);
  detach(c, cx);
  close_sending_side(c, cx);
  return {};
}

}  // namespace

void detach(Connection& c, Context& cx) {
  c.orphan = 1;
  c.events = 0;
  if (c.gone == 0) {
    mark_dirty(c, cx);  // another limit holds from now on: the wheel follows it
    return;
  }
  if (c.state == State::TimeWait && c.listener_or_next != kNone) {
    cx.time_wait[c.listener_or_next].owner = kNone;
  }
  forget(c, cx);
}

// UC-ABORT-04 to -12. Nothing stays behind (U-35, choice 24).
void abort_connection(Connection& c, Event event, CloseReason reason, Context& cx) {
  c.called = 1;
  if (c.state == State::TimeWait && c.gone != 0) {
    const uint32_t entry = c.listener_or_next;
    detach(c, cx);
    // Where a newer SYN has taken over (RFC 6191) it is in no table and ends with that SYN's fate.
    const TimeWait& w = cx.time_wait[entry];
    if (cx.table.find(w.key, w.tag) == Entry{Tier::TimeWait, entry}) {
      remove_time_wait(entry, Event::AbortCalled, cx);
    }
    return;
  }
  c.orphan = 1;
  if (peer_may_know(c)) send_reset(c, cx);
  end(c, event, reason, cx);
}

std::expected<void, Error> call(const ShutdownWrite& s, Context& cx) {
  if (find_listener_by_handle(s.connection, cx) != kNone) {
    return std::unexpected(Error::InvalidArgument);
  }
  Connection* c = find_connection(s.connection, cx);
  if (c == nullptr) return std::unexpected(why_missing(s.connection, cx));
  if (c->state == State::Closed) return std::unexpected(error_for(c->reason));
  if (c->orphan != 0 || we_have_closed(c->state) || c->fin_queued != 0) {
    return std::unexpected(Error::Closing);
  }
  record_call(c->key, s.connection, CallKind::ShutdownWrite, 0, cx);
  if (c->state == State::SynSent) {
    end(*c, Event::CloseCalled, CloseReason::ClosedBeforeOpen, cx);
    return {};
  }
  close_sending_side(*c, cx);
  return {};
}

// UC-CLOSE-01, -02.
std::expected<void, Error> call(const Close& s, Context& cx) {
  if (find_listener_by_handle(s.connection, cx) != kNone)
    return call(CloseListener{s.connection}, cx);
  Connection* c = find_connection(s.connection, cx);
  if (c == nullptr) return std::unexpected(why_missing(s.connection, cx));
  if (c->orphan != 0) return std::unexpected(Error::Closing);
  if (c->state == State::Closed) {
    let_go(*c, cx);
    return {};
  }
  record_call(c->key, s.connection, CallKind::Close, 0, cx);
  return close_fully(*c, cx);
}

// UC-ABORT-01, -02.
std::expected<void, Error> call(const Abort& s, Context& cx) {
  if (find_listener_by_handle(s.connection, cx) != kNone)
    return call(CloseListener{s.connection}, cx);
  Connection* c = find_connection(s.connection, cx);
  if (c == nullptr) return std::unexpected(why_missing(s.connection, cx));
  if (c->state == State::Closed) {
    let_go(*c, cx);
    return {};
  }
  record_call(c->key, s.connection, CallKind::Abort, 0, cx);
  abort_connection(*c, Event::AbortCalled, CloseReason::AbortedByUs, cx);
  return {};
}

void unlink_listener(uint32_t index, Context& cx) {
  uint32_t* link = &cx.listener_buckets[cx.listeners[index].port % kListenerBuckets];
  while (*link != index) link = &cx.listeners[*link].next;
  *link = cx.listeners[index].next;
}

// UC-CLOSE-03, UC-ABORT-03.
void close_listener(uint32_t index, Context& cx) {
  Listener& l = cx.listeners[index];
  while (l.accept_head != kNone) {  // connection-life 1.5: queued children are reset
    Connection& c = cx.connections[l.accept_head];
    l.accept_head = c.listener_or_next;
    c.unaccepted = 0;
    c.listener_or_next = kNone;
    if (c.state == State::Closed) {
      let_go(c, cx);  // it may not have retired yet
    } else {
      abort_connection(c,
                       find_transition(c.state, Event::ListenerClosed) != nullptr
                           ? Event::ListenerClosed
                           : Event::AbortCalled,
                       CloseReason::ListenerClosed, cx);
    }
  }
  for (const HalfOpenList& list : cx.half_open_lists) {  // embryonic ones vanish
    for (uint32_t i = list.head; i != kNone;) {
      const uint32_t next = cx.half_open[i].links.next;
      if (cx.half_open[i].listener == index) remove_half_open(i, Event::ListenerClosed, cx);
      i = next;
    }
  }
  unlink_listener(index, cx);
  if (!l.in_events) {
    cx.listeners.release(index);
  } else {
    l.closed = true;  // next_event lets it go
  }
}

std::expected<void, Error> call(const CloseListener& s, Context& cx) {
  const uint32_t i = find_listener_by_handle(s.listener, cx);
  if (i == kNone) return std::unexpected(why_missing(s.listener, cx));
  FlowKey key;
  key.local_port = cx.listeners[i].port;
  record_call(key, s.listener, CallKind::CloseListener, 0, cx);
  advance({State::Listen, Event::CloseCalled}, key, s.listener, cx);
  close_listener(i, cx);
  return {};
}

}  // namespace rapport::tcp
