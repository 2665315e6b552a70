// One pass over text that is the next: the checksum of RFC 9293 3.1 while it is copied.
#include "rapport/tcp/early_text.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/checksum.hh"

namespace rapport::tcp {

namespace {

// Will text at RCV.NXT be taken whole, whatever else the segment says? Where something lies beyond
// a hole, unverified text might overwrite it.
bool is_surely_next(const Connection& c, const wire::Segment& seg, const Context& cx) {
  if (c.state != State::Established || c.orphan != 0 || c.transfer == kNone) return false;
  if (seg.seq != c.rcv.nxt || seg.text.size() > (c.rcv.edge - c.rcv.nxt).v) return false;
  const ReceiveQueue& q = cx.transfers[c.transfer].receive;
  return q.runs == 0 && !q.fin_waits && !seg.flags.any(wire::kSyn | wire::kRst);
}

}  // namespace

// What may be refused is not touched: PAWS and the window come first (R7323-25).
bool text_is_right(Entry e, wire::Segment& seg, Context& cx) {
  seg.verified = true;
  if (e.tier == Tier::Connection) {
    const Connection& c = cx.connections[e.index];
    if (is_surely_next(c, seg, cx)) {
      wire::PartialSum sum;
      seg.in_place = store_and_sum(cx.transfers[c.transfer].receive, c, seg.text, sum, cx);
      if (seg.in_place) return is_right(seg.header_sum + sum);
    }
  }
  return is_right(seg.header_sum + wire::sum(seg.text));
}

}  // namespace rapport::tcp
