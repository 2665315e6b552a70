// What a transport asks of IP below it: which of our addresses speaks to a remote one, and how
// large a packet may be on the way there; and what it tells IP of it. ip/ answers; the stack joins
// the two.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/time.hh"

#include <cstdint>

namespace rapport {

class Network {
 public:
  // The number of the address to speak from (MUST-44, R1122-6; RFC 6724); LocalAddresses::kUnknown
  // when there is no way to `remote`.
  [[nodiscard]] virtual uint16_t source_towards(const IpAddress& remote) const = 0;
  // There is a way from this address of ours to `remote`.
  [[nodiscard]] virtual bool reaches(LocalId from, const IpAddress& remote) const = 0;
  // The largest packet, IP header included (RFC 1191, 8201).
  [[nodiscard]] virtual uint16_t path_mtu(LocalId from, const IpAddress& remote) const = 0;
  // A "too big" that is believed: all transports send no larger packets there, until the estimate
  // ages (RFC 1191 6.3, RFC 8201 4). False when that is no news (R8201-2).
  virtual bool lower_path_mtu(LocalId from, const IpAddress& remote, uint16_t mtu, Instant now) = 0;

 protected:
  ~Network() = default;
};

}  // namespace rapport
