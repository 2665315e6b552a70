// What ICMP tells of our segments (RFC 9293 3.9.2.2, RFC 1122 4.2.3.9, RFC 5927): to whom it is
// said, whether it may be believed, and what it does. The messages themselves are ip/'s and
// stack/'s.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/wire/icmp_error.hh"

#include <cstdint>

namespace rapport::tcp {

enum class IcmpVerdict : uint8_t {
  Nobody,       // no connection under that key
  NotInFlight,  // the quoted sequence number is none of an unacknowledged segment (R5927-1)
  Ignored,      // source quench, redirects, and what would raise the path MTU
  Remembered,   // a soft error: reported, no state changes
  Aborted,      // a hard error of a handshake
  Deferred,     // too big, against what the path has carried: believed if the segment times out
  Lowered,      // too big, believed
};

// An error quotes a segment of this flow. `mtu` is that of the next hop for PacketTooBig, never 0.
IcmpVerdict icmp_arrives(const FlowKey& key, FlowHash hash, const wire::IcmpError& error,
                         uint16_t mtu, Context& cx);

// The retransmission timer fired: a deferred "too big" is believed now (RFC 5927 7.2).
void take_deferred_mtu(Connection& c, Transfer& x, Context& cx);
// The path's estimate has aged, or never was this connection's: larger segments are tried again.
void path_may_be_larger(Connection& c, Context& cx);

// A segment with so much text, ending at `end`, was sent for the first time / all text up to `ack`
// is acknowledged: what the path is known to carry.
inline void note_sent_size(Transfer& x, uint32_t text, Seq end) {
  if (text <= x.largest_sent) return;
  x.largest_sent = static_cast<uint16_t>(text);
  x.largest_end = end;
}

inline void note_acknowledged_size(Connection& c, Transfer& x, Seq ack) {
  if (x.largest_sent > x.largest_acked && !before(ack, x.largest_end)) {
    x.largest_acked = x.largest_sent;
    if (x.largest_acked + (c.timestamps_on != 0 ? 12U : 0U) >= c.mss) c.path_proven = 1;
  }
  if (x.deferred_mtu != 0 && after(ack, x.deferred_at)) x.deferred_mtu = 0;
}

}  // namespace rapport::tcp
