// Paths: what IP answers to the transports: which of our addresses speaks to a remote one (RFC 1122
// 3.3.4.3, RFC 6724 5), and how large a packet may be on its way.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/network.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/ip/path_mtu.hh"
#include "rapport/ip/routes.hh"

#include <cstdint>
#include <span>
#include <vector>

namespace rapport::ip {

class Paths final : public Network {
 public:
  // `interfaces` and `locals` outlive the paths. At most `capacity` estimates of path MTUs are
  // kept.
  Paths(std::span<const Interface> interfaces, std::span<const Route> routes,
        const LocalAddresses& locals, uint32_t capacity, SipKey key);

  [[nodiscard]] uint16_t source_towards(const IpAddress& remote) const override;
  [[nodiscard]] bool reaches(LocalId from, const IpAddress& remote) const override;
  [[nodiscard]] uint16_t path_mtu(LocalId from, const IpAddress& remote) const override;
  bool lower_path_mtu(LocalId from, const IpAddress& remote, uint16_t mtu, Instant now) override;

  // What the check of an address on its link has said. Until then all may be used.
  void set_state(LocalId own, AddressState state) { states_[own.v] = state; }

  [[nodiscard]] bool is_usable(LocalId own) const { return states_[own.v] == AddressState::Usable; }

  [[nodiscard]] const Routes& routes() const { return routes_; }

  [[nodiscard]] PathMtus& mtus() { return mtus_; }

  [[nodiscard]] const PathMtus& mtus() const { return mtus_; }

 private:
  std::span<const Interface> interfaces_;
  const LocalAddresses* locals_;
  std::vector<AddressState> states_;  // of our addresses, by number
  Routes routes_;
  PathMtus mtus_;
};

// A link-local address (RFC 4291 2.5.6, RFC 3927).
[[nodiscard]] bool is_link_local(const IpAddress& a);
// The link-local address that an Ethernet interface gives itself (RFC 4291 Appendix A), /64.
[[nodiscard]] Cidr link_local_of(const MacAddress& mac);

}  // namespace rapport::ip
