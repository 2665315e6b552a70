// Settings of a network interface that this program has made, and the networks that are there
// already, over rtnetlink (rtnetlink(7)).
#pragma once

#include "rapport/base/address.hh"

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace rapport::device {

struct LinkSettings {
  std::string name;
  uint32_t mtu = 1500;
  uint32_t queue_length = 1000;
  bool link_local = false;      // an IPv6 link-local address that the kernel makes for itself
  std::vector<Cidr> addresses;  // of both families
};

struct LinkFailure {
  const char* step = "";  // a verb phrase: "bring up"
  int code = 0;           // errno; 0: all went well
};

// Sets MTU and queue length, gives it the addresses and brings it up. IPv6 addresses skip duplicate
// address detection (IFA_F_NODAD); it returns when the kernel takes packets for them. Unless
// link_local, nothing but the addresses asked for is there: no router solicitations, no
// autoconfiguration.
[[nodiscard]] LinkFailure configure_link(const LinkSettings& settings);

struct NetworkThere {
  Cidr network;
  std::string interface;  // empty: a route that leads to none
};

// The networks of all interfaces and of all routes of the main table, but default routes,
// link-local and multicast networks. The error is an errno.
[[nodiscard]] std::expected<std::vector<NetworkThere>, int> networks_there();

}  // namespace rapport::device
