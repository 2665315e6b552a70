// The local addresses are gathered from the interfaces once.
#include "rapport/base/local_addresses.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/interface.hh"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport {

LocalAddresses::LocalAddresses(std::span<const Interface> interfaces) {
  for (size_t i = 0; i < interfaces.size(); ++i) {
    for (const Cidr& network : interfaces[i].addresses) {
      networks_.push_back(network);
      interfaces_.push_back(static_cast<uint16_t>(i));
      const IpAddress b = network.broadcast();
      if (!b.is_unspecified() && !is_broadcast(b)) broadcasts_.push_back(b);
    }
  }
  ASSERT(networks_.size() < kUnknown);
}

}  // namespace rapport
