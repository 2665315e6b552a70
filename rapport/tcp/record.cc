// The trace records of TCP.
#include "rapport/tcp/record.hh"

#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/negotiation.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace rapport::tcp {

namespace {

template <class T>
void write(TraceKind kind, const FlowKey& key, Handle connection, const T& tail, Context& cx) {
  cx.trace.write(kind, cx.now, connection, key, cx.locals[key.local], tail);
}

void copy_options(TraceSegment& t, const uint8_t* from, size_t length) {
  t.option_length = static_cast<uint8_t>(std::min<size_t>(length, sizeof(t.options)));
  if (t.option_length > 0) std::memcpy(t.options, from, t.option_length);
}

void copy_snap(TraceSegment& t, std::span<const uint8_t> text, const Context& cx) {
  t.snap_length = static_cast<uint8_t>(std::min<size_t>(text.size(), cx.trace.snap_length()));
  if (t.snap_length > 0) std::memcpy(t.snap, text.data(), t.snap_length);
}

}  // namespace

void record_sent(const Draft& d, std::span<const uint8_t> bytes, uint32_t text, uint32_t serial,
                 Context& cx) {
  const Connection* c = d.of;
  const Seq iss = c == nullptr ? d.iss : c->snd.iss;
  const Seq irs = c == nullptr ? d.irs : c->rcv.irs;
  TraceSegment t{};
  t.seq = d.seq.v;
  t.ack = d.ack.v;
  t.text_length = text;
  t.window = d.window;
  t.urgent = d.urgent;
  t.flags = d.flags.v;
  t.direction = static_cast<uint8_t>(Direction::Sent);
  t.state = static_cast<uint8_t>(c == nullptr ? d.state : c->state);
  t.cause = static_cast<uint8_t>(d.cause);
  t.serial = serial;
  t.retransmission = d.retransmission ? 1 : 0;
  t.relative_known = c != nullptr || d.relative_known ? 1 : 0;
  t.relative_seq = (d.seq - iss).v;
  t.relative_ack = (d.ack - irs).v;
  const size_t header = bytes.size() - text;
  copy_options(t, bytes.data() + wire::kTcpHeader, header - wire::kTcpHeader);
  copy_snap(t, bytes.subspan(header), cx);
  write(TraceKind::Segment, *d.key, c == nullptr ? Handle{} : cx.handle_of(*c), t, cx);
}

void record_received(const FlowKey& key, const wire::Segment& seg, const Connection* c, State state,
                     Context& cx) {
  TraceSegment t{};
  t.seq = seg.seq.v;
  t.ack = seg.ack.v;
  t.text_length = static_cast<uint32_t>(seg.text.size());
  t.window = seg.window;
  t.urgent = seg.urgent;
  t.flags = seg.flags.v;
  t.direction = static_cast<uint8_t>(Direction::Received);
  t.state = static_cast<uint8_t>(state);
  t.serial = cx.arrival_serial;
  if (c != nullptr && (c->state != State::SynSent || seg.flags.any(wire::kSyn))) {
    t.relative_known = 1;
    t.relative_seq = c->state == State::SynSent ? 0 : (seg.seq - c->rcv.irs).v;
    t.relative_ack = (seg.ack - c->snd.iss).v;
  }
  copy_options(t, seg.raw_options, seg.option_octets);
  copy_snap(t, seg.text, cx);
  write(TraceKind::Segment, key, c == nullptr ? Handle{} : cx.handle_of(*c), t, cx);
}

void record_timer(const Connection& c, TimerKind timer, uint32_t attempt, uint32_t interval_ms,
                  Context& cx) {
  if (!cx.trace.enabled()) return;
  const TraceTimer t{static_cast<uint8_t>(timer), static_cast<uint8_t>(attempt), 0, interval_ms};
  write(TraceKind::Timer, c.key, cx.handle_of(c), t, cx);
}

void write_key_timer(const FlowKey& key, TimerKind timer, uint32_t attempt, uint32_t interval_ms,
                     Context& cx) {
  const TraceTimer t{static_cast<uint8_t>(timer), static_cast<uint8_t>(attempt), 0, interval_ms};
  write(TraceKind::Timer, key, Handle{}, t, cx);
}

