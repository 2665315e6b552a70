// Stack: inputs, outputs and the settling between them. The protocol is in tcp/; this joins it to
// IP.
#include "rapport/stack/stack.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/calls.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"
#include "rapport/udp/sockets.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

namespace rapport::stack {

namespace {

// Whoever records a stack pays for it: away from the road of those who do not.
template <class C>
[[gnu::cold, gnu::noinline]] auto carry_out_told(World& w, const C& command, Instant now) {
  return carry_out_recorded(*w.recorder, command, now, [&] {
    w.begin_turn(now);
    return tcp::call(command, w.cx);
  });
}

// Executes a call as of `now`.
template <class C>
auto carry_out(World& w, const C& command, Instant now) {
  if (w.recorder != nullptr) [[unlikely]]
    return carry_out_told(w, command, now);
  w.begin_turn(now);
  return tcp::call(command, w.cx);
}

// The same for what has no result.
template <class Asked, class Work>
[[gnu::cold, gnu::noinline]] void do_told(World& w, const Asked& asked, Instant now,
                                          const Work& work) {
  w.recorder->before(asked, now);
  work();
  w.recorder->after({});
}

template <class Asked, class Work>
void recorded(World& w, const Asked& asked, Instant now, const Work& work) {
  if (w.recorder != nullptr) [[unlikely]]
    return do_told(w, asked, now, work);
  work();
}

// The drain's deadline has come: looks at `budget` slots, and goes on there at the next call.
void abort_the_rest(tcp::Context& cx, uint32_t budget) {
  for (; budget > 0 && cx.drain_next < cx.connections.top(); --budget) {
    tcp::Connection& c = cx.connections[cx.drain_next++];
    if (c.gone != 0 || c.state == tcp::State::Closed || c.state == tcp::State::TimeWait) continue;
    c.orphan = 0;
    tcp::abort_connection(c, tcp::Event::AbortCalled, CloseReason::Drained, cx);
  }
  if (cx.drain_next >= cx.connections.top()) cx.drain_until = kNever;
}

bool next_listener_event(tcp::Context& cx, tcp::Occurrence& out) {
  while (cx.listener_event_head != kNone) {
    const uint32_t i = cx.listener_event_head;
    tcp::Listener& l = cx.listeners[i];
    cx.listener_event_head = l.event_next;
    if (cx.listener_event_head == kNone) cx.listener_event_tail = kNone;
    l.in_events = false;
    if (l.closed) {
      cx.listeners.release(i);
      continue;
    }
    out = {tcp::handle_of_listener(i, cx), l.cookie, static_cast<uint16_t>(tcp::What::Acceptable),
           CloseReason::None};
    return true;
  }
  return false;
}

bool next_datagram_event(udp::Sockets& sockets, tcp::Occurrence& out) {
  if (!sockets.has_events()) return false;
  udp::Occurrence happened;
  if (!sockets.next_event(happened)) return false;
  out = {happened.handle, happened.cookie, happened.what, CloseReason::None};
  return true;
}

bool next_connection_event(tcp::Context& cx, tcp::Occurrence& out) {
  while (cx.event_head != kNone) {
    tcp::Connection& c = cx.connections[cx.event_head];
    cx.event_head = c.event_next;
    if (cx.event_head == kNone) cx.event_tail = kNone;
    c.in_events = 0;
    if (c.orphan != 0) {
      if (c.gone != 0) tcp::forget(c, cx);
      continue;
    }
    out = {cx.handle_of(c), c.cookie, c.events, c.reason, cx.soft_error_of(c)};
    c.events = 0;
    if (out.is(tcp::What::Ended)) tcp::forget(c, cx);
    return true;
  }
  return false;
}

// As far as the timers are armed.
Instant next_armed(World& w) {
  const tcp::Context& cx = w.cx;
  Instant next = cx.wheel.next_due();
  next = std::min(next, tcp::next_half_open_deadline(cx));
  if (cx.time_wait_list.head != kNone) {
    next = std::min(next, tcp::instant_of(cx.time_wait[cx.time_wait_list.head].expiry, cx));
  }
  if (cx.draining) next = std::min(next, cx.drain_until);
  return w.keeps_house() ? std::min(next, next_housekeeping(w)) : next;
}

void take_burst(World& w, std::span<Frame> burst, Instant now, uint16_t interface) {
  w.begin_turn(now);
  for (size_t at = 0; at < burst.size(); at += kBurst) {
    const auto part = burst.subspan(at, std::min(kBurst, burst.size() - at));
    for (const Frame& f : part) {
      ++w.cx.counters.frames_received;
      take_frame(w, f, interface);
    }
    deliver_parsed(w);
    for (Frame& f : part) f.reset();
  }
}

void fire_timers(World& w, Instant now) {
  w.begin_turn(now);
  uint32_t fired = 0;
  (void)w.cx.wheel.advance(now, kTimersPerExpiry, [&](uint32_t index) {
    ++fired;
    tcp::timer_fires(index, w.cx);
  });
  fired += tcp::expire_half_open(w.cx, kTimersPerExpiry - fired);
  fired += tcp::expire_time_wait(w.cx, kTimersPerExpiry - fired);
  w.cx.counters.most_timers_in_a_turn =
      std::max<uint64_t>(w.cx.counters.most_timers_in_a_turn, fired);
  if (w.cx.draining && now >= w.cx.drain_until) abort_the_rest(w.cx, kTimersPerExpiry);
  if (w.keeps_house()) keep_house(w);
}

void close_all(World& w, Instant now, Instant deadline) {
  tcp::Context& cx = w.cx;
  w.begin_turn(now);
  for (const uint32_t& bucket : cx.listener_buckets) {
    while (bucket != kNone) {
      std::ignore = tcp::call(tcp::CloseListener{tcp::handle_of_listener(bucket, cx)}, cx);
    }
  }
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    const tcp::Connection& c = cx.connections[i];
    if (c.state != tcp::State::Closed && c.gone == 0 && c.orphan == 0) {
      std::ignore = tcp::call(tcp::Close{cx.handle_of(c)}, cx);
    }
  }
  w.sockets.close_all();
  cx.draining = true;
  cx.drain_next = 1;
  cx.drain_until = deadline;
}

Frame take_frame_out(World& w, uint16_t& interface) {
  while (true) {
    if (w.has_links) {
      if (Frame frame = next_from_links(w, interface)) {
        ++w.cx.counters.frames_sent;
        return frame;
      }
    }
    if (w.cx.outbox.empty() && (!w.cx.owes() || !tcp::settle_some(w.cx))) break;
    Outgoing& out = w.cx.outbox.front();
    interface = w.locals.interface_of(out.local);
    finish_packet(w, out);
    Frame frame = w.link_of(interface) == nullptr
                      ? std::move(out.frame)
                      : give_to_link(w, std::move(out.frame), out.local, out.remote);
    w.cx.outbox.pop();
    if (!frame) continue;  // it waits for its next hop, or was dropped
    ++w.cx.counters.frames_sent;
    return frame;
  }
  if (w.datagrams_wait) {
    w.datagrams_wait = false;
    w.sockets.may_send();
  }
  return {};
}

[[gnu::cold, gnu::noinline]] Frame take_frame_told(World& w, uint16_t& interface) {
  w.recorder->before(TakingFrame{}, w.cx.now);
  Frame frame = take_frame_out(w, interface);
  w.recorder->after({FrameTaken{&frame, interface}, {}});
  return frame;
}

bool take_event_out(World& w, tcp::Occurrence& out) {
  return next_listener_event(w.cx, out) || next_connection_event(w.cx, out)
         || next_datagram_event(w.sockets, out);
}

[[gnu::cold, gnu::noinline]] bool take_event_told(World& w, tcp::Occurrence& out) {
  w.recorder->before(TakingEvent{}, w.cx.now);
  EventTaken taken;
  taken.any = take_event_out(w, taken.event);
  w.recorder->after({taken, {}});
  if (taken.any) out = taken.event;
  return taken.any;
}

}  // namespace

