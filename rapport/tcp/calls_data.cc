// SEND, RECEIVE and STATUS (RFC 9293 3.9.1.2, 3.9.1.3, 3.9.1.6; 3.10.2, 3.10.3, 3.10.6), and what a
// handle names.
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/calls.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/output.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/send_queue.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

namespace rapport::tcp {

namespace {

// May this connection be sent on? The state decides (3.10.2).
// UC-SEND-01, -02, -04, -13 to -18.
std::expected<Connection*, Error> sendable(Handle h, Context& cx) {
  if (const uint32_t i = find_listener_by_handle(h, cx); i != kNone) {
    // LISTEN does not become SYN-SENT here (waived); a queue is not kept for it either.
    const bool named = !cx.listeners[i].remote.address.is_unspecified();
    return std::unexpected(named ? Error::InsufficientResources : Error::RemoteUnspecified);
  }
  Connection* c = find_connection(h, cx);
  if (c == nullptr) return std::unexpected(why_missing(h, cx));
  if (c->state == State::Closed) return std::unexpected(error_for(c->reason));
  if (c->orphan != 0 || we_have_closed(c->state) || c->fin_queued != 0) {
    return std::unexpected(Error::Closing);
  }
  return c;
}

ByteCount room_to_send(const Connection& c, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  return saturating_sub(cx.options_of(c).send_buffer, x == nullptr ? 0_B : x->send.queued);
}

[[gnu::cold]] std::unexpected<Error> failed(const Connection& c, CallKind call, Error e,
                                            Context& cx) {
  record_failed_call(c.key, cx.handle_of(c), call, e, cx);
  return std::unexpected(e);
}

// The connection has its Extras.
// UC-SEND-11, -20; MUST-30, MUST-31.
void note_urgent(const Connection& c, const Transfer& x, Context& cx) {
  Extras& e = cx.extras[c.extras];
  const ByteCount syn = c.syn_acked == 0 ? 1_B : 0_B;
  e.snd_urgent = true;
  e.snd_up = c.snd.una + syn + x.send.queued;  // MUST-62: behind the last urgent octet
}

// The stack's blocks, pieces or Transfers are used up by others, whose progress this connection
// does not see: unless an ACK will come anyway, it asks again after a while.
[[gnu::cold]] void wait_for_memory(Connection& c, Context& cx) {
  if (c.waiting != Waiting::Nothing) return;
  wait_for(c, Waiting::SillyWindow, cx.silly_window_us, cx);
}

void text_was_queued(Connection& c, ByteCount octets, Context& cx) {
  record_call(c.key, cx.handle_of(c), CallKind::Send, octets.v, cx);
  c.called = 1;
  mark_dirty(c, cx);
}

// The state decides what "nothing to read" means (3.10.3). Only the end of the stream is recorded:
// an application may ask as often as it likes whether something has come.
[[gnu::cold]] std::unexpected<Error> nothing_to_read(const Connection& c, Context& cx) {
  if (c.state == State::Closed) return failed(c, CallKind::Receive, error_for(c.reason), cx);
  if (!peer_has_finished(c.state)) return std::unexpected(Error::WouldBlock);
  return failed(c, CallKind::Receive, Error::Closing, cx);
}

// UC-RECV-01, -02.
std::expected<Connection*, Error> readable(Handle h, Context& cx) {
  if (find_listener_by_handle(h, cx) != kNone) return std::unexpected(Error::InvalidArgument);
  Connection* c = find_connection(h, cx);
  if (c == nullptr) return std::unexpected(why_missing(h, cx));
  if (c->orphan != 0) return std::unexpected(Error::Closing);
  const Transfer* x = cx.transfer_of(*c);
  if (c->state == State::Closed && x == nullptr) return std::unexpected(error_for(c->reason));
  if (x == nullptr || unread(*x, *c) == 0_B) return nothing_to_read(*c, cx);
  return c;
}

void urgent_was_read(Extras& e, Seq read) {
  if (e.rcv_urgent && at_or_after(read, e.rcv_up)) e.rcv_urgent = false;
}

void text_was_read(Connection& c, ByteCount octets, Context& cx) {
  Transfer& x = cx.transfers[c.transfer];
  consume_text(x, c, octets, cx);
  if (c.extras != kNone) urgent_was_read(cx.extras[c.extras], x.receive.read);
  record_call(c.key, cx.handle_of(c), CallKind::Receive, octets.v, cx);
  if (c.state == State::Closed && c.gone != 0) {
    tell_end(c, cx);
  } else if (window_update_is_due(c, cx)) {
    owe_ack(c, cx);
  } else if (unread(x, c) == 0_B) {
    mark_dirty(c, cx);  // settling may let Transfer go
  }
}

// As much as there is and `into` holds.
uint32_t copy_out(const Transfer& x, const Connection& c, std::span<uint8_t> into, Context& cx) {
  const auto wanted = std::min<size_t>(unread(x, c).v, into.size());
  uint32_t done = 0;
  while (done < wanted) {  // block by block
    const auto text = text_behind(x, c, ByteCount{done}, cx);
    const auto n = std::min<size_t>(text.size(), wanted - done);
    std::memcpy(into.data() + done, text.data(), n);
    done += static_cast<uint32_t>(n);
  }
  return done;
}

void describe_transfer(Status& s, const Connection& c, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  if (x == nullptr) return;
  s.send_queue = x->send.queued;
  s.receive_queue = unread(*x, c);
  s.out_of_order = out_of_order(x->receive, cx);
}

void describe_urgent(Status& s, const Connection& c, const Context& cx) {
  if (c.extras == kNone || !cx.extras[c.extras].rcv_urgent) return;
  const Transfer* x = cx.transfer_of(c);
  const Seq read = x == nullptr ? c.rcv.nxt : x->receive.read;
  const Seq up = cx.extras[c.extras].rcv_up;
  if (after(up, read)) s.urgent_ahead = up - read;
}

// What the wheel's one node of a connection will do next; a limit (R2, linger) may cut it short.
TimerKind kind_of(const Connection& c) {
  const bool ack_first = c.ack_delayed != 0 && before(c.ack_at, c.short_at);
  switch (ack_first ? Waiting::Nothing : c.waiting) {
    case Waiting::Retransmission:
      return c.state == State::SynSent ? TimerKind::SynRetransmission : TimerKind::Retransmission;
    case Waiting::Persist: return TimerKind::Persist;
    case Waiting::SillyWindow: return TimerKind::SillyWindow;
    case Waiting::Orphan: return TimerKind::FinWait2;
    case Waiting::Nothing: break;
  }
  return c.ack_delayed != 0 ? TimerKind::DelayedAck : TimerKind::KeepAlive;
}

void describe_timer(Status& s, const Connection& c) {
  if (!c.timer.armed()) return;
  s.timer = kind_of(c);
  s.timer_at = c.timer.deadline();
}

Status status_of(const Connection& c, const Context& cx) {
  Status s;
  s.state = c.state;
  s.local = {cx.locals[c.key.local], c.key.local_port};
  s.remote = {c.key.remote, c.key.remote_port};
  s.cookie = c.cookie;
  s.passive = c.active_origin == 0;
  s.orphan = c.orphan != 0;
  s.window_scaling = c.scaling_on != 0;
  s.sack = c.sack_on != 0;
  s.timestamps = c.timestamps_on != 0;
  s.snd_shift = c.snd_shift;
  s.rcv_shift = c.rcv_shift;
  s.mss = c.mss;
  s.iss = c.snd.iss;
  s.irs = c.rcv.irs;
  s.snd_una = c.snd.una;
  s.snd_nxt = c.snd.nxt;
  s.rcv_nxt = c.rcv.nxt;
  s.snd_wnd = c.snd.wnd;
  s.rcv_wnd = c.rcv.edge - c.rcv.nxt;
  s.cwnd = c.cwnd;
  s.ssthresh = c.ssthresh;
  s.srtt = Duration{int64_t{c.srtt / 8} * 1'000};
  s.rttvar = Duration{int64_t{c.rttvar / 4} * 1'000};
  s.rto = Duration{int64_t{rto_us(c, cx)} * 1'000};
  s.retransmissions = c.retries;
  s.soft_error = cx.soft_error_of(c);
  s.options = cx.options_of(c);
  describe_transfer(s, c, cx);
  describe_urgent(s, c, cx);
  describe_timer(s, c);
  return s;
}

Status status_of(const Listener& l) {
  Status s;
  s.state = State::Listen;
  s.local = {l.local, l.port};
  s.remote = l.remote;
  s.cookie = l.cookie;
  s.passive = true;
  s.backlog_waiting = l.waiting;
  s.half_open = l.half_open;
  s.options = l.options;
  return s;
}

}  // namespace

Connection* find_connection(Handle h, Context& cx) {
  const uint32_t i = h.index();
  if (i == kNone || (i & kListenerBit) != 0 || i >= cx.connections.top()) return nullptr;
  Connection& c = cx.connections[i];
  const bool given = c.generation == h.generation() && c.unaccepted == 0;
  return given ? &c : nullptr;
}

uint32_t find_listener_by_handle(Handle h, const Context& cx) {
  const uint32_t i = h.index() & ~kListenerBit;
  if ((h.index() & kListenerBit) == 0 || i == kNone || i >= cx.listeners.top()) return kNone;
  const bool given = cx.listeners[i].generation == h.generation() && !cx.listeners[i].closed;
  return given ? i : kNone;
}

Handle handle_of_listener(uint32_t index, const Context& cx) {
  return Handle::make(index | kListenerBit, cx.listeners[index].generation);
}

Error why_missing(Handle h, const Context& cx) {
  const uint32_t i = h.index() & ~kListenerBit;
  const bool listener = (h.index() & kListenerBit) != 0;
  const uint32_t top = listener ? cx.listeners.top() : cx.connections.top();
  if (i == kNone || i >= top) return h ? Error::NotAllowed : Error::DoesNotExist;
  const uint32_t now = listener ? cx.listeners[i].generation : cx.connections[i].generation;
  const bool future = static_cast<int32_t>(h.generation() - now) >= 0;
  return future ? Error::NotAllowed : Error::DoesNotExist;
}

Error error_for(CloseReason r) {
  switch (r) {
    case CloseReason::Refused: return Error::Refused;
    case CloseReason::ResetByPeer: return Error::Reset;
    case CloseReason::Unreachable: return Error::Unreachable;
    case CloseReason::TimedOut:
    case CloseReason::HandshakeTimedOut:
    case CloseReason::UserTimedOut:
    case CloseReason::KeepAliveTimedOut:
    case CloseReason::LingerTimedOut:
    case CloseReason::OrphanTimedOut: return Error::TimedOut;
    case CloseReason::ClosedByUs:
    case CloseReason::ClosedByPeer:
    case CloseReason::ClosedTogether:
    case CloseReason::ClosedBeforeOpen: return Error::Closing;
    default: return Error::Aborted;
  }
}

// UC-SEND-05 to -10, -12, -19.
std::expected<ByteCount, Error> call(const Send& s, Context& cx) {
  const auto found = sendable(s.connection, cx);
  if (!found) return std::unexpected(found.error());
  Connection& c = **found;
  if (s.bytes.empty()) return 0_B;
  const ByteCount room = room_to_send(c, cx);
  Transfer* x = room == 0_B ? nullptr : need_transfer(c, cx);
  if (s.urgent && x != nullptr && need_extras(c, cx) == nullptr) {  // nowhere to note the pointer
    mark_dirty(c, cx);
    return failed(c, CallKind::Send, Error::InsufficientResources, cx);
  }
  const auto take = std::min<size_t>(s.bytes.size(), room.v);
  const uint32_t taken = x == nullptr ? 0 : append_copy(x->send, s.bytes.first(take), cx);
  if (taken < s.bytes.size()) c.wants_room = 1;
  if (taken < take) wait_for_memory(c, cx);
  if (taken == 0) {
    mark_dirty(c, cx);
    return failed(c, CallKind::Send, Error::WouldBlock, cx);
  }
  if (s.urgent) note_urgent(c, *x, cx);
  c.corked = s.more || cx.options_of(c).cork ? 1 : 0;
  text_was_queued(c, ByteCount{taken}, cx);
  return ByteCount{taken};
}

std::expected<void, Error> call(const SendBorrowed& s, Context& cx) {
  const auto found = sendable(s.connection, cx);
  if (!found) return std::unexpected(found.error());
  Connection& c = **found;
  const ByteCount most = cx.options_of(c).send_buffer;  // more would wait for ever
  if (s.bytes.empty() || s.bytes.size() > most.v) return std::unexpected(Error::InvalidArgument);
  if (room_to_send(c, cx).v < s.bytes.size()) {
    c.wants_room = 1;
    return failed(c, CallKind::Send, Error::WouldBlock, cx);
  }
  Transfer* x = need_transfer(c, cx);
  if (x == nullptr || !append_borrowed(x->send, s.bytes, s.token, cx)) {
    c.wants_room = 1;
    wait_for_memory(c, cx);
    mark_dirty(c, cx);  // settling may let Transfer go
    return failed(c, CallKind::Send, Error::InsufficientResources, cx);
  }
  text_was_queued(c, ByteCount{s.bytes.size()}, cx);
  return {};
}

// UC-RECV-04 to -16.
std::expected<ByteCount, Error> call(const Receive& r, Context& cx) {
  const auto found = readable(r.connection, cx);
  if (!found) return std::unexpected(found.error());
  Connection& c = **found;
  const Transfer& x = cx.transfers[c.transfer];
  const ByteCount done{copy_out(x, c, r.into, cx)};
  if (!r.peek && done > 0_B) text_was_read(c, done, cx);
  return done;
}

std::expected<void, Error> call(const Consume& r, Context& cx) {
  const auto found = readable(r.connection, cx);
  if (!found) return std::unexpected(found.error());
  Connection& c = **found;
  if (r.octets > unread(cx.transfers[c.transfer], c))
    return std::unexpected(Error::InvalidArgument);
  if (r.octets > 0_B) text_was_read(c, r.octets, cx);
  return {};
}

// UC-STATUS-01 to -12.
std::expected<Status, Error> call(const GetStatus& g, Context& cx) {
  if (const uint32_t i = find_listener_by_handle(g.target, cx); i != kNone) {
    return status_of(cx.listeners[i]);
  }
  const Connection* c = find_connection(g.target, cx);
  if (c == nullptr) return std::unexpected(why_missing(g.target, cx));
  return status_of(*c, cx);
}

}  // namespace rapport::tcp
