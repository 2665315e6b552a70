// Which of our addresses speaks to whom (RFC 1122 3.3.4.2).
#include "rapport/tcp/local_addresses.hh"

#include "rapport/base/address.hh"

#include <cstddef>
#include <cstdint>

namespace rapport::tcp {

uint16_t LocalAddresses::towards(const IpAddress& remote) const {
  uint16_t same_family = kUnknown;
  for (size_t i = 0; i < networks_.size(); ++i) {
    const auto id = static_cast<uint16_t>(i);
    if (networks_[i].address.is_v4() != remote.is_v4()) continue;
    if (networks_[i].contains(remote)) return id;
    if (same_family == kUnknown) same_family = id;
  }
  return same_family;
}

}  // namespace rapport::tcp