void write_icmp(const FlowKey& key, Handle connection, State state, const wire::IcmpError& error,
                Context& cx) {
  TraceIcmp t{};
  t.trouble = static_cast<uint8_t>(error.kind);
  t.type = error.type;
  t.code = error.code;
  t.state = static_cast<uint8_t>(state);
  t.sequence = error.quote.sequence.v;
  t.mtu = error.mtu;
  write(TraceKind::Icmp, key, connection, t, cx);
}

void record_drop(const FlowKey& key, Handle connection, DropReason reason, Context& cx) {
  if (!cx.trace.enabled()) return;
  const TraceDrop t{static_cast<uint8_t>(reason), {}, cx.arrival_serial};
  write(TraceKind::Drop, key, connection, t, cx);
}

void write_call(const FlowKey& key, Handle connection, CallKind call, uint32_t octets,
                Context& cx) {
  const TraceCall t{static_cast<uint8_t>(call), 0, 0, 0, octets};
  write(TraceKind::Call, key, connection, t, cx);
}

void record_failed_call(const FlowKey& key, Handle connection, CallKind call, Error error,
                        Context& cx) {
  if (!cx.trace.enabled()) return;
  const TraceCall t{static_cast<uint8_t>(call), 1, static_cast<uint8_t>(error), 0, 0};
  write(TraceKind::Call, key, connection, t, cx);
}

void write_negotiation(const Connection& c, uint16_t mss_sent, Context& cx) {
  TraceOptions t{};
  t.mss_sent = mss_sent;
  t.mss_received = c.peer_mss;
  t.scaling_on = c.scaling_on;
  t.sack_on = c.sack_on;
  t.timestamps_on = c.timestamps_on;
  // A SYN,ACK carries what was offered to it and nothing else; a SYN carries what we may offer.
  const bool asked = c.active_origin != 0;
  const bool scale_sent = asked ? cx.config.offer_window_scale : c.scaling_on != 0;
  t.window_scale_sent = scale_sent ? shift_for(cx.options_of(c).receive_buffer) : uint8_t{0xff};
  t.window_scale_received = c.scaling_on != 0 ? static_cast<uint8_t>(c.snd_shift) : 0xff;
  t.sack_sent = static_cast<uint8_t>(asked ? cx.config.offer_sack : c.sack_on != 0);
  t.sack_received = c.sack_on;
  t.timestamps_sent =
      static_cast<uint8_t>(asked ? cx.config.offer_timestamps : c.timestamps_on != 0);
  t.timestamps_received = c.timestamps_on;
  t.effective_mss = c.mss;
  write(TraceKind::Options, c.key, cx.handle_of(c), t, cx);
}

void write_sample(const Connection& c, Context& cx) {
  TraceSample t{};
  t.cwnd = c.cwnd;
  t.ssthresh = c.ssthresh;
  t.flight = (c.snd.nxt - c.snd.una).v;
  t.srtt_us = c.srtt / 8;
  t.rttvar_us = c.rttvar / 4;
  t.snd_wnd = c.snd.wnd.v;
  t.rcv_wnd = (c.rcv.edge - c.rcv.nxt).v;
  if (const Transfer* x = cx.transfer_of(c); x != nullptr) {
    t.send_queue = x->send.queued.v;
    t.receive_queue = unread(*x, c).v;
    t.sack_count = std::min<uint32_t>(x->receive.runs, 4);
    for (uint32_t i = 0; i < t.sack_count; ++i) {
      const SeqRange run = run_at(x->receive, i, cx);
      t.sack[size_t{2} * i] = (run.left - c.rcv.irs).v;
      t.sack[size_t{2} * i + 1] = (run.right - c.rcv.irs).v;
    }
  }
  write(TraceKind::Sample, c.key, cx.handle_of(c), t, cx);
}

bool dropped(const Connection& c, DropReason reason, Context& cx) {
  cx.drop(reason);
  record_drop(c.key, cx.handle_of(c), reason, cx);
  return false;
}

void dropped(const FlowKey& key, DropReason reason, Context& cx) {
  cx.drop(reason);
  record_drop(key, Handle{}, reason, cx);
}

}  // namespace rapport::tcp
