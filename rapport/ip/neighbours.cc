// The states of a neighbour and what time and senders do to them (RFC
// 4861 5.2, 7.2.2, 7.3.2, 7.3.3). What is heard is in neighbours_hear.cc.
#include "rapport/ip/neighbours.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_cache.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace rapport::ip {
namespace {

using enum NeighbourState;
using Kind = NeighbourMessage::Kind;

constexpr uint32_t timers_a_call = 64;
constexpr Duration redraw = 7200_s;  // RFC 4861 6.3.2: every few hours

bool is_limited_broadcast(const IpAddress& a) {
  return a.is_v4() && a.v4_host() == 0xffffffff;
}

}  // namespace

Neighbours::Neighbours(const NeighbourConfig& config, const MacAddress& ours, uint64_t seed)
    : config_(config),
      ours_(ours),
      random_(seed),
      own_(config.check, random_),
      cache_(config.cap, draw_key(random_)),
      messages_(config.messages),
      released_(config.cap),
      failed_(config.cap) {}

Neighbours::Resolution Neighbours::resolve(const IpAddress& next_hop, Frame& packet, Instant now) {
  if (next_hop.is_multicast()) return {Verdict::Known, wire::group_mac(next_hop)};
  if (is_limited_broadcast(next_hop)) return {Verdict::Known, MacAddress::broadcast()};
  uint32_t i = find(next_hop, now);
  if (i == kNone) {
    const IpAddress source = source_for(next_hop, packet);
    if (source == IpAddress{}) return {Verdict::Failed, {}, DropReason::NoRoute};
    const uint32_t oldest = cache_.one_too_many();
    if (oldest != kNone) cache_.remove(oldest);
    i = cache_.add(next_hop);
    if (i == kNone) return {Verdict::Failed, {}, DropReason::NeighbourCacheFull};
    cache_[i].source = source;
    cache_[i].sent = solicit(i) ? 1 : 0;
    cache_.arm(i, now + config_.retransmit);
    Resolution held = hold(i, packet);
    if (oldest != kNone) held.reason = DropReason::NeighbourEvicted;
    return held;
  }
  NeighbourEntry& e = cache_[i];
  if (e.state == Incomplete) return hold(i, packet);
  if (e.list == NeighbourEntry::List::Idle) cache_.let_go_last(i);
  if (e.state == Stale) {  // 7.3.3: the first packet to it
    e.source = source_for(next_hop, packet);
    become_delay(i, now);
  }
  return {Verdict::Known, e.mac};
}

// REACHABLE ends by being looked at: it needs no timer.
uint32_t Neighbours::find(const IpAddress& address, Instant now) {
  const uint32_t i = cache_.find(address);
  if (i != kNone && cache_[i].state == Reachable && now >= cache_[i].reachable_until) {
    cache_[i].state = Stale;
  }
  return i;
}

Neighbours::Resolution Neighbours::hold(uint32_t i, Frame& packet) {
  NeighbourEntry& e = cache_[i];
  const DropReason reason = e.held ? DropReason::NeighbourReplaced : DropReason::None;
  e.held = std::move(packet);
  return {Verdict::Held, {}, reason};
}

// 7.2.2: the packet's own source if it is an address of this interface, else any.
IpAddress Neighbours::source_for(const IpAddress& next_hop, const Frame& packet) const {
  IpAddress wish;
  wire::Ipv4 v4;
  if (next_hop.is_v4()) {
    if (wire::parse_ipv4(packet.bytes(), v4) == DropReason::None) wish = v4.source;
  } else {
    wire::Ipv6 v6;
    (void)wire::parse_ipv6(packet.bytes(), v6);
    wish = v6.source;
  }
  return own_.source(wish, next_hop.is_v4());
}

void Neighbours::confirm(const IpAddress& next_hop, Instant now) {
  const uint32_t i = cache_.find(next_hop);
  if (i != kNone && cache_[i].state != Incomplete) become_reachable(i, now);
}

// To all in INCOMPLETE, to the neighbour alone in PROBE. False: no room for the message.
bool Neighbours::solicit(uint32_t i) {
  const NeighbourEntry& e = cache_[i];
  const bool to_all = e.state == Incomplete;
  NeighbourMessage m;
  m.source = e.source;
  m.target = e.address;
  if (e.address.is_v4()) {
    m.kind = Kind::ArpRequest;
    m.to = to_all ? MacAddress::broadcast() : e.mac;
  } else {
    m.kind = Kind::Solicitation;
    m.destination = to_all ? wire::solicited_node(e.address) : e.address;
    m.to = to_all ? wire::group_mac(m.destination) : e.mac;
  }
  return messages_.push(m);
}

