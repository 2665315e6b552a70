// ICMP errors at connections. Hard errors end what is not yet synchronized and are soft later on
// (choice 18, RFC 5927 5.2); "too big" makes segments smaller and sends them again at once, but
// waits for a timeout where the path has carried as much before (RFC 5927 7.2).
#include "rapport/tcp/icmp.hh"

#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/recovery.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/icmp_error.hh"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace rapport::tcp {

namespace {

using enum wire::IcmpKind;

// RFC 1122 4.2.3.9: protocol and port unreachable.
// SA-SYNSENT-25, SA-SYNRCVD-32; in the synchronized states they are soft (R5927-2).
bool is_hard(wire::IcmpKind kind) {
  return kind == ProtocolUnreachable || kind == PortUnreachable;
}

// MUST-55, RFC 6633: source quench is no more. A host behind one router learns nothing by
// redirects.
// R5927-5.
bool is_without_effect(wire::IcmpKind kind) {
  return kind == SourceQuench || kind == Redirect || kind == Unknown;
}

bool is_in_flight(const Connection& c, Seq seq) {
  return at_or_after(seq, c.snd.una) && before(seq, c.snd.nxt);
}

// SA-ESTAB-32; R1191-1.
uint16_t smaller_mss(const Connection& c, uint16_t mtu) {
  const int text = mtu - (c.key.remote.is_v4() ? 40 : 60);
  return static_cast<uint16_t>(std::max<int>(text, kLeastMss));
}

// Believed. What larger segments have shown of the path is no longer true of it. The estimate is
// IP's, for whoever speaks to that host (RFC 1191 6.3), and ages there.
void use_mtu(Connection& c, Transfer& x, uint16_t mtu, Context& cx) {
  c.mss = smaller_mss(c, mtu);
  c.path_proven = 0;
  x.largest_acked = 0;
  x.largest_sent = 0;
  if (cx.around.network->lower_path_mtu(c.key.local, c.key.remote, mtu, cx.now)) {
    ++cx.counters.path_mtus_lowered;
  }
}

IcmpVerdict too_big(Connection& c, Seq seq, uint16_t mtu, Context& cx) {
  Transfer* x = cx.transfer_of(c);
  const uint16_t mss = smaller_mss(c, mtu);
  if (x == nullptr || c.syn_acked == 0 || mss >= c.mss) return IcmpVerdict::Ignored;  // R1191-2
  const uint32_t options = c.timestamps_on != 0 ? 12 : 0;
  if (c.path_proven != 0 || x->largest_acked + options > mss) {  // R5927-3
    x->deferred_mtu = mtu;
    x->deferred_at = seq;
    return IcmpVerdict::Deferred;
  }
  use_mtu(c, *x, mtu, cx);
  resend_for_path(c, *x, cx);
  return IcmpVerdict::Lowered;
}

// SA-SYNSENT-26, SA-SYNRCVD-33, SA-ESTAB-33, SA-ALL-15; MUST-47, MUST-56, R1122-4.
void remember(Connection& c, wire::IcmpKind kind, Context& cx) {
  if (Extras* e = need_extras(c, cx); e != nullptr) e->soft_error = kind;
  ++cx.counters.soft_errors;
  if (cx.options_of(c).soft_errors) tell(c, What::DeliveryTrouble, cx);  // SHLD-25, SHLD-20
}

IcmpVerdict arrives_at_connection(Connection& c, const wire::IcmpError& error, uint16_t mtu,
                                  Context& cx) {
  if (c.state == State::Closed || !is_in_flight(c, error.quote.sequence)) {
    return IcmpVerdict::NotInFlight;
  }
  record_icmp(c.key, cx.handle_of(c), c.state, error, cx);
  if (error.kind == PacketTooBig) return too_big(c, error.quote.sequence, mtu, cx);
  if (is_hard(error.kind) && !is_synchronized(c.state)) {
    if (Extras* e = need_extras(c, cx); e != nullptr)
      e->soft_error = error.kind;  // why, with Ended
    end(c, Event::HardErrorArrived, CloseReason::Unreachable, cx);
    return IcmpVerdict::Aborted;
  }
  remember(c, error.kind, cx);
  return IcmpVerdict::Remembered;
}

IcmpVerdict arrives_half_open(uint32_t index, const wire::IcmpError& error, Context& cx) {
  const HalfOpen& h = cx.half_open[index];
  if (error.quote.sequence != h.iss) return IcmpVerdict::NotInFlight;
  record_icmp(h.key, Handle{}, State::SynReceived, error, cx);
  if (error.kind == PacketTooBig) return IcmpVerdict::Ignored;  // no SYN,ACK is that large
  if (!is_hard(error.kind)) {
    ++cx.counters.soft_errors;  // nobody is there to be told
    return IcmpVerdict::Remembered;
  }
  if (h.suspended != kNone) {
    restore_time_wait(index, cx);
  } else {
    remove_half_open(index, Event::HardErrorArrived, cx);
  }
  return IcmpVerdict::Aborted;
}

}  // namespace

IcmpVerdict icmp_arrives(const FlowKey& key, FlowHash hash, const wire::IcmpError& error,
                         uint16_t mtu, Context& cx) {
  const Entry e = cx.table.find(key, hash.tag);
  if (e.tier == Tier::Nobody) return IcmpVerdict::Nobody;
  if (is_without_effect(error.kind)) return IcmpVerdict::Ignored;
  switch (e.tier) {
    case Tier::Connection: return arrives_at_connection(cx.connections[e.index], error, mtu, cx);
    case Tier::HalfOpen: return arrives_half_open(e.index, error, cx);
    default: return IcmpVerdict::NotInFlight;  // TIME-WAIT has nothing in flight
  }
}

void take_deferred_mtu(Connection& c, Transfer& x, Context& cx) {
  const uint16_t mtu = std::exchange(x.deferred_mtu, uint16_t{0});
  if (mtu != 0 && smaller_mss(c, mtu) < c.mss) use_mtu(c, x, mtu, cx);
}

void path_may_be_larger(Connection& c, Context& cx) {
  if (c.syn_acked == 0) return;
  const uint16_t mss = agreed_mss(c.key, c.peer_mss, cx.options_of(c), cx);
  if (mss <= c.mss) return;
  c.mss = mss;
  c.path_proven = 0;
}

}  // namespace rapport::tcp
