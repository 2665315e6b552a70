// Which way a packet goes: the interface it leaves by and the neighbour it is given to (RFC 1122
// 3.3.1, RFC 8200; longest prefix first). The networks of our addresses are routes without a
// gateway; an interface without link addresses reaches everybody of the families it has. Who may
// speak for us is paths.hh's business. Fixed when it is made.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/interface.hh"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rapport::ip {

struct Hop {
  uint16_t interface = 0;
  IpAddress next;  // the destination itself, or the router before it

  friend bool operator==(const Hop&, const Hop&) = default;
};

class Routes {
 public:
  // A route whose gateway is on no network of ours leads nowhere and is left out and counted.
  Routes(std::span<const Interface> interfaces, std::span<const Route> routes);

  // The best way; none: unreachable.
  [[nodiscard]] std::optional<Hop> towards(const IpAddress& remote) const;
  // The best way that leaves by this interface, as what has one of its addresses as its source
  // must (the strong model of RFC 1122 3.3.4.2).
  [[nodiscard]] std::optional<Hop> by(uint16_t interface, const IpAddress& remote) const;

  // Routes that were left out.
  [[nodiscard]] uint32_t unusable() const { return unusable_; }

 private:
  struct Entry {
    Cidr destination;
    IpAddress gateway;  // unspecified: on the link
    uint16_t interface = 0;
    bool last_resort = false;  // only where no other route leads
  };

  void add(const Entry& entry);

  std::vector<Entry> entries_;  // longest prefix first
  uint32_t unusable_ = 0;
};

}  // namespace rapport::ip
