// The interned local addresses: FlowKey names them by a 16-bit number. Configured addresses stay
// for good; further ones (later: tunnels) are reference-counted. Capped at 65,535.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"

#include <cstdint>
#include <span>
#include <vector>

namespace rapport::tcp {

class LocalAddresses {
 public:
  static constexpr uint16_t kUnknown = 0xffff;

  // `networks`: ours, in order of preference.
  explicit LocalAddresses(std::span<const Cidr> networks)
      : networks_(networks.begin(), networks.end()) {
    for (const Cidr& n : networks_) {
      const IpAddress b = n.broadcast();
      if (!b.is_unspecified() && !is_broadcast(b)) broadcasts_.push_back(b);
    }
  }

  // The number of one of our addresses; kUnknown when it is not ours.
  [[nodiscard]] uint16_t find(const IpAddress& a) const {
    for (size_t i = 0; i < networks_.size(); ++i) {
      if (networks_[i].address == a) return static_cast<uint16_t>(i);
    }
    return kUnknown;
  }

  [[nodiscard]] const IpAddress& operator[](LocalId id) const { return networks_[id.v].address; }

  [[nodiscard]] std::span<const Cidr> all() const { return networks_; }

  // The address to speak to `remote` from (MUST-44): one that shares its network, else the first of
  // its family; kUnknown when there is none.
  [[nodiscard]] uint16_t towards(const IpAddress& remote) const;

  // Broadcast addresses of our networks (MUST-46, MUST-57).
  [[nodiscard]] bool is_broadcast(const IpAddress& a) const {
    for (const IpAddress& b : broadcasts_) {
      if (b == a) return true;
    }
    return false;
  }

 private:
  std::vector<Cidr> networks_;
  std::vector<IpAddress> broadcasts_;
};

}  // namespace rapport::tcp
