// Routes are few: a list in order of their prefixes, searched from its head.
#include "rapport/ip/routes.hh"

#include "rapport/base/address.hh"
#include "rapport/base/interface.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rapport::ip {

namespace {

constexpr Cidr kAnyV4{IpAddress::v4(0), 0};
constexpr Cidr kAnyV6{IpAddress{}, 0};

bool leads_to(const Cidr& network, const IpAddress& remote) {
  return network.address.is_v4() == remote.is_v4() && network.contains(remote);
}

// The interface on one of whose networks `gateway` is.
std::optional<uint16_t> interface_of(const IpAddress& gateway,
                                     std::span<const Interface> interfaces) {
  for (size_t i = 0; i < interfaces.size(); ++i) {
    for (const Cidr& network : interfaces[i].addresses) {
      if (leads_to(network, gateway)) return static_cast<uint16_t>(i);
    }
  }
  return std::nullopt;
}

}  // namespace

Routes::Routes(std::span<const Interface> interfaces, std::span<const Route> routes) {
  for (size_t i = 0; i < interfaces.size(); ++i) {
    const auto interface = static_cast<uint16_t>(i);
    for (const Cidr& network : interfaces[i].addresses) {
      add({.destination = network, .gateway = {}, .interface = interface});
      if (interfaces[i].ethernet) continue;
      add({.destination = network.address.is_v4() ? kAnyV4 : kAnyV6,
           .gateway = {},
           .interface = interface,
           .last_resort = true});
    }
  }
  for (const Route& r : routes) {
    const std::optional<uint16_t> interface = interface_of(r.gateway, interfaces);
    if (interface && r.gateway.is_v4() == r.destination.address.is_v4()) {
      add({.destination = r.destination, .gateway = r.gateway, .interface = *interface});
    } else {
      ++unusable_;
    }
  }
}

void Routes::add(const Entry& entry) {
  const auto less_specific = [&](const Entry& e) {
    return e.last_resort == entry.last_resort ? e.destination.prefix < entry.destination.prefix
                                              : e.last_resort;
  };
  entries_.insert(std::ranges::find_if(entries_, less_specific), entry);
}

// R1122-9: what no host has leads nowhere, however wide a route is.
std::optional<Hop> Routes::towards(const IpAddress& remote) const {
  if (!remote.may_be_a_host()) return std::nullopt;
  for (const Entry& e : entries_) {
    if (!leads_to(e.destination, remote)) continue;
    return Hop{e.interface, e.gateway == IpAddress{} ? remote : e.gateway};
  }
  return std::nullopt;
}

std::optional<Hop> Routes::by(uint16_t interface, const IpAddress& remote) const {
  if (!remote.may_be_a_host()) return std::nullopt;
  for (const Entry& e : entries_) {
    if (e.interface != interface || !leads_to(e.destination, remote)) continue;
    return Hop{e.interface, e.gateway == IpAddress{} ? remote : e.gateway};
  }
  return std::nullopt;
}

}  // namespace rapport::ip
