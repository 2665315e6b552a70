// Second: check the RST bit (RFC 9293 3.10.7.4 with RFC 5961 3.2). Fourth: check the SYN bit
// (RFC 5961 4.2). Both answer a doubtful segment with a throttled challenge ACK.
#include "rapport/base/reason.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"

namespace rapport::tcp {

// SA-*-06, -07, SA-LASTACK-18, SA-SYNRCVD-07, -08, SA-ALL-12; SHLD-2, U-30, R5961-1, -6.
bool survives_reset(Connection& c, Arrival& a, Context& cx) {
  if (!a.has(wire::kRst)) return true;
  if (a.whole.seq != c.rcv.nxt && holds(Rule::ChallengeAck, cx.config)) {
    owe_challenge(c, cx);
    return dropped(c, DropReason::RstChallenged, cx);
  }
  // SYN-RECEIVED here is of active origin: passive handshakes live in HalfOpen (MUST-11).
  const bool refused = c.state == State::SynReceived;
  end(c, Event::RstArrived, refused ? CloseReason::Refused : CloseReason::ResetByPeer, cx);
  return false;
}

// SA-*-09, SA-SYNRCVD-12; U-13, U-31, R5961-2.
bool is_no_stray_syn(Connection& c, Arrival& a, Context& cx) {
  if (!a.syn) return true;
  if constexpr (kRuleSwitches) {
    const bool again = !a.has(wire::kAck) && a.whole.seq == c.rcv.irs;
    if (!holds(Rule::ThirdSegment, cx.config) && again) {  // our SYN,ACK was lost
      c.owes_syn = 1;
      mark_dirty(c, cx);
      dropped(c, DropReason::SynChallenged, cx);
      return false;
    }
  }
  // The peer's SYN,ACK again means that our ACK of it was lost: its answer completes the peer, so
  // the throttle must not starve it (SA-ESTAB-36).
  if (a.has(wire::kAck) && a.whole.seq == c.rcv.irs) {
    owe_own_ack(c, {.kind = Debt::Kind::Challenge}, cx);
  } else {
    owe_challenge(c, cx);
  }
  return dropped(c, DropReason::SynChallenged, cx);
}

}  // namespace rapport::tcp
