// Segments are built here: header, options, text from the send queue, checksum in one pass over the
// text (RFC 9293 3.1). The IP header is the stack's.
#include "rapport/tcp/emit.hh"

#include "rapport/base/flow_key.hh"
#include "rapport/base/reason.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/send_queue.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace rapport::tcp {

namespace {

// Copies `length` octets from the send queue to `to` and sums them.
wire::PartialSum copy_text(uint8_t* to, Cursor from, uint32_t length, const Context& cx) {
  wire::PartialSum sum;
  bool odd = false;
  while (length > 0) {
    const Piece& p = cx.pieces[from.piece];
    const uint32_t n = std::min(length, p.length - from.offset);
    const wire::PartialSum part = wire::copy_and_sum(to, {p.data + from.offset, n});
    sum = sum + (odd ? wire::swapped(part) : part);
    odd = odd != ((n & 1) != 0);
    to += n;
    length -= n;
    from = {p.next, 0};
  }
  return sum;
}

wire::SegmentHead head_of(const Draft& d) {
  return {.source_port = d.key->local_port,
          .destination_port = d.key->remote_port,
          .seq = d.seq,
          .ack = d.ack,
          .flags = d.flags,
          .window = d.window,
          .urgent = d.urgent,
          .options = d.options,
          .timestamps = d.timestamps,
          .tsval = d.tsval,
          .tsecr = d.tsecr};
}

}  // namespace

bool emit(const Draft& d, Cursor from, uint32_t length, Context& cx) {
  if (cx.outbox.full()) {
    cx.drop(DropReason::OutboxFull);
    ++cx.counters.outbox_overflows;
    return false;
  }
  const FlowKey& key = *d.key;
  const wire::SegmentHead head = head_of(d);
  Outgoing& out = cx.outbox.place();  // built where it will lie: a Frame is not moved on the way
  Frame& frame = out.frame;
  const uint32_t headroom = headroom_for(key, cx);
  frame = cx.frames.allocate(headroom);
  if (!frame) {
    cx.drop(DropReason::PoolExhausted);
    return false;
  }
  const uint32_t header = static_cast<uint32_t>(wire::kTcpHeader) + wire::option_length(head);
  frame.reshape(headroom, header + length);
  const wire::PartialSum sum =
      length == 0 ? wire::PartialSum{} : copy_text(frame.data() + header, from, length, cx);
  wire::build_tcp(frame.data(), head, cx.locals[key.local], key.remote,
                  {.length = length, .sum = sum});
  frame.serial = ++cx.serial;
  ++cx.counters.segments_sent;
  cx.counters.octets_sent += length;
  if (d.flags.any(wire::kRst)) ++cx.counters.resets_sent;
  if (d.retransmission) ++cx.counters.retransmissions;
  if (cx.trace.enabled()) record_sent(d, frame.bytes(), length, frame.serial, cx);
  out.remote = key.remote;
  out.local = key.local;
  out.dscp = d.dscp;
  out.ttl = d.ttl;
  out.protocol = wire::kProtocolTcp;
  cx.outbox.push();
  return true;
}

// SA-CLOSED-02 to -04: numbers that the other end must take (U-7), never for a reset (U-10).
void answer_with_reset(const FlowKey& key, const wire::Segment& seg, Context& cx) {
  if (seg.flags.any(wire::kRst)) return;  // SA-ALL-10
  if (seg.flags.any(wire::kAck)) {
    reset_unacceptable_ack(key, State::Closed, {.ttl = cx.config.defaults.ttl}, seg, cx);
    return;
  }
  Draft d;
  d.key = &key;
  d.seq = Seq{0};
  d.ack = seg.seq + seg.length();
  d.flags = wire::kRst | wire::kAck;
  d.ttl = cx.config.defaults.ttl;
  emit(d, cx);
}

// SA-LISTEN-02, SA-SYNSENT-01, -02, SA-SYNRCVD-17: <SEQ=SEG.ACK><CTL=RST> (U-8).
void reset_unacceptable_ack(const FlowKey& key, State state, IpFields ip, const wire::Segment& seg,
                            Context& cx) {
  if (seg.flags.any(wire::kRst)) return;
  Draft d;
  d.key = &key;
  d.seq = seg.ack;
  d.flags = wire::kRst;
  d.state = state;
  d.dscp = ip.dscp;
  d.ttl = ip.ttl;
  emit(d, cx);
}

}  // namespace rapport::tcp
