// The context's construction, and the small acts that every step may do.
#include "rapport/tcp/context.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

namespace {

constexpr uint32_t kOutboxSize = 1024;

}  // namespace

Context::Context(const Config& settings, const Surroundings& surroundings, FramePool& pool)
    : config(settings),
      around(surroundings),
      frames(pool),
      locals(*surroundings.locals),
      random(settings.seed),
      connections(settings.max_connections, &memory_grew),
      half_open(settings.max_half_open, &memory_grew),
      time_wait(settings.max_time_wait + settings.max_half_open,
                &memory_grew),  // suspended ones too
      listeners(std::min(settings.max_listeners, 65535U), &memory_grew),
      transfers(settings.max_transfers, &memory_grew),
      extras(settings.max_extras, &memory_grew),
      blocks(settings.max_blocks, &memory_grew),
      pieces(settings.max_pieces, &memory_grew),
      table(settings.max_connections + settings.max_half_open + settings.max_time_wait,
            &memory_grew, connections, half_open, time_wait),
      wheel(ConnectionTimers{&connections}),
      ephemeral(settings.ephemeral_first, settings.ephemeral_last, settings.reserved_ports),
      outbox(kOutboxSize) {
  initial_rto_us = to_us(config.initial_rto);
  min_rto_us = to_us(config.min_rto);
  max_rto_us = to_us(config.max_rto);
  delayed_ack_us = to_us(config.delayed_ack);
  silly_window_us = to_us(config.silly_window_override);
  r2_ms = bounded_ms(config.r2);
  syn_give_up_ms = bounded_ms(config.syn_give_up);
  orphan_give_up_ms = bounded_ms(config.orphan_give_up);
  // Constant while the stack lives; another stack has others, and no quiet time (R6528-2, U-14).
  flow_key = draw_key(random);
  timestamp_key = draw_key(random);
  port_key = draw_key(random);
  for (uint32_t& step : port_steps) step = random.next32();
}

Transfer* need_transfer(Connection& c, Context& cx) {
  if (c.transfer != kNone) return &cx.transfers[c.transfer];
  const uint32_t i = cx.transfers.allocate();
  if (i == kNone) return nullptr;
  c.transfer = i;
  Transfer& x = cx.transfers[i];
  x.receive.read = peer_has_finished(c.state) ? c.rcv.nxt - 1_B : c.rcv.nxt;
  return &x;
}

Extras* need_extras(Connection& c, Context& cx) {
  if (c.extras != kNone) return &cx.extras[c.extras];
  const uint32_t i = cx.extras.allocate();
  if (i == kNone) return nullptr;
  c.extras = i;
  cx.extras[i].options = cx.config.defaults;
  return &cx.extras[i];
}

void tell_acceptable(uint32_t listener, Context& cx) {
  Listener& l = cx.listeners[listener];
  if (l.in_events) return;
  l.in_events = true;
  l.event_next = kNone;
  if (cx.listener_event_tail == kNone) {
    cx.listener_event_head = listener;
  } else {
    cx.listeners[cx.listener_event_tail].event_next = listener;
  }
  cx.listener_event_tail = listener;
}

namespace {

// Without IP and TCP headers (RFC 6691 2).
// R6691-1.
uint16_t mss_of(uint16_t mtu, const FlowKey& key) {
  return static_cast<uint16_t>(mtu - (key.remote.is_v4() ? 40 : 60));
}

}  // namespace

uint16_t interface_mss(const FlowKey& key, const Context& cx) {
  return mss_of(cx.around.interfaces[cx.locals.interface_of(key.local)].mtu, key);
}

uint16_t path_mss(const FlowKey& key, const Context& cx) {
  return mss_of(cx.around.network->path_mtu(key.local, key.remote), key);
}

}  // namespace rapport::tcp
