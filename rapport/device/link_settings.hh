// Settings of a network interface that this program has made, over rtnetlink (rtnetlink(7)).
#pragma once

#include "rapport/base/address.hh"

#include <cstdint>
#include <string>

namespace rapport::device {

struct LinkSettings {
  std::string name;
  uint32_t mtu = 1500;
  uint32_t queue_length = 1000;
  Cidr address;  // IPv4
};

struct LinkFailure {
  const char* step = "";  // a verb phrase: "bring up"
  int code = 0;           // errno; 0: all went well
};

// Sets MTU and queue length, keeps IPv6 off it, gives it the address and brings it up, in this
// order.
[[nodiscard]] LinkFailure configure_link(const LinkSettings& settings);

}  // namespace rapport::device
