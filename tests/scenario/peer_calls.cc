// Peer as the application above the stack, and what must hold of its state and events.
#include "peer.hh"
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"
#include "words.hh"
#include "world.hh"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::scenario {

namespace {

template <class T>
std::optional<Error> error_of(const std::expected<T, Error>& r) {
  if (r) return std::nullopt;
  return r.error();
}

std::string outcome_text(std::optional<Error> e) {
  return e ? std::string(name(*e)) : "ok";
}

std::string octets(ByteCount n) {
  return "(" + std::to_string(n.v) + ")";
}

std::string_view name_of(What w) {
  switch (w) {
    case What::Connected: return "Connected";
    case What::Acceptable: return "Acceptable";
    case What::Readable: return "Readable";
    case What::Writable: return "Writable";
    case What::PeerFinished: return "PeerFinished";
    case What::Urgent: return "Urgent";
    case What::DeliveryTrouble: return "DeliveryTrouble";
    case What::AllAcknowledged: return "AllAcknowledged";
    case What::Ended: return "Ended";
  }
  return "?";
}

std::string in_words(const tcp::Occurrence& o) {
  std::string s;
  for (uint32_t bit = 1; bit <= static_cast<uint32_t>(What::Ended); bit <<= 1) {
    const auto w = static_cast<What>(bit);
    if (o.is(w)) s += (s.empty() ? "" : "+") + std::string(name_of(w));
  }
  if (o.is(What::Ended)) s += " (" + std::string(name(o.reason)) + ")";
  return s;
}

}  // namespace

void Peer::outcome(const std::string& call, std::optional<Error> wanted, std::optional<Error> got,
                   At at) {
  if (wanted != got) {
    fails(call + " answered " + outcome_text(got) + " instead of " + outcome_text(wanted), at);
  }
  collects(at);
}

// The line of the story comes before what the call makes the stack say.
#define SCENARIO_CALL(text)          \
  expects_silence("was called", at); \
  const std::string call = (text);   \
  tells("call   " + call)

