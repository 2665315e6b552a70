// Finding sockets. A bucket's list has the unconnected ones first: a search for one of them ends at
// the first that is connected.
#include "rapport/udp/ports.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/port_range.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/siphash.hh"
#include "rapport/udp/socket.hh"

#include <cstdint>
#include <expected>

namespace rapport::udp {

Ports::Ports(SocketSlab& sockets, const PortRange& ephemeral, SipKey key, bool* grew)
    : sockets_(sockets),
      ephemeral_(ephemeral),
      key_(key),
      connected_(sockets.cap(), grew),
      buckets_(kBuckets) {}

uint32_t Ports::tag_of(uint16_t local_port, const Endpoint& remote) const {
  const auto w = remote.address.words();
  const uint64_t ports = uint64_t{local_port} << 16 | remote.port;
  return static_cast<uint32_t>(siphash24_words(key_, w[0], w[1], ports) >> 32);
}

uint32_t Ports::find_connected(const Endpoint& local, const Endpoint& remote) const {
  if (connected_.size() == 0) return kNone;
  return connected_.find(tag_of(local.port, remote), [&](uint32_t i) {
    return sockets_[i].local == local && sockets_[i].remote == remote;
  });
}

uint32_t Ports::find_bound(const Endpoint& local) const {
  uint32_t i = buckets_[local.port % kBuckets].head;
  for (; i != kNone && !sockets_[i].connected(); i = sockets_[i].in_port.next) {
    if (sockets_[i].local == local) return i;
  }
  return kNone;
}

uint32_t Ports::find_listening(const Endpoint& local, const Endpoint& remote) const {
  const uint32_t connected = find_connected(local, remote);
  if (connected != kNone) return connected;
  const uint32_t here = find_bound(local);
  return here != kNone ? here : find_bound({{}, local.port});
}

bool Ports::is_used(uint16_t port) const {
  for (uint32_t i = buckets_[port % kBuckets].head; i != kNone; i = sockets_[i].in_port.next) {
    if (sockets_[i].local.port == port) return true;
  }
  return false;
}

std::expected<uint16_t, Error> Ports::choose(Random& random) const {
  const uint32_t start = random.below(ephemeral_.count());
  for (uint32_t n = 0; n < ephemeral_.count(); ++n) {
    const uint16_t port = ephemeral_.at(start + n);
    if (port != 0 && !ephemeral_.is_reserved(port) && !is_used(port)) return port;
  }
  return std::unexpected(Error::NoFreePort);
}

void Ports::enter(uint32_t i) {
  Socket& s = sockets_[i];
  auto& bucket = buckets_[s.local.port % kBuckets];
  if (!s.connected()) return bucket.push_front(i, sockets_);
  bucket.push_back(i, sockets_);
  s.tag = tag_of(s.local.port, s.remote);
  const bool entered = connected_.insert(s.tag, i);
  ASSERT(entered);  // it has room for every socket
}

void Ports::leave(uint32_t i) {
  const Socket& s = sockets_[i];
  if (s.connected()) connected_.erase(s.tag, i);
  buckets_[s.local.port % kBuckets].remove(i, sockets_);
}

}  // namespace rapport::udp
