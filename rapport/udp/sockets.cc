// The calls: opening, closing, sending, receiving (RFC 1122 4.1.4).
#include "rapport/udp/sockets.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/port_range.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/siphash.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/ports.hh"
#include "rapport/udp/socket.hh"

#include <cstdint>
#include <expected>
#include <utility>
#include <vector>

namespace rapport::udp {

namespace {

uint32_t largest_text(const IpAddress& remote) {
  return remote.is_v4() ? kLargestText4 : kLargestText6;
}

}  // namespace

Sockets::Sockets(const Config& config, const Outside& outside)
    : outside_(outside),
      permitted_dscp_(config.permitted_dscp),
      sockets_(config.max_sockets, outside.memory_grew),
      ports_(sockets_,
             PortRange(config.ephemeral_first, config.ephemeral_last, config.reserved_ports),
             draw_key(*outside.random), outside.memory_grew),
      queues_(config.max_datagrams, config.max_blocks, outside.memory_grew) {}

// The slab's index; kNone for a handle that names nothing any more.
uint32_t Sockets::find(Handle h) const {
  if (!is_socket(h)) return kNone;
  const uint32_t i = h.index() & ~kSocketBit;
  if (i == kNone || i >= sockets_.top()) return kNone;
  return sockets_[i].generation == h.generation() ? i : kNone;
}

std::expected<void, Error> Sockets::check(const Options& o) const {
  if (o.receive_datagrams == 0 || o.ttl == 0 || o.dscp > 63) {
    return std::unexpected(Error::InvalidArgument);
  }
  if ((permitted_dscp_ >> o.dscp & 1) == 0) return std::unexpected(Error::NotAllowed);
  return {};
}

std::expected<void, Error> Sockets::check_remote(const Endpoint& remote) const {
  const IpAddress& a = remote.address;
  if (remote.port == 0 || !a.may_be_a_host() || outside_.is_broadcast(outside_.context, a)) {
    return std::unexpected(Error::RemoteInvalid);
  }
  return {};
}

// Where a socket at `local` speaks to `remote` from.
std::expected<Sockets::Ends, Error> Sockets::connect_ends(Endpoint local,
                                                          const Endpoint& remote) const {
  if (const auto fine = check_remote(remote); !fine) return std::unexpected(fine.error());
  const bool any = local.address.is_unspecified();
  if (any) local.address = outside_.source_towards(outside_.context, remote.address);
  if (local.address.is_unspecified() || local.address.is_v4() != remote.address.is_v4()) {
    return std::unexpected(Error::Unreachable);
  }
  return Ends{local, remote, any};
}

std::expected<Sockets::Ends, Error> Sockets::find_ends(const Open& c) {
  Ends ends;
  ends.local = c.local;
  if (c.local.address.is_unspecified()) {
    ends.local.address = {};
  } else if (!outside_.is_ours(outside_.context, c.local.address)) {
    return std::unexpected(Error::LocalInvalid);
  }
  if (c.remote != Endpoint{}) {
    auto connected = connect_ends(ends.local, c.remote);
    if (!connected) return connected;
    ends = *connected;
  }
  if (ends.local.port == 0) {
    const auto port = ports_.choose(*outside_.random);
    if (!port) return std::unexpected(port.error());
    ends.local.port = *port;
  }
  const uint32_t there = ends.remote.port != 0 ? ports_.find_connected(ends.local, ends.remote)
                                               : ports_.find_bound(ends.local);
  if (there != kNone) return std::unexpected(Error::AlreadyExists);
  return ends;
}

std::expected<Handle, Error> Sockets::command(const Open& c) {
  if (const auto fine = check(c.options); !fine) return std::unexpected(fine.error());
  if (sockets_.full()) return std::unexpected(Error::InsufficientResources);
  const auto ends = find_ends(c);
  if (!ends) return std::unexpected(ends.error());
  const uint32_t i = sockets_.allocate();
  Socket& s = sockets_[i];
  s.local = ends->local;
  s.remote = ends->remote;
  s.chose_local = ends->chose_local;
  s.cookie = c.cookie;
  s.options = c.options;
  ports_.enter(i);
  return handle_of(i);
}

std::expected<void, Error> Sockets::command(const Connect& c) {
  const uint32_t i = find(c.socket);
  if (i == kNone) return std::unexpected(Error::DoesNotExist);
  Socket& s = sockets_[i];
  Ends ends;
  ends.local = s.local;
  if (s.chose_local) ends.local.address = {};
  uint32_t there = kNone;
  if (c.remote != Endpoint{}) {
    const auto connected = connect_ends(ends.local, c.remote);
    if (!connected) return std::unexpected(connected.error());
    ends = *connected;
    there = ports_.find_connected(ends.local, ends.remote);
  } else {
    there = ports_.find_bound(ends.local);
  }
  if (there != kNone && there != i) return std::unexpected(Error::AlreadyExists);
  ports_.leave(i);
  s.local = ends.local;
  s.remote = ends.remote;
  s.chose_local = ends.chose_local;
  s.trouble = Error::kCount;
  ports_.enter(i);
  return {};
}

// From whom to whom; everything that may be wrong with a datagram but its length.
std::expected<Outgoing, Error> Sockets::address(const Socket& s, const SendTo& c) const {
  const Endpoint& remote = c.remote == Endpoint{} ? s.remote : c.remote;
  if (remote == Endpoint{}) return std::unexpected(Error::RemoteUnspecified);
  if (s.connected() && remote != s.remote) return std::unexpected(Error::AlreadyExists);
  Endpoint local = s.local;
  if (!c.source.is_unspecified()) {
    if (!outside_.is_ours(outside_.context, c.source)
        || (!s.local.address.is_unspecified() && s.local.address != c.source)) {
      return std::unexpected(Error::LocalInvalid);
    }
    local.address = c.source;
  }
  const auto ends = connect_ends(local, remote);
  if (!ends) return std::unexpected(ends.error());
  return Outgoing{ends->local, remote, c.text, s.options.ttl, s.options.dscp};
}

std::expected<void, Error> Sockets::command(const SendTo& c) {
  const uint32_t i = find(c.socket);
  if (i == kNone) return std::unexpected(Error::DoesNotExist);
  Socket& s = sockets_[i];
  if (s.trouble != Error::kCount) {
    return std::unexpected(std::exchange(s.trouble, Error::kCount));
  }
  const auto datagram = address(s, c);
  if (!datagram) return std::unexpected(datagram.error());
  if (c.text.size() > largest_text(datagram->remote.address)) {
    return std::unexpected(Error::MessageTooLong);
  }
  const auto sent = outside_.send(outside_.context, *datagram);
  if (sent) {
    ++s.sent;
  } else if (sent.error() == Error::WouldBlock && !s.stuck) {
    s.stuck = true;
    stuck_.push_back(i, sockets_);
  }
  return sent;
}

std::expected<Received, Error> Sockets::command(const ReceiveFrom& c) {
  const uint32_t i = find(c.socket);
  if (i == kNone) return std::unexpected(Error::DoesNotExist);
  Socket& s = sockets_[i];
  if (s.trouble != Error::kCount) {
    return std::unexpected(std::exchange(s.trouble, Error::kCount));
  }
  if (s.queue.count == 0) return std::unexpected(Error::WouldBlock);
  const Waiting& w = queues_.front(s.queue);
  Received r;
  r.from = w.from;
  r.to = w.to;
  r.length = ByteCount{w.length};
  r.truncated = w.length > c.into.size();
  r.octets = ByteCount{static_cast<uint32_t>(queues_.copy_front(s.queue, c.into))};
  if (!c.peek) queues_.pop(s.queue);
  return r;
}

std::expected<void, Error> Sockets::command(const CloseSocket& c) {
  const uint32_t i = find(c.socket);
  if (i == kNone) return std::unexpected(Error::DoesNotExist);
  close(i);
  return {};
}

void Sockets::close(uint32_t i) {
  Socket& s = sockets_[i];
  queues_.clear(s.queue);
  ports_.leave(i);
  if (s.events != 0) events_.remove(i, sockets_);
  if (s.stuck) stuck_.remove(i, sockets_);
  s.local = {};
  sockets_.release(i);
}

std::expected<void, Error> Sockets::command(const SetOptions& c) {
  const uint32_t i = find(c.socket);
  if (i == kNone) return std::unexpected(Error::DoesNotExist);
  const auto fine = check(c.options);
  if (fine) sockets_[i].options = c.options;
  return fine;
}

std::expected<Status, Error> Sockets::command(const GetStatus& c) const {
  const uint32_t i = find(c.socket);
  if (i == kNone) return std::unexpected(Error::DoesNotExist);
  const Socket& s = sockets_[i];
  Status out;
  out.local = s.local;
  out.remote = s.remote;
  out.cookie = s.cookie;
  out.waiting = s.queue.count;
  out.receive_queue = ByteCount{s.queue.octets};
  if (s.queue.count > 0) out.next = ByteCount{queues_.front(s.queue).length};
  out.received = s.received;
  out.sent = s.sent;
  out.dropped = s.dropped;
  out.errors = s.errors;
  out.last_error = s.last_error;
  out.last_error_remote = s.last_error_remote;
  out.options = s.options;
  return out;
}

}  // namespace rapport::udp
