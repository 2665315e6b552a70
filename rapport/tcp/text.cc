// Seventh: process the segment text (RFC 9293 3.10.7.4): into the receive queue, in order or beyond
// a hole, and what ACK that owes.
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/state.hh"

namespace rapport::tcp {

namespace {

// Text behind a remembered FIN is the peer's error: only what lies before the FIN counts.
void trim_at_fin(const Transfer& x, Arrival& a) {
  const ReceiveQueue& q = x.receive;
  if (!q.fin_waits) return;
  if (at_or_after(a.seq, q.fin_at)) {
    a.text = {};
    return;
  }
  const ByteCount room = q.fin_at - a.seq;
  if (a.text.size() > room.v) a.text = a.text.first(room.v);
}

// SA-ESTAB-19, SA-FW1-26, SA-FW2-24, SA-SYNRCVD-27; MAY-13.
bool text_out_of_order(Connection& c, Transfer& x, const Arrival& a, Context& cx) {
  if (!store_text(x.receive, c, a.seq, a.text, cx)) return dropped(c, DropReason::BufferFull, cx);
  const SeqRange range{a.seq, a.seq + ByteCount{a.text.size()}};
  const Inserted in = insert_run(x.receive, range, cx);
  const Debt debt{.kind = Debt::Kind::OutOfOrder, .point = range.left, .dsack = in.duplicate};
  if (!in.stored) {
    owe_own_ack(c, {.kind = Debt::Kind::Duplicate}, cx);
    return dropped(c, DropReason::ReassemblyFull, cx);
  }
  owe_own_ack(c, debt, cx);
  return true;
}

// The part of in-order text that a run already held comes again: D-SACK (RFC 2883 4).
void note_duplicate(Connection& c, const Transfer& x, Seq end, Context& cx) {
  if (x.receive.runs == 0) return;
  const SeqRange first = run_at(x.receive, 0, cx);
  if (!before(first.left, end)) return;
  owe_own_ack(c, {.kind = Debt::Kind::Duplicate, .dsack = {first.left, earlier(first.right, end)}},
              cx);
}

// SA-ESTAB-17, -18, -20, SA-FW1-20, -29, SA-FW2-19, -27.
void text_in_order(Connection& c, Transfer& x, const Arrival& a, Context& cx) {
  const ByteCount octets{a.text.size()};
  const bool fills = x.receive.runs > 0;
  const Seq end = c.rcv.nxt + octets;
  if (a.again.empty()) note_duplicate(c, x, end, cx);
  c.rcv.nxt = absorb_runs(x.receive, end, cx);
  if (fills) {  // R5681-11: an ACK at once when a gap is filled, wholly or in part
    x.ack_pending = 0;
    owe_ack(c, cx);
  } else {
    owe_ack_for_text(c, x, octets.v, cx);
  }
  tell(c, What::Readable, cx);
}

}  // namespace

// SA-FW1-21, SA-FW2-20, SA-CW-17, SA-CLOSING-15, SA-LASTACK-15.
bool text_is_taken(Connection& c, Arrival& a, Context& cx) {
  if (a.text.empty()) return true;
  if (peer_has_finished(c.state)) return dropped(c, DropReason::TextAfterFin, cx);
  if (c.orphan != 0) {  // SHLD-3: nobody will ever read it
    reset_unacceptable_ack(c, a.whole, cx);
    end(c, Event::DataAfterClose, CloseReason::DataAfterClose, cx);
    return dropped(c, DropReason::DataAfterClose, cx);
  }
  Transfer* x = need_transfer(c, cx);
  if (x == nullptr) return dropped(c, DropReason::BufferFull, cx);
  trim_at_fin(*x, a);
  if (a.text.empty()) return true;
  cx.counters.octets_received += a.text.size();
  if (a.seq != c.rcv.nxt) return text_out_of_order(c, *x, a, cx);
  if (!a.whole.in_place && !store_text(x->receive, c, a.seq, a.text, cx)) {
    return dropped(c, DropReason::BufferFull, cx);
  }
  text_in_order(c, *x, a, cx);
  return true;
}

}  // namespace rapport::tcp
