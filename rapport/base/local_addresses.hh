// The local addresses of a host: FlowKey names them by a 16-bit number, their place in order of
// interfaces. Which of them speaks to whom is ip/paths.hh's business. Capped at 65,535.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/interface.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport {

class LocalAddresses {
 public:
  static constexpr uint16_t kUnknown = 0xffff;

  explicit LocalAddresses(std::span<const Interface> interfaces);

  // The number of one of our addresses; kUnknown when it is not ours.
  [[nodiscard]] uint16_t find(const IpAddress& a) const {
    for (size_t i = 0; i < networks_.size(); ++i) {
      if (networks_[i].address == a) return static_cast<uint16_t>(i);
    }
    return kUnknown;
  }

  [[nodiscard]] const IpAddress& operator[](LocalId id) const { return networks_[id.v].address; }

  // Where the address is.
  [[nodiscard]] uint16_t interface_of(LocalId id) const { return interfaces_[id.v]; }

  // In order of their numbers.
  [[nodiscard]] std::span<const Cidr> all() const { return networks_; }

  // Broadcast addresses of our networks (MUST-46, MUST-57).
  [[nodiscard]] bool is_broadcast(const IpAddress& a) const {
    for (const IpAddress& b : broadcasts_) {
      if (b == a) return true;
    }
    return false;
  }

 private:
  std::vector<Cidr> networks_;
  std::vector<uint16_t> interfaces_;  // of each of them
  std::vector<IpAddress> broadcasts_;
};

}  // namespace rapport
