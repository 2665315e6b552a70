// What comes from below: datagrams, ICMP's errors, room to send; and what is told of it.
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/queue.hh"
#include "rapport/udp/socket.hh"
#include "rapport/udp/sockets.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rapport::udp {

void Sockets::tell(uint32_t i, What what) {
  Socket& s = sockets_[i];
  if (s.events == 0) events_.push_back(i, sockets_);
  s.events = static_cast<uint16_t>(s.events | static_cast<uint16_t>(what));
}

Arrival Sockets::arrives(std::span<const uint8_t> text, const Endpoint& local,
                         const Endpoint& remote) {
  using Kind = Arrival::Kind;
  const uint32_t i = ports_.find_listening(local, remote);
  if (i == kNone) return {Kind::PortUnreachable, DropReason::UdpNoSocket};
  Socket& s = sockets_[i];
  if (s.queue.count >= s.options.receive_datagrams
      || s.queue.octets + text.size() > s.options.receive_octets.v) {
    ++s.dropped;
    return {Kind::Dropped, DropReason::UdpQueueFull};
  }
  if (!queues_.push(s.queue, text, remote, local.address)) {
    ++s.dropped;
    return {Kind::Dropped, DropReason::PoolExhausted};
  }
  ++s.received;
  tell(i, What::Readable);
  return {};
}

bool Sockets::error_arrives(Error error, const Endpoint& local, const Endpoint& remote) {
  const uint32_t i = ports_.find_listening(local, remote);
  if (i == kNone) return false;
  Socket& s = sockets_[i];
  ++s.errors;
  s.last_error = error;
  s.last_error_remote = remote;
  if (s.connected()) s.trouble = error;
  tell(i, What::Trouble);
  return true;
}

bool Sockets::may_have_sent(const Endpoint& local, const Endpoint& remote) const {
  return ports_.find_listening(local, remote) != kNone;
}

void Sockets::may_send() {
  while (stuck_.head != kNone) {
    const uint32_t i = stuck_.head;
    stuck_.remove(i, sockets_);
    sockets_[i].stuck = false;
    tell(i, What::Writable);
  }
}

bool Sockets::next_event(Occurrence& out) {
  const uint32_t i = events_.head;
  if (i == kNone) return false;
  events_.remove(i, sockets_);
  Socket& s = sockets_[i];
  out = {handle_of(i), s.cookie, std::exchange(s.events, uint16_t{0})};
  return true;
}

// A slot that is free has no port: see close().
void Sockets::sockets(std::vector<Handle>& out) const {
  for (uint32_t i = 1; i < sockets_.top(); ++i) {
    if (sockets_[i].local.port != 0) out.push_back(handle_of(i));
  }
}

void Sockets::close_all() {
  for (uint32_t i = 1; i < sockets_.top(); ++i) {
    if (sockets_[i].local.port != 0) close(i);
  }
}

void Sockets::fingerprint(void (*add)(void* to, uint64_t field), void* to) const {
  const auto put = [&](auto value) { add(to, static_cast<uint64_t>(value)); };
  const auto put_endpoint = [&](const Endpoint& e) {
    for (const uint64_t word : e.address.words()) put(word);
    put(e.port);
  };
  for (uint32_t i = 1; i < sockets_.top(); ++i) {
    const Socket& s = sockets_[i];
    put(s.generation);
    if (s.local.port == 0) continue;
    put_endpoint(s.local);
    put_endpoint(s.remote);
    put(s.cookie);
    put(s.options.receive_datagrams);
    put(s.options.receive_octets.v);
    put(s.options.ttl);
    put(s.options.dscp);
    put(s.events);
    put(s.chose_local);
    put(s.stuck);
    put(s.trouble);
    queues_.each(s.queue, [&](const Waiting& w) {
      put(w.length);
      put_endpoint(w.from);
      for (const uint64_t word : w.to.words()) put(word);
    });
  }
}

size_t Sockets::prepare(size_t limit) {
  size_t touched = sockets_.prepare(limit);
  touched += ports_.prepare(limit - touched);
  return touched + queues_.prepare(limit - touched);
}

}  // namespace rapport::udp
