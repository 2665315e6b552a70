// Numbers that an outsider must not guess.
#include "rapport/tcp/isn.hh"

#include "rapport/base/flow_key.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/connection_table.hh"

#include <cstddef>
#include <cstdint>
#include <expected>

namespace rapport::tcp {

namespace {

// The flow that this end will most likely want next: hashed, and its bucket on the way.
void prepare(PreparedFlow& next, FlowKey key, uint16_t port, Context& cx) {
  key.local_port = port;
  next.key = key;
  next.hash = hash_of(cx.flow_key, key);
  cx.table.prefetch(next.hash.tag);
}

}  // namespace

// The clock itself ticks each millisecond (R7323-23).
uint32_t timestamp_offset(const FlowKey& key, const Context& cx) {
  return cx.config.randomise_timestamp_offset ? hash_of(cx.timestamp_key, key).seed : 0;
}

// R6056-1 to -4; R5927-4.
std::expected<FlowHash, Error> choose_port(FlowKey& key, Context& cx) {
  key.local_port = 0;
  const FlowHash h = hash_of(cx.port_key, key);  // F(local, remote, secret) of the RFC
  const size_t place = h.tag % cx.port_steps.size();
  uint32_t& step = cx.port_steps[place];
  PreparedFlow& next = cx.prepared_flows[place];
  for (uint32_t i = 0; i < cx.ephemeral.count(); ++i) {
    key.local_port = cx.ephemeral.at(h.seed + step++);
    if (cx.ephemeral.is_reserved(key.local_port)) continue;
    const FlowHash flow = next.key == key ? next.hash : hash_of(cx.flow_key, key);
    if (cx.table.find(key, flow.tag).tier != Tier::Nobody) continue;
    prepare(next, key, cx.ephemeral.at(h.seed + step), cx);
    return flow;
  }
  return std::unexpected(Error::NoFreePort);
}

}  // namespace rapport::tcp
