// ACKs: their window, their SACK and D-SACK blocks, and the debts of a burst (RFC 9293 3.8.6; RFC
// 2018 4; RFC 2883 4).
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/output.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace rapport::tcp {

namespace {

// The largest window that the field can say (RFC 7323 2.2).
ByteCount sayable(const Connection& c) {
  return ByteCount{uint64_t{65535} << c.rcv_shift};
}

// The largest window that we ever offer.
ByteCount whole_window(const Connection& c, const Context& cx) {
  return std::min(cx.options_of(c).receive_buffer, sayable(c));
}

// Octets that may be offered beyond RCV.NXT: what the application's buffer could take.
ByteCount free_room(const Connection& c, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  const ByteCount used = x == nullptr ? 0_B : unread(*x, c);
  return std::min(saturating_sub(cx.options_of(c).receive_buffer, used), sayable(c));
}

// U-18: how far the edge must move before it is worth telling.
ByteCount worthwhile(const Connection& c, ByteCount whole) {
  return std::min(whole / 2, ByteCount{c.mss});
}

// Rounding down must not pull the edge back (SHLD-14). But each rounding up offers a little more:
// where text waits to be read and the buffer has no room for it, the sender has to cope with the
// difference (RFC 7323 2.4).
bool may_round_up(const Connection& c, uint32_t field, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  if (x == nullptr || unread(*x, c) == 0_B) return true;
  return field << c.rcv_shift < free_room(c, cx).v;
}

class Blocks {
 public:
  Blocks(wire::Options& out, uint32_t most) : out_(out), most_(most) {}

  void add(SeqRange r) {
    if (out_.sack_count < most_) out_.sack[out_.sack_count++] = {r.left, r.right};
  }

  // Adds a run unless it is there already (index 0 may be a D-SACK of the same range).
  void add_run(SeqRange r, bool first_is_dsack) {
    for (uint32_t i = first_is_dsack ? 1 : 0; i < out_.sack_count; ++i) {
      if (out_.sack[i].left == r.left) return;
    }
    add(r);
  }

 private:
  wire::Options& out_;
  uint32_t most_;
};

// A duplicate is reported by the ACK that it caused and by no other (R2883-2).
void pay_debt(Connection& c, const Debt& debt, Context& cx) {
  std::optional<wire::Options> room;
  Draft d = draft_for(c, wire::kAck, cx);
  give_options(d, c, debt, room, cx);
  if (debt.kind == Debt::Kind::Cumulative) d.ack = debt.ack;
  d.window = select_window(c, cx);
  if (d.ack != c.rcv.nxt) {  // the same edge, counted from an older number (SHLD-14)
    const uint32_t field = (c.rcv.edge - d.ack).v >> c.rcv_shift;
    d.window = static_cast<uint16_t>(std::min<uint32_t>(field, 65535));
  }
  if (!emit(d, cx)) {
    if (debt.kind != Debt::Kind::Challenge) owe_ack(c, cx);  // its cumulative part is not lost
    return;
  }
  if (debt.kind == Debt::Kind::OutOfOrder) ++cx.counters.duplicate_acks_sent;
  if (!debt.dsack.empty() && c.sack_on != 0) ++cx.counters.dsacks_sent;
  if (d.ack == c.rcv.nxt) ack_was_sent(c, cx);
}

}  // namespace

// Whole runs, as long as one is beyond RCV.NXT, to a peer that permits them (R2018-2, -3, -7).
void sack_blocks(const Connection& c, const Debt& debt, wire::Options& out, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  const bool dsack = !debt.dsack.empty();
  if (x == nullptr || x->receive.runs == 0) {
    if (dsack) Blocks(out, 4).add(debt.dsack);
    return;
  }
  const ReceiveQueue& q = x->receive;
  Blocks blocks(out, out.has_timestamps ? 3 : 4);  // R2018-5
  SeqRange run;
  if (dsack) blocks.add(debt.dsack);  // R2883-1, first of all
  if (dsack && find_run(q, debt.dsack.left, run, cx)) blocks.add_run(run, true);  // R2883-3
  if (debt.kind == Debt::Kind::OutOfOrder && find_run(q, debt.point, run, cx)) {
    blocks.add_run(run, dsack);  // R2018-4: the run that holds the segment that caused this ACK
  }
  for (uint32_t i = 0; i < q.recent_count; ++i) {  // R2018-6: newest first
    if (find_run(q, q.recent[i], run, cx)) blocks.add_run(run, dsack);
  }
  for (uint32_t i = q.runs; i-- > 0 && out.sack_count < 4;) blocks.add_run(run_at(q, i, cx), dsack);
}

// In units of our shift (R7323-5); it may stay closed (MAY-8).
uint16_t select_window(Connection& c, Context& cx) {
  const ByteCount current = c.rcv.edge - c.rcv.nxt;
  const ByteCount whole = whole_window(c, cx);
  const ByteCount least = worthwhile(c, whole);
  ByteCount window = current;
  if (whole > current && whole - current >= least) {  // else no room can be worth telling
    const ByteCount room = free_room(c, cx);
    if (room > current && room - current >= least) window = room;
  }
  uint32_t field = window.v >> c.rcv_shift;
  if ((field << c.rcv_shift) < current.v && may_round_up(c, field, cx)) ++field;
  field = std::min<uint32_t>(field, 65535);
  c.rcv.edge = later(c.rcv.edge, c.rcv.nxt + ByteCount{field << c.rcv_shift});
  return static_cast<uint16_t>(field);
}

bool window_update_is_due(const Connection& c, const Context& cx) {
  if (peer_has_finished(c.state) || c.state < State::Established) return false;
  const ByteCount current = c.rcv.edge - c.rcv.nxt;
  // While more than half of it is still on offer the next segment's ACK tells it in time.
  const ByteCount whole = whole_window(c, cx);
  if (current >= whole / 2) return false;
  const ByteCount room = free_room(c, cx);
  return room > current && room - current >= worthwhile(c, whole);
}

void ack_was_sent(Connection& c, Context& cx) {
  c.rcv.last_ack_sent = c.rcv.nxt;
  c.owes_ack = 0;
  c.ack_delayed = 0;
  if (c.transfer != kNone) cx.transfers[c.transfer].ack_pending = 0;
}

void send_ack(Connection& c, Context& cx) {
  std::optional<wire::Options> room;
  Draft d = draft_for(c, wire::kAck, cx);
  give_options(d, c, {}, room, cx);
  d.window = select_window(c, cx);
  if (emit(d, cx)) ack_was_sent(c, cx);
}

void pay_debts(Context& cx) {
  for (uint32_t i = 0; i < cx.debts.count; ++i) {
    const Debt debt = cx.debts.list[i];
    Connection& c = cx.connections[debt.connection];
    if (c.gone == 0 && c.state != State::Closed) pay_debt(c, debt, cx);
  }
  cx.debts.count = 0;
}

}  // namespace rapport::tcp
