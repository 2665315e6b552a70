// Ports: which socket has which port. Connected sockets are found by their whole tuple in a table,
// the others in the list of their port's bucket, where they come before the connected ones.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/linked_list.hh"
#include "rapport/base/port_range.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/tag_table.hh"
#include "rapport/udp/socket.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <vector>

namespace rapport::udp {

class Ports {
 public:
  Ports(SocketSlab& sockets, const PortRange& ephemeral, SipKey key, bool* grew);

  // The socket connected by exactly this tuple; kNone when there is none.
  [[nodiscard]] uint32_t find_connected(const Endpoint& local, const Endpoint& remote) const;
  // The unconnected one at this very socket (its address may be unspecified); kNone: none.
  [[nodiscard]] uint32_t find_bound(const Endpoint& local) const;
  // Who hears a datagram (connected, else bound to this address, else to any); kNone: nobody.
  [[nodiscard]] uint32_t find_listening(const Endpoint& local, const Endpoint& remote) const;
  // An unused port by RFC 6056 3.3.1: no other socket has it, whatever its address.
  [[nodiscard]] std::expected<uint16_t, Error> choose(Random& random) const;

  // Socket `i` has its local and remote: from now on it is found. Out again before either changes.
  void enter(uint32_t i);
  void leave(uint32_t i);

  size_t prepare(size_t limit) { return connected_.prepare(limit); }

 private:
  static constexpr uint32_t kBuckets = 1024;

  [[nodiscard]] uint32_t tag_of(uint16_t local_port, const Endpoint& remote) const;
  [[nodiscard]] bool is_used(uint16_t port) const;

  SocketSlab& sockets_;
  PortRange ephemeral_;
  SipKey key_;
  TagTable connected_;
  std::vector<LinkedList<&Socket::in_port>> buckets_;
};

}  // namespace rapport::udp