uint32_t buffer_size(const Config& config) {
  uint16_t mtu = 0;
  for (const Interface& i : config.interfaces) mtu = std::max(mtu, i.mtu);
  return config.frame_headroom + mtu;
}

Stack::Stack(const Config& config, FramePool& frames)
    : world_(std::make_unique<World>(config, frames)) {
  ASSERT(!config.interfaces.empty() && frames.buffer_size() >= buffer_size(config));
}

Stack::~Stack() {
  if (world_->recorder != nullptr) world_->recorder->listens_to_ = nullptr;
}

Recorder::~Recorder() {
  if (listens_to_ != nullptr) listens_to_->record(nullptr);
}

void Stack::record(Recorder* recorder) {
  if (world_->recorder != nullptr) world_->recorder->listens_to_ = nullptr;
  world_->recorder = recorder;
  if (recorder == nullptr) return;
  if (recorder->listens_to_ != nullptr) recorder->listens_to_->record(nullptr);
  recorder->listens_to_ = this;
  recorder->begins(*this, world_->frames);
}

void Stack::receive(std::span<Frame> burst, Instant now, uint16_t interface) {
  ASSERT(interface < world_->config.interfaces.size());
  recorded(*world_, Receiving{burst, interface}, now,
           [&] { take_burst(*world_, burst, now, interface); });
}

