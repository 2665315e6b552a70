// Source addresses are chosen among those of the interface that the packet will leave by.
#include "rapport/ip/paths.hh"

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/ip/routes.hh"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rapport::ip {

namespace {

// How well `own` suits as the source towards `remote`: RFC 6724 5, rules 1, 2 and 8. Rules 3, 4, 6
// and 7 are about addresses that this stack does not have; rule 5 was the choice of interface.
uint32_t suitability(const Cidr& own, const IpAddress& remote) {
  constexpr uint32_t kSame = 1000;
  constexpr uint32_t kScope = 500;
  constexpr uint32_t kNetwork = 200;
  uint32_t points = 1;
  if (own.address == remote) points += kSame;
  if (is_link_local(own.address) == is_link_local(remote)) points += kScope;
  if (own.contains(remote)) points += kNetwork;
  if (remote.is_v4()) return points;
  uint32_t common = 0;  // leading bits that are equal
  for (size_t i = 0; i < own.address.octets.size(); ++i) {
    const auto differ = static_cast<uint8_t>(own.address.octets[i] ^ remote.octets[i]);
    common += static_cast<uint32_t>(std::countl_zero(differ));
    if (differ != 0) break;
  }
  return points + common;
}

}  // namespace

Paths::Paths(std::span<const Interface> interfaces, std::span<const Route> routes,
             const LocalAddresses& locals, uint32_t capacity, SipKey key)
    : interfaces_(interfaces),
      locals_(&locals),
      states_(locals.all().size(), AddressState::Usable),
      routes_(interfaces, routes),
      mtus_(capacity, key) {}

uint16_t Paths::source_towards(const IpAddress& remote) const {
  const std::optional<Hop> hop = routes_.towards(remote);
  if (!hop) return LocalAddresses::kUnknown;
  uint16_t best = LocalAddresses::kUnknown;
  uint32_t most = 0;
  for (size_t i = 0; i < locals_->all().size(); ++i) {
    const LocalId id{static_cast<uint16_t>(i)};
    const Cidr& own = locals_->all()[i];
    if (locals_->interface_of(id) != hop->interface || own.address.is_v4() != remote.is_v4()) {
      continue;
    }
    if (states_[i] == AddressState::Duplicate) continue;  // RFC 4862 5.4.5
    constexpr uint32_t kUsable = 2000;  // 5.4: rather than one that is still being checked
    const uint32_t points = suitability(own, remote) + (is_usable(id) ? kUsable : 0);
    if (points <= most) continue;
    most = points;
    best = id.v;
  }
  return best;
}

bool Paths::reaches(LocalId from, const IpAddress& remote) const {
  return states_[from.v] != AddressState::Duplicate
         && routes_.by(locals_->interface_of(from), remote).has_value();
}

uint16_t Paths::path_mtu(LocalId from, const IpAddress& remote) const {
  const uint16_t mtu = interfaces_[locals_->interface_of(from)].mtu;
  return std::min(mtu, mtus_.towards(remote).value_or(mtu));
}

bool Paths::lower_path_mtu(LocalId from, const IpAddress& remote, uint16_t mtu, Instant now) {
  return mtu < path_mtu(from, remote) && mtus_.lower(remote, mtu, now);
}

bool is_link_local(const IpAddress& a) {
  if (a.is_v4()) return a.octets[12] == 169 && a.octets[13] == 254;
  return a.octets[0] == 0xfe && (a.octets[1] & 0xc0) == 0x80;
}

Cidr link_local_of(const MacAddress& mac) {
  Cidr own{IpAddress{}, 64};
  auto& o = own.address.octets;
  o[0] = 0xfe;
  o[1] = 0x80;
  std::copy_n(mac.octets.begin(), 3, o.begin() + 8);
  o[8] ^= 2;  // the universal/local bit is told the other way round
  o[11] = 0xff;
  o[12] = 0xfe;
  std::copy_n(mac.octets.begin() + 3, 3, o.begin() + 13);
  return own;
}

}  // namespace rapport::ip
