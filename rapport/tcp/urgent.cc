// Sixth: check the URG bit (RFC 9293 3.8.5, 3.10.7.4; RFC 6093). Urgent text stays in the stream;
// the application is told where it ends, on every advance of the pointer (choice 30).
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"

namespace rapport::tcp {

// SA-ESTAB-24, -25, -35, SA-FW1-24, SA-FW2-23, SA-CW-18, SA-CLOSING-15, SA-LASTACK-15; U-37,
// MUST-30, -32, R6093-1.
bool urgent_is_noted(Connection& c, Arrival& a, Context& cx) {
  if (!a.has(wire::kUrg) || peer_has_finished(c.state)) return true;
  // MUST-62: the pointer designates the octet after the urgent text.
  const Seq up = a.whole.seq + ByteCount{a.whole.urgent} + (a.has(wire::kSyn) ? 1_B : 0_B);
  Extras* e = need_extras(c, cx);
  if (e == nullptr) return true;
  const Transfer* x = cx.transfer_of(c);
  const Seq consumed = x == nullptr ? c.rcv.nxt : x->receive.read;
  const bool news = after(up, consumed) && (!e->rcv_urgent || after(up, e->rcv_up));
  if (!news) return true;
  e->rcv_urgent = true;
  e->rcv_up = up;
  tell(c, What::Urgent, cx);
  return true;
}

}  // namespace rapport::tcp
