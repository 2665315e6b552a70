// Duplicate address detection. IPv6 (RFC 4862 5.4): solicitations from the unspecified address;
// IPv4 (RFC 5227 2.1, 2.3, 2.4): probes, then announcements, then defence.
#include "rapport/ip/own_addresses.hh"

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/ip/ring.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/ndp.hh"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace rapport::ip {
namespace {

using Kind = NeighbourMessage::Kind;

NeighbourMessage arp(const IpAddress& source, const IpAddress& target) {
  NeighbourMessage m;
  m.kind = Kind::ArpRequest;
  m.to = MacAddress::broadcast();
  m.source = source;
  m.target = target;
  return m;
}

NeighbourMessage probe_v6(const IpAddress& target) {
  NeighbourMessage m;
  m.kind = Kind::Solicitation;
  m.destination = wire::solicited_node(target);
  m.to = wire::group_mac(m.destination);
  m.target = target;
  m.names_us = false;
  return m;
}

}  // namespace

OwnAddresses::OwnAddresses(const AddressCheckConfig& config, Random& random)
    : config_(config), random_(random) {
  all_.reserve(kMost);
}

bool OwnAddresses::begin_check(const IpAddress& address, Instant now) {
  const bool checked = (address.is_v4() ? config_.probes : config_.solicitations) > 0;
  if (!assume(address)) return false;
  if (!checked) return true;
  Own& own = *find(address);
  own.state = AddressState::Tentative;
  own.told = true;
  own.sent = 0;
  own.deadline = now + between({}, config_.delay);
  return true;
}

bool OwnAddresses::assume(const IpAddress& address) {
  Own* own = find(address);
  if (own == nullptr) {
    if (all_.size() == kMost) return false;
    own = &all_.emplace_back();
    own->address = address;
  }
  own->deadline = kNever;
  settle(*own, AddressState::Usable);
  return true;
}

void OwnAddresses::remove(const IpAddress& address) {
  std::erase_if(all_, [&](const Own& own) { return own.address == address; });
}

AddressState OwnAddresses::state_of(const IpAddress& address) const {
  const auto at = std::ranges::find(all_, address, &Own::address);
  return at == all_.end() ? AddressState::NotOurs : at->state;
}

void OwnAddresses::conflict(const IpAddress& address, Instant now, Ring<NeighbourMessage>& out) {
  Own* const own = find(address);
  if (own == nullptr) return;
  if (own->state == AddressState::Tentative) {
    own->deadline = kNever;
    settle(*own, AddressState::Duplicate);
    return;
  }
  if (own->state != AddressState::Usable || !address.is_v4()) return;
  if (own->defended && now - own->defended_at < config_.defend_interval) return;
  own->defended = out.push(arp(address, address));
  own->defended_at = now;
}

IpAddress OwnAddresses::source(const IpAddress& wish, bool v4) const {
  if (state_of(wish) == AddressState::Usable && wish.is_v4() == v4) return wish;
  for (const Own& own : all_) {
    if (own.state == AddressState::Usable && own.address.is_v4() == v4) return own.address;
  }
  return {};
}

bool OwnAddresses::next_settled(IpAddress& address, AddressState& state) {
  for (Own& own : all_) {
    if (own.told) continue;
    own.told = true;
    address = own.address;
    state = own.state;
    return true;
  }
  return false;
}

void OwnAddresses::expire(Instant now, Ring<NeighbourMessage>& out) {
  for (Own& own : all_) {
    if (own.deadline <= now && !out.full()) step(own, now, out);
  }
}

Instant OwnAddresses::next_deadline() const {
  Instant first = kNever;
  for (const Own& own : all_) first = std::min(first, own.deadline);
  return first;
}

void OwnAddresses::fingerprint(void (*add)(void* to, uint64_t field), void* to) const {
  for (const Own& own : all_) {
    for (const uint64_t word : own.address.words()) add(to, word);
    add(to, static_cast<uint64_t>(own.state));
    add(to, uint64_t{own.told} << 1 | uint64_t{own.defended});
    add(to, own.sent);
    add(to, static_cast<uint64_t>(own.deadline.ns));
    if (own.defended) add(to, static_cast<uint64_t>(own.defended_at.ns));
  }
}

OwnAddresses::Own* OwnAddresses::find(const IpAddress& address) {
  const auto at = std::ranges::find(all_, address, &Own::address);
  return at == all_.end() ? nullptr : &*at;
}

void OwnAddresses::settle(Own& own, AddressState state) {
  own.state = state;
  own.told = false;
  own.sent = 0;
}

void OwnAddresses::step(Own& own, Instant now, Ring<NeighbourMessage>& out) {
  if (own.address.is_v4()) {
    step_v4(own, now, out);
  } else {
    step_v6(own, now, out);
  }
}

// RFC 5227 2.1.1, 2.3
void OwnAddresses::step_v4(Own& own, Instant now, Ring<NeighbourMessage>& out) {
  if (own.state == AddressState::Tentative && own.sent < config_.probes) {
    if (!out.push(arp(IpAddress::v4(0), own.address))) return;
    const bool last = ++own.sent == config_.probes;
    own.deadline =
        now + (last ? config_.announce_wait : between(config_.probe_min, config_.probe_max));
    return;
  }
  if (own.state == AddressState::Tentative) settle(own, AddressState::Usable);
  own.deadline = kNever;
  if (own.sent == config_.announcements) return;
  (void)out.push(arp(own.address, own.address));  // lost when there is no room, as on any wire
  if (++own.sent < config_.announcements) own.deadline = now + config_.announce_interval;
}

// RFC 4862 5.4.2
void OwnAddresses::step_v6(Own& own, Instant now, Ring<NeighbourMessage>& out) {
  own.deadline = kNever;
  if (own.sent == config_.solicitations) {
    settle(own, AddressState::Usable);
    return;
  }
  (void)out.push(probe_v6(own.address));
  ++own.sent;
  own.deadline = now + config_.solicitation_wait;
}

Duration OwnAddresses::between(Duration least, Duration most) {
  const int64_t span = most.to_us() - least.to_us();
  if (span <= 0) return least;
  return least + Duration{int64_t{random_.below(static_cast<uint32_t>(span))} * 1'000};
}

}  // namespace rapport::ip
