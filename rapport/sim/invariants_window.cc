// The window: what the peer offered bounds what is sent, what we offered bounds what is accepted.
#include "rapport/base/seq.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <string>

namespace rapport::sim {

namespace {

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

// The window of a SYN is never scaled (RFC 7323 2.2).
ByteCount octets_of(const TraceSegment& s, uint8_t shift) {
  return ByteCount{uint32_t{s.window} << (has(s, wire::kSyn) ? 0 : shift)};
}

}  // namespace

void Invariants::hear_window(Incarnation& life, const TraceSegment& s) {
  if (!(has(s, wire::kAck) || has(s, wire::kSyn))) return;
  if (!life.iss) {  // our own SYN found no frame yet
    life.early_window = octets_of(s, 0);
    return;
  }
  const Seq from = has(s, wire::kAck) ? Seq{s.ack} : *life.iss + 1_B;
  const Seq edge = from + octets_of(s, life.peer_shift);
  life.edge_offered = life.edge_offered ? later(*life.edge_offered, edge) : edge;
}

// A FIN takes a number of the window, too; a keep-alive's octet lies before SND.NXT.
void Invariants::check_window(Incarnation& life, const TraceSegment& s) {
  if ((s.text_length == 0 && !has(s, wire::kFin)) || has(s, wire::kSyn)) return;
  const Seq behind = Seq{s.seq} + ByteCount{s.text_length + (has(s, wire::kFin) ? 1U : 0U)};
  if (life.edge_offered && at_or_before(behind, *life.edge_offered)) return;
  note(Invariant::WithinWindow, life.host,
       "text up to " + std::to_string(behind.v) + " is sent, the window ends at "
           + (life.edge_offered ? std::to_string(life.edge_offered->v) : "nothing"));
}

// RCV.NXT never passes what was offered; the sender may have been told of it by any ACK.
void Invariants::offer_window(Incarnation& life, const TraceSegment& s) {
  if (!has(s, wire::kAck)) {  // our SYN: the peer may use its window from IRS + 1 on
    life.edge_sent.reset();
    return;
  }
  const Seq ack{s.ack};
  if (life.edge_sent && after(ack, *life.edge_sent)) {
    note(Invariant::WithinWindow, life.host,
         "ACK " + std::to_string(ack.v) + " accepts what lies beyond the edge of our window, "
             + std::to_string(life.edge_sent->v));
  }
  const Seq edge = ack + octets_of(s, life.own_shift);
  life.edge_sent = life.edge_sent ? later(*life.edge_sent, edge) : edge;
}

}  // namespace rapport::sim
