// Eighth: check the FIN bit (RFC 9293 3.10.7.4). A FIN beyond a hole is only remembered; the state
// moves when the hole is filled.
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"

namespace rapport::tcp {

namespace {

// SA-ESTAB-28, SA-FW1-23, -30, SA-FW2-21, SA-SYNRCVD-29.
bool remember_fin(Connection& c, const Arrival& a, Seq at, Context& cx) {
  Transfer* x = need_transfer(c, cx);
  if (x == nullptr) return dropped(c, DropReason::BufferFull, cx);
  x->receive.fin_at = at;
  x->receive.fin_waits = true;
  if (a.text.empty()) owe_ack(c, cx);  // with text, the text owes its own
  return true;
}

void take_fin(Connection& c, Context& cx) {
  c.rcv.nxt += 1_B;
  c.rcv.edge = later(c.rcv.edge, c.rcv.nxt);
  owe_ack(c, cx);
  tell(c, What::PeerFinished, cx);
  const bool was_waiting = c.state == State::FinWait2;
  move(c, Event::FinArrived, cx);
  if constexpr (kRuleSwitches) {
    if (!holds(Rule::HalfClose, cx.config) && c.state == State::CloseWait) {
      c.fin_queued = 1;
      move(c, Event::CloseCalled, cx);
    }
  }
  if (!was_waiting) return;
  c.reason = CloseReason::ClosedByUs;
  record_end(c.key, cx.handle_of(c), c.state, c.reason, cx);
}

}  // namespace

// SA-ESTAB-26, -27, SA-FW1-18, -19, -22, -29, SA-FW2-18, -27, SA-SYNRCVD-19; a second one:
// SA-CW-21, SA-CLOSING-19, SA-LASTACK-20.
bool fin_is_taken(Connection& c, Arrival& a, Context& cx) {
  Transfer* x = cx.transfer_of(c);
  const bool remembered = x != nullptr && x->receive.fin_waits;
  if (!a.fin && !remembered) return true;
  if (peer_has_finished(c.state)) {
    return !a.fin || dropped(c, DropReason::FinAfterFin, cx);
  }
  const Seq at = remembered ? x->receive.fin_at : a.seq + ByteCount{a.text.size()};
  if (at != c.rcv.nxt) return !a.fin || remember_fin(c, a, at, cx);
  if (remembered) x->receive.fin_waits = false;
  take_fin(c, cx);
  return true;
}

}  // namespace rapport::tcp
