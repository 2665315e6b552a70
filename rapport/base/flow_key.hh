// FlowKey: what names a connection inside one Stack, 24 bytes: the remote socket, the local port,
// and the local address and interface as small interned numbers.
#pragma once

#include "rapport/base/address.hh"

#include <cstdint>
#include <cstring>

namespace rapport {

// Index into the stack's interned local addresses (see base/local_addresses.hh).
struct LocalId {
  uint16_t v = 0;
  friend constexpr bool operator==(LocalId, LocalId) = default;
};

struct FlowKey {
  IpAddress remote;
  uint16_t remote_port = 0;
  uint16_t local_port = 0;
  LocalId local;
  uint16_t interface = 0;

  friend bool operator==(const FlowKey& a, const FlowKey& b) {
    return a.remote == b.remote && a.ports_and_local() == b.ports_and_local();
  }

  // Written as whole words, as they are read back: narrower stores would make the loads wait.
  static FlowKey of(const IpAddress& remote, uint16_t remote_port, uint16_t local_port,
                    LocalId local) {
    FlowKey k;
    k.remote = remote;
    const uint64_t w =
        remote_port | uint64_t{local_port} << 16 | uint64_t{local.v} << 32;  // little endian
    std::memcpy(reinterpret_cast<char*>(&k) + sizeof(IpAddress), &w, sizeof(w));
    return k;
  }

  // Ports, local address and interface in one word.
  [[nodiscard]] uint64_t ports_and_local() const {
    uint64_t w = 0;
    std::memcpy(&w, reinterpret_cast<const char*>(this) + sizeof(IpAddress), sizeof(w));
    return w;
  }
};

static_assert(sizeof(FlowKey) == 24);

}  // namespace rapport
