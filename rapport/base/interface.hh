// What a host is told of its surroundings: its interfaces and the way to networks that are not at
// one of them. Fixed when a stack is made.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"

#include <cstdint>
#include <optional>
#include <vector>

namespace rapport {

struct Interface {
  std::vector<Cidr> addresses{};  // ours there, with their networks, in order of preference
  uint16_t mtu = 1500;            // the largest IP packet: at least 68; with IPv6 at least 1280
  // Present: an Ethernet interface of this address. Its frames carry Ethernet headers, and ARP and
  // neighbour discovery find who is where. Absent: plain IP packets, to whoever is at the other
  // end.
  std::optional<MacAddress> ethernet = std::nullopt;
};

// A network that is reached through a router (RFC 1122 3.3.1.2); 0.0.0.0/0 and ::/0 name the
// default routers.
struct Route {
  Cidr destination;
  IpAddress gateway;  // on the network of one of our addresses
};

}  // namespace rapport