void Stack::expire(Instant now) {
  recorded(*world_, Expiring{}, now, [&] { fire_timers(*world_, now); });
}

std::expected<Handle, Error> Stack::command(const tcp::Connect& c, Instant now) {
  if (world_->cx.draining) return std::unexpected(Error::NotAllowed);
  return carry_out(*world_, c, now);
}

std::expected<Handle, Error> Stack::command(const tcp::Listen& c, Instant now) {
  if (world_->cx.draining) return std::unexpected(Error::NotAllowed);
  return carry_out(*world_, c, now);
}

std::expected<Handle, Error> Stack::command(const tcp::Accept& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<ByteCount, Error> Stack::command(const tcp::Send& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::SendBorrowed& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<ByteCount, Error> Stack::command(const tcp::Receive& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::Consume& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::ShutdownWrite& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::Close& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::Abort& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::CloseListener& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::SetOptions& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const tcp::SetBacklog& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<tcp::Status, Error> Stack::command(const tcp::GetStatus& c, Instant now) {
  return carry_out(*world_, c, now);
}

void Stack::drain(Instant now, Instant deadline) {
  recorded(*world_, Draining{deadline}, now, [&] { close_all(*world_, now, deadline); });
}

bool Stack::drained() const {
  const tcp::Context& cx = world_->cx;
  return cx.half_open.used() == 0 && cx.table.size() == cx.time_wait.used();
}

Frame Stack::next_frame() {
  uint16_t interface = 0;
  return next_frame(interface);
}

Frame Stack::next_frame(uint16_t& interface) {
  World& w = *world_;
  const bool may_do = w.has_links || w.datagrams_wait || !w.cx.outbox.empty() || w.cx.owes();
  if (!may_do) return {};
  if (w.recorder != nullptr) [[unlikely]]
    return take_frame_told(w, interface);
  return take_frame_out(w, interface);
}

bool Stack::next_event(tcp::Occurrence& out) {
  World& w = *world_;
  const bool may_do =
      w.cx.listener_event_head != kNone || w.cx.event_head != kNone || w.sockets.has_events();
  if (!may_do) return false;
  if (w.recorder != nullptr) [[unlikely]]
    return take_event_told(w, out);
  return take_event_out(w, out);
}

Instant Stack::next_deadline() {
  World& w = *world_;
  // Timers are armed when debts are paid: what is owed is settled first, as far as it makes no
  // frame.
  if (w.cx.outbox.empty() && w.cx.owes()) {
    recorded(w, Settling{}, w.cx.now, [&] { (void)tcp::settle_some(w.cx); });
  }
  return next_armed(w);
}

bool Stack::is_due(Instant now) const {
  return next_armed(*world_) <= now;
}

std::span<const uint8_t> Stack::readable(Handle connection) const {
  tcp::Context& cx = world_->cx;
  const tcp::Connection* c = tcp::find_connection(connection, cx);
  if (c == nullptr || c->transfer == kNone || c->orphan != 0) return {};
  return tcp::front_text(cx.transfers[c->transfer], *c, cx);
}

const tcp::Counters& Stack::counters() const {
  return world_->cx.counters;
}

const Config& Stack::config() const {
  return world_->config;
}

Trace& Stack::trace() {
  return world_->cx.trace;
}

}  // namespace rapport::stack
