// Persist and keep-alive. Both probe with an old sequence number and no text: the peer's sequence
// test answers it with its ACK and window, and nothing is sent beyond the window.
#include "rapport/tcp/probe.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/arrival.hh"
#include "rapport/tcp/emit.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/output.hh"
#include "rapport/tcp/record.hh"
#include "rapport/tcp/rtt.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace rapport::tcp {

namespace {

void send_old(Connection& c, Seq seq, uint32_t octets, Context& cx) {
  std::optional<wire::Options> room;
  Draft d = draft_for(c, wire::kAck, cx);
  give_options(d, c, {}, room, cx);
  d.seq = seq;
  d.window = select_window(c, cx);
  d.cause = SendCause::Timer;
  static constexpr uint8_t kGarbage = 0;  // MAY-6
  const uint32_t piece = octets == 0 ? kNone : cx.pieces.allocate();
  if (piece != kNone) {
    cx.pieces[piece].data = &kGarbage;
    cx.pieces[piece].length = 1;
  }
  if (emit(d, {piece, 0}, piece == kNone ? 0 : 1, cx)) ack_was_sent(c, cx);
  if (piece != kNone) cx.pieces.release(piece);
}

// SHLD-29, SHLD-30
uint32_t persist_us(const Connection& c, const Context& cx) {
  return std::min(rto_us(c, cx), to_us(cx.config.persist_max));
}

// How long the next probe of a silent peer waits.
Duration keep_alive_wait(const Extras& e) {
  return e.keep_alives_sent == 0 ? e.options.keep_alive_idle : e.options.keep_alive_interval;
}

}  // namespace

void begin_persist(Connection& c, Context& cx) {
  wait_for(c, Waiting::Persist, persist_us(c, cx), cx);
}

void send_window_probe(Connection& c, Context& cx) {
  ++cx.counters.probes_sent;
  send_old(c, c.snd.una - 1_B, 0, cx);
}

// SA-ESTAB-31, SA-ALL-14; MUST-36.
void persist_times_out(Connection& c, Context& cx) {
  const uint32_t waited = persist_us(c, cx) / 1'000;
  one_more_try(c);
  record_timer(c, TimerKind::Persist, c.retries, waited, cx);
  send_window_probe(c, cx);
  begin_persist(c, cx);
}

// MAY-5; off unless asked for (R1122-8).
bool may_keep_alive(const Connection& c, const Context& cx) {
  if (c.keep_alive == 0 || c.extras == kNone || c.snd.una != c.snd.nxt) return false;
  const Transfer* x = cx.transfer_of(c);
  if (x != nullptr && x->send.queued > 0_B) return false;
  return c.state == State::Established || c.state == State::CloseWait
         || (c.state == State::FinWait2 && c.orphan == 0);
}

Tick keep_alive_due(const Connection& c, const Context& cx) {
  const Extras& e = cx.extras[c.extras];
  const Duration wait = keep_alive_wait(e);
  const Tick since = e.keep_alives_sent == 0 ? c.last_heard : e.keep_alive_at;
  return since + static_cast<uint32_t>(std::min<int64_t>(wait.to_ms(), 2'000'000'000));
}

// MUST-29; without text unless asked for (SHLD-12).
void keep_alive_times_out(Connection& c, Context& cx) {
  Extras& e = cx.extras[c.extras];
  record_timer(c, TimerKind::KeepAlive, e.keep_alives_sent + 1U,
               static_cast<uint32_t>(keep_alive_wait(e).to_ms()), cx);
  if (e.keep_alives_sent >= e.options.keep_alive_probes) {
    send_reset(c, cx);
    end(c, Event::GaveUp, CloseReason::KeepAliveTimedOut, cx);
    return;
  }
  ++e.keep_alives_sent;
  e.keep_alive_at = cx.tick_up;
  ++cx.counters.keep_alives_sent;
  send_old(c, c.snd.nxt - 1_B, e.options.keep_alive_octet ? 1 : 0, cx);
}

void send_reset(Connection& c, Context& cx) {
  Draft d = draft_for(c, wire::kRst | wire::kAck, cx);  // with timestamps (R7323-10)
  d.cause = c.called != 0 ? SendCause::Call : SendCause::Timer;
  emit(d, cx);
}

}  // namespace rapport::tcp
