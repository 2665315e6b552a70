// UDP joined to the stack: what its sockets need from outside, and their calls (RFC 768).
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/local_addresses.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/packet.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/stack/world.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/sockets.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/udp.hh"

#include <array>
#include <cstdint>
#include <expected>

namespace rapport::stack {

namespace {

World& world_of(void* context) {
  return *static_cast<World*>(context);
}

IpAddress source_towards(void* context, const IpAddress& remote) {
  const World& w = world_of(context);
  const uint16_t id = w.paths.source_towards(remote);
  return id == LocalAddresses::kUnknown ? IpAddress{} : w.locals[LocalId{id}];
}

bool is_ours(void* context, const IpAddress& address) {
  return world_of(context).locals.find(address) != LocalAddresses::kUnknown;
}

bool is_broadcast(void* context, const IpAddress& address) {
  return world_of(context).locals.is_broadcast(address);
}

std::expected<void, Error> send(void* context, const udp::Outgoing& d) {
  World& w = world_of(context);
  const LocalId local{w.locals.find(d.local.address)};
  if (local.v == LocalAddresses::kUnknown) return std::unexpected(Error::LocalInvalid);
  if (!w.paths.reaches(local, d.remote.address)) return std::unexpected(Error::Unreachable);
  std::array<uint8_t, wire::kUdpHeader> head{};
  wire::build_udp(head.data(), {d.local.port, d.remote.port}, d.local.address, d.remote.address,
                  {.length = static_cast<uint32_t>(d.text.size()), .sum = wire::sum(d.text)});
  const Message message{.local = local,
                        .remote = d.remote.address,
                        .protocol = wire::kProtocolUdp,
                        .hop_limit = d.ttl,
                        .dscp = d.dscp,
                        .head = head,
                        .text = d.text};
  if (send_message(w, message) == DropReason::None) return {};
  if (!may_ever_leave(w, message)) return std::unexpected(Error::MessageTooLong);
  w.datagrams_wait = true;
  return std::unexpected(Error::WouldBlock);
}

// Executes a call as of `now`. RemoteInvalid is counted for all sockets together.
template <class Command>
auto carry_out(World& w, const Command& command, Instant now) {
  const auto work = [&] {
    w.begin_turn(now);
    auto out = w.sockets.command(command);
    if (!out && out.error() == Error::RemoteInvalid) ++w.cx.counters.remotes_refused;
    return out;
  };
  if (w.recorder == nullptr) [[likely]]
    return work();
  return carry_out_recorded(*w.recorder, command, now, work);
}

}  // namespace

udp::Outside outside_of(World& w) {
  return {.context = &w,
          .source_towards = &source_towards,
          .is_ours = &is_ours,
          .is_broadcast = &is_broadcast,
          .send = &send,
          .random = &w.datagram_random,
          .memory_grew = &w.cx.memory_grew};
}

std::expected<Handle, Error> Stack::command(const udp::Open& c, Instant now) {
  if (world_->cx.draining) return std::unexpected(Error::NotAllowed);
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const udp::Connect& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const udp::SendTo& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<udp::Received, Error> Stack::command(const udp::ReceiveFrom& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const udp::CloseSocket& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<void, Error> Stack::command(const udp::SetOptions& c, Instant now) {
  return carry_out(*world_, c, now);
}

std::expected<udp::Status, Error> Stack::command(const udp::GetStatus& c, Instant now) {
  return carry_out(*world_, c, now);
}

void Stack::datagram_sockets(std::vector<Handle>& out) const {
  world_->sockets.sockets(out);
}

}  // namespace rapport::stack
