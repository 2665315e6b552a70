// OPEN, active and passive, ACCEPT, and options (RFC 9293 3.9.1.1, 3.10.1).
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/calls.hh"
#include "rapport/tcp/isn.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <expected>

namespace rapport::tcp {

namespace {

constexpr ByteCount kLargestBuffer = ByteCount{16U << 20};
constexpr uint16_t kLeastClamp = 64;
constexpr Duration kLeastWait = 1_ms;  // keep-alive timers go by ticks

bool keep_alive_is_sound(const ConnectionOptions& o) {
  return o.keep_alive_probes > 0 && o.keep_alive_idle >= kLeastWait
         && o.keep_alive_interval >= kLeastWait;
}

// No receive buffer at all, which no peer could even end, is for those who make the stack.
bool buffers_are_sound(const ConnectionOptions& o, const Context& cx) {
  const bool may_be_empty = &o == &cx.config.defaults;
  return o.send_buffer > 0_B && o.send_buffer <= kLargestBuffer
         && o.receive_buffer <= kLargestBuffer && (o.receive_buffer > 0_B || may_be_empty);
}

bool options_are_sound(const ConnectionOptions& o, const Context& cx) {
  return o.dscp < 64 && o.ttl > 0 && (o.mss_clamp == 0 || o.mss_clamp >= kLeastClamp)
         && o.urgent_inline && keep_alive_is_sound(o) && buffers_are_sound(o, cx);
}

bool dscp_is_permitted(const ConnectionOptions& o, const Context& cx) {
  return (cx.config.permitted_dscp >> o.dscp & 1) != 0;
}

std::expected<void, Error> check_options(const ConnectionOptions& o, const Context& cx) {
  if (!options_are_sound(o, cx) || !dscp_is_permitted(o, cx))
    return std::unexpected(Error::NotAllowed);
  return {};
}

// MUST-46, R1122-9: what can be no peer.
bool is_no_peer(const IpAddress& a, const Context& cx) {
  return !a.may_be_a_host() || cx.locals.is_broadcast(a);
}

// UC-OPEN-03, -07, -09; MUST-45: the address is the connection's from now on.
std::expected<FlowKey, Error> key_for(const Connect& c, const Context& cx) {
  if (c.remote.address.is_unspecified() || c.remote.port == 0) {
    return std::unexpected(Error::RemoteUnspecified);
  }
  if (is_no_peer(c.remote.address, cx)) return std::unexpected(Error::RemoteInvalid);
  FlowKey key;
  key.remote = c.remote.address;
  key.remote_port = c.remote.port;
  const bool any = c.local_address.is_unspecified();
  const Network& network = *cx.around.network;
  key.local.v = any ? network.source_towards(key.remote) : cx.locals.find(c.local_address);
  if (key.local.v == LocalAddresses::kUnknown) {
    return std::unexpected(any ? Error::Unreachable : Error::LocalInvalid);
  }
  if (cx.locals[key.local].is_v4() != key.remote.is_v4()) {
    return std::unexpected(Error::InvalidArgument);
  }
  if (!network.reaches(key.local, key.remote)) return std::unexpected(Error::Unreachable);
  return key;
}

// UC-OPEN-10 to -18.
std::expected<FlowHash, Error> claim_port(FlowKey& key, uint16_t wanted, Context& cx) {
  if (wanted == 0) return choose_port(key, cx);
  key.local_port = wanted;
  const FlowHash h = hash_of(cx.flow_key, key);
  if (cx.table.find(key, h.tag).tier != Tier::Nobody) return std::unexpected(Error::AlreadyExists);
  return h;
}

// UC-OPEN-02, -05, -20.
std::expected<Handle, Error> open_active(const Connect& call, const ConnectionOptions& o,
                                         FlowKey key, FlowHash hash, Context& cx) {
  if (!may_have_options(o, cx)) return std::unexpected(Error::InsufficientResources);
  const uint32_t i = create_connection(key, hash.tag, cx);
  if (i == kNone) return std::unexpected(Error::InsufficientResources);
  Connection& c = cx.connections[i];
  c.cookie = call.cookie;
  c.active_origin = 1;
  apply_options(c, o, cx);
  c.ts_offset = timestamp_offset(key, cx);
  c.snd.iss = c.snd.una = c.snd.nxt = initial_sequence_number(hash, cx);
  c.mss = agreed_mss(key, 0, o, cx);
  c.rcv_shift = cx.config.offer_window_scale ? shift_for(o.receive_buffer) & 0xfU : 0U;
  c.owes_syn = 1;
  c.stalled_since = cx.tick_up;  // R2 counts from here even if no SYN finds a frame
  c.called = 1;
  record_call(key, cx.handle_of(c), CallKind::OpenActive, 0, cx);
  move(c, Event::OpenedActive, cx);
  mark_dirty(c, cx);
  return cx.handle_of(c);
}

bool same_socket(const Listener& l, const Listen& c) {
  return l.port == c.port && l.local == c.local_address && l.remote == c.remote;
}

std::expected<void, Error> check_listen(const Listen& c, const Context& cx) {
  if (c.port == 0 || c.backlog == 0) return std::unexpected(Error::InvalidArgument);
  if (c.port < cx.config.lowest_listen_port) return std::unexpected(Error::NotAllowed);
  if (!c.local_address.is_unspecified()
      && cx.locals.find(c.local_address) == LocalAddresses::kUnknown) {
    return std::unexpected(Error::LocalInvalid);
  }
  const bool any = c.remote.address.is_unspecified();
  if (!any && is_no_peer(c.remote.address, cx)) return std::unexpected(Error::RemoteInvalid);
  uint32_t i = cx.listener_buckets[c.port % kListenerBuckets];
  for (; i != kNone; i = cx.listeners[i].next) {
    if (same_socket(cx.listeners[i], c))
      return std::unexpected(Error::AlreadyExists);  // UC-OPEN-19
  }
  return {};
}

Connection* pop_accept(Listener& l, Context& cx) {
  while (l.accept_head != kNone) {
    Connection& c = cx.connections[l.accept_head];
    l.accept_head = c.listener_or_next;
    if (l.accept_head == kNone) l.accept_tail = kNone;
    --l.waiting;
    c.unaccepted = 0;
    c.listener_or_next = kNone;
    if (c.state != State::Closed) return &c;
    let_go(c, cx);  // it ended while it waited
  }
  return nullptr;
}

}  // namespace

std::expected<Handle, Error> call(const Connect& c, Context& cx) {
  const ConnectionOptions& o = c.options == nullptr ? cx.config.defaults : *c.options;
  if (auto sound = check_options(o, cx); !sound) return std::unexpected(sound.error());
  auto key = key_for(c, cx);
  if (!key) {
    cx.counters.remotes_refused += key.error() == Error::RemoteInvalid ? 1U : 0U;
    return std::unexpected(key.error());
  }
  const auto hash = claim_port(*key, c.local_port, cx);
  if (!hash) {
    record_failed_call(*key, {}, CallKind::OpenActive, hash.error(), cx);
    return std::unexpected(hash.error());
  }
  return open_active(c, o, *key, *hash, cx);
}

// UC-OPEN-01, -05, -21: no connection is looked at (MUST-41, MUST-42).
std::expected<Handle, Error> call(const Listen& c, Context& cx) {
  const ConnectionOptions& o = c.options == nullptr ? cx.config.defaults : *c.options;
  if (auto sound = check_options(o, cx); !sound) return std::unexpected(sound.error());
  if (auto sound = check_listen(c, cx); !sound) return std::unexpected(sound.error());
  const uint32_t i = cx.listeners.allocate();
  if (i == kNone) return std::unexpected(Error::InsufficientResources);
  Listener& l = cx.listeners[i];
  l.local = c.local_address;
  l.remote = c.remote;
  l.port = c.port;
  l.backlog = c.backlog;
  l.cookie = c.cookie;
  l.options = o;
  uint32_t& bucket = cx.listener_buckets[c.port % kListenerBuckets];
  l.next = bucket;
  bucket = i;
  FlowKey key;
  key.local_port = c.port;
  const uint16_t local = cx.locals.find(c.local_address);
  key.local.v = local == LocalAddresses::kUnknown ? 0 : local;
  const Handle h = handle_of_listener(i, cx);
  record_call(key, h, CallKind::OpenPassive, 0, cx);
  advance({State::Closed, Event::OpenedPassive}, key, h, cx);
  return h;
}

std::expected<Handle, Error> call(const Accept& a, Context& cx) {
  const uint32_t i = find_listener_by_handle(a.listener, cx);
  if (i == kNone) return std::unexpected(why_missing(a.listener, cx));
  Listener& l = cx.listeners[i];
  Connection* c = pop_accept(l, cx);
  if (c == nullptr) return std::unexpected(Error::WouldBlock);
  c->cookie = a.cookie;
  record_call(c->key, cx.handle_of(*c), CallKind::Accept, 0, cx);
  c->events &= static_cast<uint16_t>(~static_cast<uint16_t>(What::Connected));
  if (c->events != 0) {  // what came while it waited
    const auto what = static_cast<What>(c->events);
    tell(*c, what, cx);
  }
  return cx.handle_of(*c);
}

// SHLD-21.
std::expected<void, Error> call(const SetOptions& s, Context& cx) {
  if (auto sound = check_options(s.options, cx); !sound) return sound;
  if (const uint32_t i = find_listener_by_handle(s.target, cx); i != kNone) {
    cx.listeners[i].options = s.options;
    return {};
  }
  Connection* c = find_connection(s.target, cx);
  if (c == nullptr) return std::unexpected(why_missing(s.target, cx));
  if (c->gone != 0) return std::unexpected(Error::DoesNotExist);
  if (!(s.options == cx.config.defaults) && need_extras(*c, cx) == nullptr) {
    return std::unexpected(Error::InsufficientResources);
  }
  apply_options(*c, s.options, cx);
  record_call(c->key, s.target, CallKind::SetOption, 0, cx);
  mark_dirty(*c, cx);
  return {};
}

std::expected<void, Error> call(const SetBacklog& s, Context& cx) {
  const uint32_t i = find_listener_by_handle(s.listener, cx);
  if (i == kNone) return std::unexpected(why_missing(s.listener, cx));
  if (s.backlog == 0) return std::unexpected(Error::InvalidArgument);
  cx.listeners[i].backlog = s.backlog;
  return {};
}

}  // namespace rapport::tcp
