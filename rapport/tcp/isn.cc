// Numbers that an outsider must not guess.
#include "rapport/tcp/isn.hh"

#include "rapport/base/flow_key.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/connection_table.hh"

#include <cstdint>
#include <expected>

namespace rapport::tcp {

namespace {

bool is_reserved(uint16_t port, const Context& cx) {
  return (cx.reserved_ports[port / 64] >> (port % 64) & 1) != 0;
}

}  // namespace

uint32_t timestamp_offset(const FlowKey& key, const Context& cx) {
  return cx.config.randomise_timestamp_offset ? hash_of(cx.timestamp_key, key).seed : 0;
}

std::expected<FlowHash, Error> choose_port(FlowKey& key, Context& cx) {
  const uint32_t first = cx.config.ephemeral_first;
  const uint32_t count = cx.config.ephemeral_last - first + 1U;
  key.local_port = 0;
  const FlowHash h = hash_of(cx.port_key, key);  // F(local, remote, secret) of the RFC
  uint32_t& step = cx.port_steps[h.tag % cx.port_steps.size()];
  for (uint32_t i = 0; i < count; ++i) {
    key.local_port = static_cast<uint16_t>(first + (h.seed + step++) % count);
    if (is_reserved(key.local_port, cx)) continue;
    const FlowHash flow = hash_of(cx.flow_key, key);
    if (cx.table.find(key, flow.tag).tier == Tier::Nobody) return flow;
  }
  return std::unexpected(Error::NoFreePort);
}

}  // namespace rapport::tcp
