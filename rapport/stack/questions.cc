// Questions about a Stack: who is alive, and the audit of its invariants. Fingerprints are in
// fingerprint.cc.
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/stack/stack.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/calls.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <string_view>
#include <vector>

namespace rapport::stack {

namespace {

bool alive(const tcp::Connection& c) {
  return c.gone == 0 && c.state != tcp::State::Closed;
}

// The order of the sequence variables of one connection.
std::string_view audit_sequences(const tcp::Connection& c) {
  if (after(c.snd.una, c.snd.nxt)) return "SND.UNA =< SND.NXT";
  if (before(c.snd.una, c.snd.iss)) return "ISS =< SND.UNA";
  const bool knows_peer = c.state != tcp::State::SynSent;
  if (knows_peer && after(c.rcv.nxt, c.rcv.edge)) return "RCV.NXT =< right edge";
  if (knows_peer && before(c.rcv.nxt, c.rcv.irs + 1_B)) return "IRS < RCV.NXT";
  if (c.fin_sent != 0 && c.fin_queued == 0) return "a FIN is sent only when it was queued";
  return {};
}

// No state without a timer or a debt, except where the next move is the peer's or the
// application's.
std::string_view audit_progress(const tcp::Connection& c) {
  const bool owes = c.dirty != 0 || c.waiting != tcp::Waiting::Nothing || c.ack_delayed != 0;
  if (owes) return {};
  if (c.snd.una != c.snd.nxt) return "what is outstanding has a timer";
  switch (c.state) {
    case tcp::State::Established:
    case tcp::State::CloseWait: return {};
    case tcp::State::FinWait2: return c.orphan != 0 ? "an orphan in FIN-WAIT-2 has a timer" : "";
    default: return "every other state has a timer or a debt";
  }
}

}  // namespace

Stack::Population Stack::population() const {
  const tcp::Context& cx = world_->cx;
  const udp::Sockets::Population udp = world_->sockets.population();
  return {cx.connections.used(),
          cx.half_open.used(),
          cx.time_wait.used(),
          cx.listeners.used(),
          cx.transfers.used(),
          cx.extras.used(),
          cx.blocks.used(),
          cx.pieces.used(),
          udp.sockets,
          udp.datagrams,
          world_->reassembly.datagrams()};
}

void Stack::connections(std::vector<Handle>& out) const {
  const tcp::Context& cx = world_->cx;
  out.clear();
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    if (alive(cx.connections[i])) out.push_back(cx.handle_of(cx.connections[i]));
  }
}

ip::AddressState Stack::address_state(const IpAddress& address) const {
  World& w = *world_;
  const uint16_t id = w.locals.find(address);
  if (id == LocalAddresses::kUnknown) return ip::AddressState::NotOurs;
  const Link* link = w.link_of(w.locals.interface_of(LocalId{id}));
  return link == nullptr ? ip::AddressState::Usable : link->neighbours.state_of(address);
}

tcp::State Stack::state_of(const Endpoint& local, const Endpoint& remote) const {
  const tcp::Context& cx = world_->cx;
  FlowKey key;
  key.remote = remote.address;
  key.remote_port = remote.port;
  key.local_port = local.port;
  key.local.v = cx.locals.find(local.address);
  const tcp::Entry e = cx.table.find(key, tcp::hash_of(cx.flow_key, key).tag);
  switch (e.tier) {
    case tcp::Tier::Connection: return cx.connections[e.index].state;
    case tcp::Tier::HalfOpen: return tcp::State::SynReceived;
    case tcp::Tier::TimeWait: return tcp::State::TimeWait;
    case tcp::Tier::Nobody: return tcp::State::Closed;
  }
  return tcp::State::Closed;
}

bool Stack::uses_port(const Endpoint& local) const {
  const tcp::Context& cx = world_->cx;
  const auto here = [&](const IpAddress& own) {
    return local.address.is_unspecified() || own.is_unspecified() || own == local.address;
  };
  const auto holds = [&](const FlowKey& key) {
    return key.local_port == local.port && here(cx.locals[key.local]);
  };
  uint32_t l = cx.listener_buckets[local.port % tcp::kListenerBuckets];
  for (; l != kNone; l = cx.listeners[l].next) {
    if (cx.listeners[l].port == local.port && here(cx.listeners[l].local)) return true;
  }
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    if (alive(cx.connections[i]) && holds(cx.connections[i].key)) return true;
  }
  for (uint32_t i = cx.time_wait_list.head; i != kNone; i = cx.time_wait[i].links.next) {
    if (holds(cx.time_wait[i].key)) return true;
  }
  return false;
}

std::string_view Stack::audit() const {
  const tcp::Context& cx = world_->cx;
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    const tcp::Connection& c = cx.connections[i];
    if (!alive(c) || c.state == tcp::State::TimeWait) continue;
    if (auto broken = audit_sequences(c); !broken.empty()) return broken;
    if (auto broken = audit_progress(c); !broken.empty()) return broken;
  }
  return {};
}

}  // namespace rapport::stack
