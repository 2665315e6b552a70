// The four options of the handshake.
#include "rapport/tcp/negotiation.hh"

#include "rapport/base/flow_key.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

namespace {

constexpr uint16_t kDefaultMss4 = 536;  // MUST-15
constexpr uint16_t kDefaultMss6 = 1220;

}  // namespace

uint16_t offered_mss(const FlowKey& key, const ConnectionOptions& o, const Context& cx) {
  const uint16_t ours = interface_mss(key, cx);
  return o.mss_clamp == 0 ? ours : std::min(ours, o.mss_clamp);
}

uint8_t shift_for(ByteCount buffer) {
  uint8_t shift = 0;
  while (shift < wire::kMaxShift && (buffer.v >> shift) > 65535) ++shift;
  return shift;
}

// However large the peer's is, the path's MTU bounds it (U-22).
uint16_t agreed_mss(const FlowKey& key, uint16_t peer_mss, const ConnectionOptions& o,
                    const Context& cx) {
  const uint16_t unsaid = key.remote.is_v4() ? kDefaultMss4 : kDefaultMss6;
  const uint16_t theirs = peer_mss != 0 ? peer_mss : unsaid;
  const uint16_t path = path_mss(key, cx);
  const uint16_t ours = o.mss_clamp == 0 ? path : std::min(path, o.mss_clamp);
  return std::max(kLeastMss, std::min(theirs, ours));
}

// MUST-14, SHLD-5, MAY-3. MSS and SACK-permitted stand in SYN segments alone (MUST-65, R2018-1).
wire::Options syn_options(const Connection& c, Context& cx) {
  wire::Options o;
  o.has_mss = true;
  o.mss = offered_mss(c.key, cx.options_of(c), cx);
  o.sack_permitted = cx.config.offer_sack;
  o.has_window_scale = cx.config.offer_window_scale;
  o.window_scale = static_cast<uint8_t>(c.rcv_shift);
  o.has_timestamps = cx.config.offer_timestamps;
  o.tsval = timestamp_now(c, cx);  // TSecr is zero without ACK (R7323-14)
  return o;
}

// R7323-2, -8.
wire::Options syn_ack_options(const Connection& c, Context& cx) {
  wire::Options o;
  o.has_mss = true;
  o.mss = offered_mss(c.key, cx.options_of(c), cx);
  o.sack_permitted = c.sack_on != 0;
  o.has_window_scale = c.scaling_on != 0;
  o.window_scale = static_cast<uint8_t>(c.rcv_shift);
  o.has_timestamps = c.timestamps_on != 0;
  o.tsval = timestamp_now(c, cx);
  o.tsecr = c.ts_recent;
  return o;
}

// R7323-1.
void agree(Connection& c, const wire::Options& theirs, Context& cx) {
  c.scaling_on = theirs.has_window_scale && cx.config.offer_window_scale ? 1 : 0;
  c.sack_on = theirs.sack_permitted && cx.config.offer_sack ? 1 : 0;
  c.timestamps_on = theirs.has_timestamps && cx.config.offer_timestamps ? 1 : 0;
  if (c.scaling_on != 0) {
    c.snd_shift = std::min<uint8_t>(theirs.window_scale, wire::kMaxShift) & 0xfU;  // R7323-3
  } else {
    c.snd_shift = 0;
    c.rcv_shift = 0;
  }
  if (c.timestamps_on != 0) c.ts_recent = theirs.tsval;
  c.peer_mss = theirs.has_mss ? theirs.mss : 0;
  c.mss = agreed_mss(c.key, c.peer_mss, cx.options_of(c), cx);
}

}  // namespace rapport::tcp
