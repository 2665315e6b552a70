// Questions about a Stack: who is alive, fingerprints, and the audit of its invariants.
#include "rapport/base/address.hh"
#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/siphash.hh"
#include "rapport/stack/stack.hh"
#include "rapport/stack/world.hh"
#include "rapport/tcp/calls.hh"
#include "rapport/tcp/receive_queue.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace rapport::stack {

namespace {

// A running hash of fields, never of struct bytes (DESIGN 4, Replay).
class Fingerprint {
 public:
  template <class... T>
  void add(T... values) {
    ((h_ = siphash24_words({0x7261'7070'6f72'7400ULL, 0x6669'6e67'6572'7072ULL}, h_,
                           static_cast<uint64_t>(values))),
     ...);
  }

  void add_key(const FlowKey& k) {
    uint64_t high = 0;
    uint64_t low = 0;
    std::memcpy(&high, k.remote.octets.data(), 8);
    std::memcpy(&low, k.remote.octets.data() + 8, 8);
    add(high, low, k.ports_and_local());
  }

  [[nodiscard]] uint64_t value() const { return h_; }

 private:
  uint64_t h_ = 0;
};

void add_transfer(Fingerprint& f, const tcp::Transfer& x, const tcp::Connection& c,
                  const tcp::Context& cx) {
  f.add(x.send.queued.v, x.send.pieces, tcp::unread(x, c).v, x.receive.runs, x.receive.fin_waits,
        x.in_recovery, x.resending, x.ack_pending);
  if (x.receive.fin_waits) f.add(x.receive.fin_at.v);
  if (x.recover_valid) f.add(x.recover.v);
  f.add(x.sacked_left.v, x.sacked_right.v);
  if (x.resending) f.add(x.resend.v, x.resend_end.v);
  for (uint32_t i = 0; i < x.receive.runs; ++i) {
    const SeqRange r = tcp::run_at(x.receive, i, cx);
    f.add(r.left.v, r.right.v);
  }
}

void add_connection(Fingerprint& f, const tcp::Connection& c, const tcp::Context& cx) {
  f.add_key(c.key);
  f.add(c.state, c.snd.una.v, c.snd.nxt.v, c.snd.wnd.v, c.snd.wl1.v, c.snd.wl2.v, c.snd.max_wnd.v,
        c.snd.iss.v, c.rcv.nxt.v, c.rcv.edge.v, c.rcv.irs.v, c.rcv.last_ack_sent.v);
  f.add(c.ts_recent, c.mss, c.srtt, c.rttvar, c.cwnd, c.ssthresh, c.retries, c.dup_acks, c.waiting,
        c.quick_acks, c.reason, c.events, c.orphan, c.unaccepted, c.gone, c.fin_queued, c.fin_sent,
        c.owes_ack, c.ack_delayed, c.owes_syn);
  if (c.waiting != tcp::Waiting::Nothing) f.add(c.short_at.v);
  if (c.ack_delayed != 0) f.add(c.ack_at.v);
  if (c.transfer != kNone) add_transfer(f, cx.transfers[c.transfer], c, cx);
}

bool alive(const tcp::Connection& c) {
  return c.gone == 0 && c.state != tcp::State::Closed;
}

// The order of the sequence variables of one connection.
std::string_view audit_sequences(const tcp::Connection& c) {
  if (after(c.snd.una, c.snd.nxt)) return "SND.UNA =< SND.NXT";
  if (before(c.snd.una, c.snd.iss)) return "ISS =< SND.UNA";
  const bool knows_peer = c.state != tcp::State::SynSent;
  if (knows_peer && after(c.rcv.nxt, c.rcv.edge)) return "RCV.NXT =< right edge";
  if (knows_peer && before(c.rcv.nxt, c.rcv.irs + 1_B)) return "IRS < RCV.NXT";
  if (c.fin_sent != 0 && c.fin_queued == 0) return "a FIN is sent only when it was queued";
  return {};
}

// No state without a timer or a debt, except where the next move is the peer's or the
// application's.
std::string_view audit_progress(const tcp::Connection& c) {
  const bool owes = c.dirty != 0 || c.waiting != tcp::Waiting::Nothing || c.ack_delayed != 0;
  if (owes) return {};
  if (c.snd.una != c.snd.nxt) return "what is outstanding has a timer";
  switch (c.state) {
    case tcp::State::Established:
    case tcp::State::CloseWait: return {};
    case tcp::State::FinWait2: return c.orphan != 0 ? "an orphan in FIN-WAIT-2 has a timer" : "";
    default: return "every other state has a timer or a debt";
  }
}

}  // namespace

Stack::Population Stack::population() const {
  const tcp::Context& cx = world_->cx;
  return {cx.connections.used(), cx.half_open.used(), cx.time_wait.used(), cx.listeners.used(),
          cx.transfers.used(),   cx.extras.used(),    cx.blocks.used(),    cx.pieces.used()};
}

void Stack::connections(std::vector<Handle>& out) const {
  const tcp::Context& cx = world_->cx;
  out.clear();
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    if (alive(cx.connections[i])) out.push_back(cx.handle_of(cx.connections[i]));
  }
}

tcp::State Stack::state_of(const Endpoint& local, const Endpoint& remote) const {
  const tcp::Context& cx = world_->cx;
  FlowKey key;
  key.remote = remote.address;
  key.remote_port = remote.port;
  key.local_port = local.port;
  key.local.v = cx.locals.find(local.address);
  const tcp::Entry e = cx.table.find(key, tcp::hash_of(cx.flow_key, key).tag);
  switch (e.tier) {
    case tcp::Tier::Connection: return cx.connections[e.index].state;
    case tcp::Tier::HalfOpen: return tcp::State::SynReceived;
    case tcp::Tier::TimeWait: return tcp::State::TimeWait;
    case tcp::Tier::Nobody: return tcp::State::Closed;
  }
  return tcp::State::Closed;
}

uint64_t Stack::fingerprint() const {
  const tcp::Context& cx = world_->cx;
  Fingerprint f;
  f.add(cx.connections.used(), cx.half_open.used(), cx.time_wait.used(), cx.listeners.used());
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    if (alive(cx.connections[i])) add_connection(f, cx.connections[i], cx);
  }
  for (const tcp::DeadlineList& list : cx.half_open_lists) {
    for (uint32_t i = list.head; i != kNone; i = cx.half_open[i].next) {
      const tcp::HalfOpen& h = cx.half_open[i];
      f.add_key(h.key);
      f.add(h.irs.v, h.iss.v, h.deadline.v, h.retries, h.ts_recent, h.window);
    }
  }
  for (uint32_t i = cx.time_wait_list.head; i != kNone; i = cx.time_wait[i].next) {
    const tcp::TimeWait& w = cx.time_wait[i];
    f.add_key(w.key);
    f.add(w.snd_nxt.v, w.rcv_nxt.v, w.expiry.v, w.ts_recent, w.window);
  }
  return f.value();
}

std::string_view Stack::audit() const {
  const tcp::Context& cx = world_->cx;
  for (uint32_t i = 1; i < cx.connections.top(); ++i) {
    const tcp::Connection& c = cx.connections[i];
    if (!alive(c) || c.state == tcp::State::TimeWait) continue;
    if (auto broken = audit_sequences(c); !broken.empty()) return broken;
    if (auto broken = audit_progress(c); !broken.empty()) return broken;
  }
  return {};
}

}  // namespace rapport::stack