void Neighbours::expire(Instant now) {
  cache_.expire(now, timers_a_call, [this, now](uint32_t i) { fire(i, now); });
  own_.expire(now, messages_);
}

// A timer of INCOMPLETE, DELAY or PROBE. What found no room to be said is tried again later.
void Neighbours::fire(uint32_t i, Instant now) {
  NeighbourEntry& e = cache_[i];
  if (e.state == Delay) {
    e.state = Probe;
    e.sent = 0;
    cache_.hold(i);
  }
  e.source = own_.source(e.source, e.address.is_v4());  // it may have been taken from us
  const uint8_t most =
      e.state == Incomplete ? config_.multicast_solicitations : config_.unicast_solicitations;
  if (e.sent >= most || e.source == IpAddress{}) {
    fail(i);
    return;
  }
  if (solicit(i)) ++e.sent;
  cache_.arm(i, now + config_.retransmit);
}

void Neighbours::fail(uint32_t i) {
  NeighbourEntry& e = cache_[i];
  if (e.held) (void)failed_.push(std::move(e.held));
  cache_.remove(i);
}

// The packet that waited goes out: 7.3.3, the first one to a STALE neighbour starts the delay.
void Neighbours::release(uint32_t i, Instant now) {
  NeighbourEntry& e = cache_[i];
  if (!e.held) return;
  (void)released_.push({std::move(e.held), e.mac});
  if (e.state == Stale) become_delay(i, now);
}

void Neighbours::become_reachable(uint32_t i, Instant now) {
  NeighbourEntry& e = cache_[i];
  e.state = Reachable;
  e.reachable_until = now + reachable_time(now);
  cache_.disarm(i);
  if (e.list != NeighbourEntry::List::Idle) cache_.let_go_last(i);
}

void Neighbours::become_stale(uint32_t i) {
  NeighbourEntry& e = cache_[i];
  e.state = Stale;
  cache_.disarm(i);
  if (e.list != NeighbourEntry::List::Idle) cache_.let_go_last(i);
}

void Neighbours::become_delay(uint32_t i, Instant now) {
  NeighbourEntry& e = cache_[i];
  e.state = Delay;
  cache_.arm(i, now + config_.delay_first_probe);
}

// RFC 4861 6.3.2: uniformly between 0.5 and 1.5 times the base.
Duration Neighbours::reachable_time(Instant now) {
  if (now >= reachable_drawn_until_) {
    constexpr int64_t millionths = 1'000'000;
    const int64_t part = millionths / 2 + random_.below(millionths);
    reachable_ = Duration{config_.base_reachable.ns / millionths * part};
    reachable_drawn_until_ = now + redraw;
  }
  return reachable_;
}

Instant Neighbours::next_deadline() const {
  return std::min(cache_.next_deadline(), own_.next_deadline());
}

bool Neighbours::next_released(Frame& packet, MacAddress& mac) {
  Released released;
  if (!released_.pop(released)) return false;
  packet = std::move(released.packet);
  mac = released.mac;
  return true;
}

void Neighbours::fingerprint(void (*add)(void* to, uint64_t field), void* to) const {
  const auto put = [&](auto value) { add(to, static_cast<uint64_t>(value)); };
  for (const uint64_t word : random_.state()) put(word);
  put(reachable_.ns);
  put(reachable_drawn_until_.ns);
  put(messages_.size());
  put(released_.size());
  put(failed_.size());
  own_.fingerprint(add, to);
  cache_.each([&](const NeighbourEntry& e) {
    for (const IpAddress& a : {e.address, e.source}) {
      for (const uint64_t word : a.words()) put(word);
    }
    for (const uint8_t octet : e.mac.octets) put(octet);
    put(e.state);
    put(e.is_router);
    put(e.list);
    put(e.sent);
    put(e.held ? e.held.size() : 0);
    if (e.state == Reachable) {
      put(e.reachable_until.ns);
    } else if (e.state != Stale) {
      put(e.timer.due);
    }
  });
}

std::optional<Neighbours::View> Neighbours::look(const IpAddress& address, Instant now) const {
  const uint32_t i = cache_.find(address);
  if (i == kNone) return std::nullopt;
  const NeighbourEntry& e = cache_[i];
  const bool old = e.state == Reachable && now >= e.reachable_until;
  return View{.state = old ? Stale : e.state, .mac = e.mac, .is_router = e.is_router};
}

}  // namespace rapport::ip