Peer& Peer::calls_listen(At at) {
  SCENARIO_CALL("LISTEN");
  tcp::Listen c;
  c.port = local.port;
  c.backlog = w_->with.backlog;
  if (w_->with.listens_to_peer_only) c.remote = remote;
  const auto r = w_->stack->command(c, w_->now);
  if (r) listener = *r;
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_listen(const tcp::Listen& c, Error e, At at) {
  SCENARIO_CALL("LISTEN, which must fail");
  tcp::Listen meant = c;
  meant.local_address = here(c.local_address);
  meant.remote = here(c.remote);
  outcome(call, e, error_of(w_->stack->command(meant, w_->now)), at);
  return *this;
}

Peer& Peer::calls_connect(At at) {
  SCENARIO_CALL("OPEN");
  tcp::Connect c;
  c.remote = remote;
  c.local_port = local.port;
  const auto r = w_->stack->command(c, w_->now);
  if (r) handle = *r;
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_connect(const tcp::Connect& c, Error e, At at) {
  SCENARIO_CALL("OPEN, which must fail");
  tcp::Connect meant = c;
  meant.remote = here(c.remote);
  meant.local_address = here(c.local_address);
  outcome(call, e, error_of(w_->stack->command(meant, w_->now)), at);
  return *this;
}

Peer& Peer::calls_accept(At at) {
  SCENARIO_CALL("ACCEPT");
  const auto r = w_->stack->command(tcp::Accept{.listener = listener}, w_->now);
  if (r) handle = *r;
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_accept(Error e, At at) {
  SCENARIO_CALL("ACCEPT, which must fail");
  const auto r = w_->stack->command(tcp::Accept{.listener = listener}, w_->now);
  outcome(call, e, error_of(r), at);
  return *this;
}

Peer& Peer::calls_send(ByteCount n, At at) {
  SCENARIO_CALL("SEND" + octets(n));
  const auto text = stream_text(w_->sent, n);
  const auto r = w_->stack->command(tcp::Send{.connection = handle, .bytes = text}, w_->now);
  if (r && *r != n) fails("SEND took only " + std::to_string(r->v) + " octets", at);
  if (r) w_->sent += n.v;
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_send(ByteCount n, Error e, At at) {
  SCENARIO_CALL("SEND" + octets(n) + ", which must fail");
  const auto text = stream_text(w_->sent, n);
  const auto r = w_->stack->command(tcp::Send{.connection = handle, .bytes = text}, w_->now);
  outcome(call, e, error_of(r), at);
  return *this;
}

Peer& Peer::calls_send_urgent(ByteCount n, At at) {
  SCENARIO_CALL("SEND urgent" + octets(n));
  const auto text = stream_text(w_->sent, n);
  const auto r =
      w_->stack->command(tcp::Send{.connection = handle, .bytes = text, .urgent = true}, w_->now);
  if (r && *r != n) fails("SEND took only " + std::to_string(r->v) + " octets", at);
  if (r) w_->sent += n.v;
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_receive(ByteCount n, At at) {
  SCENARIO_CALL("RECEIVE" + octets(n));
  std::vector<uint8_t> into(n.v);
  const auto r = w_->stack->command(tcp::Receive{.connection = handle, .into = into}, w_->now);
  if (r && *r != n) fails("RECEIVE gave only " + std::to_string(r->v) + " octets", at);
  if (r && into != stream_text(w_->read, n)) fails("RECEIVE gave other octets than were sent", at);
  if (r) w_->read += n.v;
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_receive(Error e, At at) {
  SCENARIO_CALL("RECEIVE, which must fail");
  std::vector<uint8_t> into(1);
  const auto r = w_->stack->command(tcp::Receive{.connection = handle, .into = into}, w_->now);
  outcome(call, e, error_of(r), at);
  return *this;
}

Peer& Peer::calls_shutdown_write(At at) {
  SCENARIO_CALL("CLOSE of the sending side");
  const auto r = w_->stack->command(tcp::ShutdownWrite{.connection = handle}, w_->now);
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_shutdown_write(Error e, At at) {
  SCENARIO_CALL("CLOSE of the sending side, which must fail");
  const auto r = w_->stack->command(tcp::ShutdownWrite{.connection = handle}, w_->now);
  outcome(call, e, error_of(r), at);
  return *this;
}

Peer& Peer::calls_close(At at) {
  SCENARIO_CALL("CLOSE");
  const auto r = w_->stack->command(tcp::Close{.connection = handle}, w_->now);
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_close(Error e, At at) {
  SCENARIO_CALL("CLOSE, which must fail");
  const auto r = w_->stack->command(tcp::Close{.connection = handle}, w_->now);
  outcome(call, e, error_of(r), at);
  return *this;
}

Peer& Peer::calls_abort(At at) {
  SCENARIO_CALL("ABORT");
  const auto r = w_->stack->command(tcp::Abort{.connection = handle}, w_->now);
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

Peer& Peer::calls_abort(Error e, At at) {
  SCENARIO_CALL("ABORT, which must fail");
  const auto r = w_->stack->command(tcp::Abort{.connection = handle}, w_->now);
  outcome(call, e, error_of(r), at);
  return *this;
}

Peer& Peer::calls_close_listener(At at) {
  SCENARIO_CALL("CLOSE of the listener");
  const auto r = w_->stack->command(tcp::CloseListener{.listener = listener}, w_->now);
  listener = Handle{};
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

tcp::Status Peer::calls_status(At at) {
  SCENARIO_CALL("STATUS");
  const Handle target = handle ? handle : listener;
  const auto r = w_->stack->command(tcp::GetStatus{.target = target}, w_->now);
  outcome(call, std::nullopt, error_of(r), at);
  return *r;
}

Peer& Peer::calls_status(Error e, At at) {
  SCENARIO_CALL("STATUS, which must fail");
  const auto r = w_->stack->command(tcp::GetStatus{.target = handle}, w_->now);
  outcome(call, e, error_of(r), at);
  return *this;
}

Peer& Peer::calls_set_options(const tcp::ConnectionOptions& o, At at) {
  SCENARIO_CALL("SET OPTIONS");
  const Handle target = handle ? handle : listener;
  const auto r = w_->stack->command(tcp::SetOptions{.target = target, .options = o}, w_->now);
  outcome(call, std::nullopt, error_of(r), at);
  return *this;
}

#undef SCENARIO_CALL

// --- what must hold ---------------------------------------------------------------------------

Peer& Peer::is(State wanted, At at) {
  const State lives = w_->stack->state_of(local, remote);
  const bool listening = wanted == State::Listen;
  if (lives != (listening ? State::Closed : wanted)) {
    fails("the state is " + std::string(name(lives)) + " instead of " + std::string(name(wanted)),
          at);
  }
  const Handle asked = listening ? listener : handle;
  if (listening && !asked) fails("nobody listens", at);
  if (!asked || wanted == State::Closed) return *this;
  const auto status = w_->stack->command(tcp::GetStatus{.target = asked}, w_->now);
  if (!status && !listening) return *this;  // given up by the application, yet alive
  if (!status) fails("the listener is gone", at);
  if (status->state != wanted) {
    fails("STATUS says " + std::string(name(status->state)) + " instead of "
              + std::string(name(wanted)),
          at);
  }
  return *this;
}

Peer& Peer::is_gone(At at) {
  is(State::Closed, at);
  if (!handle) return *this;
  const auto status = w_->stack->command(tcp::GetStatus{.target = handle}, w_->now);
  if (status || status.error() != Error::DoesNotExist) fails("the handle is not stale", at);
  return *this;
}

Peer& Peer::and_pools_are_empty(At at) {
  if (listener) calls_close_listener(at);
  expects_silence("was looked into for leaks", at);
  const auto p = w_->stack->population();
  const auto check = [&](const char* what, uint32_t n) {
    if (n != 0) fails(std::to_string(n) + " " + what + " left in the pools", at);
  };
  check("connections", p.connections);
  check("half-open entries", p.half_open);
  check("TIME-WAIT entries", p.time_wait);
  check("listeners", p.listeners);
  check("transfers", p.transfers);
  check("extras", p.extras);
  check("blocks", p.blocks);
  check("pieces", p.pieces);
  check("frames of the stack", w_->frames_of_stack.in_use());
  check("frames of the peer", w_->frames_of_peer.in_use());
  return *this;
}

Peer& Peer::is_told(What what, At at) {
  for (auto& o : w_->told) {
    if (!o.is(what)) continue;
    o.what = static_cast<uint16_t>(o.what & ~static_cast<uint16_t>(what));
    return *this;
  }
  fails("the application was not told " + std::string(name_of(what)), at);
}

Peer& Peer::is_told_ended(CloseReason r, At at) {
  for (auto& o : w_->told) {
    if (!o.is(What::Ended)) continue;
    if (o.reason != r) {
      fails("the connection ended by " + std::string(name(o.reason)) + " instead of "
                + std::string(name(r)),
            at);
    }
    o.what = 0;
    return *this;
  }
  fails("the application was not told the end", at);
}

Peer& Peer::is_not_told(What what, At at) {
  for (const auto& o : w_->told) {
    if (o.is(what)) fails("the application was told " + in_words(o), at);
  }
  return *this;
}

Peer& Peer::is_told_nothing(At at) {
  for (const auto& o : w_->told) {
    if (o.what != 0) fails("the application was told " + in_words(o), at);
  }
  return *this;
}

Peer& Peer::forgets_what_was_told() {
  w_->told.clear();
  return *this;
}

Peer& Peer::dropped_as(DropReason r, At at) {
  const auto times = w_->stack->counters().dropped(r) - w_->counters_before.dropped(r);
  if (times != 1) {
    fails("counted " + std::to_string(times) + " times as " + std::string(name(r)), at);
  }
  return *this;
}

Peer& Peer::holds(bool condition, const std::string& what, At at) {
  if (!condition) fails("it does not hold that " + what, at);
  return *this;
}

Peer& Peer::fills_our_window(ByteCount leave, At at) {
  constexpr uint32_t kLargest = 1400;
  constexpr int kRounds = 4096;
  for (int i = 0; rcv_wnd() > leave; ++i) {
    if (i > kRounds) fails("the window never closes", at);
    const ByteCount n{std::min((rcv_wnd() - leave).v, kLargest)};
    const Seq next = rcv_nxt() + n;
    hears(data(n), at);
    if (!has_more_to_say()) after_next_timer(at);
    says(ack(next), at);
  }
  return *this;
}

}  // namespace rapport::scenario
