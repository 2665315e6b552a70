// What is heard of neighbours and of our own addresses: ARP (RFC 826, 5227 2.1.1, 2.4), neighbour
// solicitations (RFC 4861 7.2.3, 7.2.4; RFC 4862 5.4.3) and advertisements (RFC 4861 7.2.5; RFC
// 4862 5.4.4). Each message does bounded work; who was not asked only changes what is known
// already.
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_cache.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/ip/neighbours.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/ndp.hh"

#include <cstdint>

namespace rapport::ip {
namespace {

using enum NeighbourState;
using Kind = NeighbourMessage::Kind;

bool names_one_station(const MacAddress& mac) {
  return !mac.is_multicast() && !mac.is_unspecified();
}

// A duplicate is not: it belongs to the other.
bool is_ours(AddressState state) {
  return state == AddressState::Tentative || state == AddressState::Usable;
}

NeighbourMessage reply_to(const wire::Arp& arp) {
  NeighbourMessage m;
  m.kind = Kind::ArpReply;
  m.to = arp.sender_mac;
  m.source = arp.target;
  m.destination = arp.sender;
  m.target = arp.target;
  return m;
}

}  // namespace

DropReason Neighbours::hear_arp(const wire::Arp& arp, Instant now) {
  if (arp.sender_mac == ours_ || !names_one_station(arp.sender_mac)) {
    return DropReason::NeighbourIgnored;
  }
  if (is_ours(own_.state_of(arp.sender))) {  // 5227 2.1.1, 2.4
    own_.conflict(arp.sender, now, messages_);
    return DropReason::AddressConflict;
  }
  const AddressState target = own_.state_of(arp.target);
  if (arp.is_probe() && target == AddressState::Tentative) {  // 5227 2.1.1: another checks it too
    own_.conflict(arp.target, now, messages_);
    return DropReason::AddressConflict;
  }
  const bool for_us = target == AddressState::Usable;
  const bool asks_us = for_us && arp.operation == wire::ArpOperation::Request;
  const bool answers_us = for_us && !asks_us && arp.target_mac == ours_;
  const uint32_t known = find(arp.sender, now);
  if (known == kNone && !asks_us) return DropReason::NeighbourIgnored;
  if (answers_us) {
    learn_from_reply(known, arp.sender_mac, now);
  } else if (!arp.sender.is_unspecified()) {
    learn(arp.sender, arp.sender_mac, asks_us, now);
  }
  return asks_us ? say(reply_to(arp)) : DropReason::None;
}

// An answer to what we asked. When nothing was asked it is no better than a request.
void Neighbours::learn_from_reply(uint32_t i, const MacAddress& mac, Instant now) {
  if (cache_[i].state != Incomplete && cache_[i].state != Probe) {
    learn_address(i, mac, now);
    return;
  }
  cache_[i].mac = mac;
  become_reachable(i, now);
  release(i, now);
}

// RFC 826 "packet reception", RFC 4861 7.2.3: who speaks to us is added, the others only changed.
void Neighbours::learn(const IpAddress& sender, const MacAddress& mac, bool may_add, Instant now) {
  uint32_t i = find(sender, now);
  if (i != kNone) {
    learn_address(i, mac, now);
    return;
  }
  if (!may_add) return;
  i = cache_.add(sender);
  if (i == kNone) return;
  cache_[i].mac = mac;
  become_stale(i);
  cache_.let_go_first(i);  // a storm of askers must not drive out whom we speak to
}

// An address that nobody confirmed: when it is news, the neighbour is STALE.
void Neighbours::learn_address(uint32_t i, const MacAddress& mac, Instant now) {
  NeighbourEntry& e = cache_[i];
  if (e.state != Incomplete && e.mac == mac) return;
  e.mac = mac;
  become_stale(i);
  release(i, now);
}

DropReason Neighbours::hear_solicitation(const wire::Solicitation& s, const IpAddress& source,
                                         const MacAddress& from, Instant now) {
  const AddressState target = own_.state_of(s.target);
  if (from == ours_ || source.is_multicast() || !is_ours(target)) {
    return DropReason::NeighbourIgnored;
  }
  const bool checks = source == IpAddress{};  // 4862 5.4.3: duplicate address detection
  if (target == AddressState::Tentative) {
    if (!checks) return DropReason::NeighbourIgnored;
    own_.conflict(s.target, now, messages_);
    return DropReason::AddressConflict;
  }
  if (is_ours(own_.state_of(source))) return DropReason::AddressConflict;
  const MacAddress mac = s.source_mac.value_or(from);
  if (!names_one_station(mac)) return DropReason::NeighbourIgnored;
  if (!checks && s.source_mac) learn(source, mac, true, now);
  NeighbourMessage m;  // 7.2.4
  m.kind = Kind::Advertisement;
  m.source = s.target;
  m.target = s.target;
  m.destination = checks ? wire::all_nodes() : source;
  m.to = checks ? wire::group_mac(m.destination) : mac;
  m.solicited = !checks;
  return say(m);
}

// 7.2.5
DropReason Neighbours::hear_advertisement(const wire::Advertisement& a, Instant now) {
  if (is_ours(own_.state_of(a.target))) {
    own_.conflict(a.target, now, messages_);
    return DropReason::AddressConflict;
  }
  const uint32_t i = find(a.target, now);
  if (i == kNone) return DropReason::NeighbourIgnored;
  if (a.target_mac && !names_one_station(*a.target_mac)) return DropReason::NeighbourIgnored;
  NeighbourEntry& e = cache_[i];
  const bool unresolved = e.state == Incomplete;
  if (unresolved && !a.target_mac) return DropReason::NeighbourIgnored;
  const bool differs = a.target_mac && *a.target_mac != e.mac;
  if (!unresolved && differs && !a.overrides) {
    if (e.state != Reachable) return DropReason::NeighbourIgnored;
    become_stale(i);
    return DropReason::None;
  }
  if (a.target_mac) e.mac = *a.target_mac;
  e.is_router = a.is_router;
  if (a.solicited) {
    become_reachable(i, now);
  } else if (unresolved || differs) {
    become_stale(i);
  }
  release(i, now);
  return DropReason::None;
}

DropReason Neighbours::say(const NeighbourMessage& message) {
  return messages_.push(message) ? DropReason::None : DropReason::NeighbourThrottled;
}

}  // namespace rapport::ip
