// What a Host keeps of a connection or listener: events in, waiting operations out.
#include "rapport/socket/coroutine/channel.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <cstdint>
#include <expected>

namespace rapport::coroutine {

namespace {

constexpr uint16_t readers_events = tcp::What::Readable | tcp::What::PeerFinished;

}  // namespace

Error error_of(CloseReason r) {
  switch (r) {
    case CloseReason::None: return Error::DoesNotExist;
    case CloseReason::ClosedByUs:
    case CloseReason::ClosedByPeer:
    case CloseReason::ClosedTogether:
    case CloseReason::ClosedBeforeOpen: return Error::Closing;
    case CloseReason::ResetByPeer: return Error::Reset;
    case CloseReason::Refused: return Error::Refused;
    case CloseReason::Unreachable: return Error::Unreachable;
    case CloseReason::TimedOut:
    case CloseReason::HandshakeTimedOut:
    case CloseReason::UserTimedOut:
    case CloseReason::KeepAliveTimedOut:
    case CloseReason::OrphanTimedOut:
    case CloseReason::LingerTimedOut: return Error::TimedOut;
    case CloseReason::AbortedByUs:
    case CloseReason::UnreadData:
    case CloseReason::DataAfterClose:
    case CloseReason::ListenerClosed:
    case CloseReason::AcceptOverflow:
    case CloseReason::Drained:
    case CloseReason::Evicted:
    case CloseReason::ReusedTuple:
    case CloseReason::kCount: break;
  }
  return Error::Aborted;
}

bool is_graceful(CloseReason r) {
  return r == CloseReason::ClosedByUs || r == CloseReason::ClosedByPeer
         || r == CloseReason::ClosedTogether;
}

Channel::Channel(Host& host, uint64_t cookie) : host_(&host), cookie_(cookie) {}

Channel::~Channel() {
  if (host_ != nullptr) host_->forget(cookie_);
}

void Channel::wake(OperationList& list) {
  // What stays waiting goes to the end, in its order; so one round meets each once.
  Operation* const last = list.last();
  while (Operation* const op = list.first()) {
    list.remove(*op);
    if (op->attempt()) {
      op->end();
    } else {
      list.push(*op);
    }
    if (op == last) break;
  }
}

void Channel::occurred(const tcp::Occurrence& o) {
  using tcp::What;
  if (o.is(What::Connected)) connected_ = true;
  if (o.is(What::Ended)) {
    ended_ = true;
    reason_ = o.reason;
  }
  if (ended_ || connected_) wake(openers);
  if (ended_ || o.is(What::Acceptable)) wake(acceptors);
  if (ended_ || (o.what & readers_events) != 0) wake(readers);
  if (ended_ || o.is(What::Writable)) wake(writers);
  if (ended_) wake(closers);
}

std::expected<void, Error> Channel::close() {
  if (stack() == nullptr) return std::unexpected(Error::Aborted);
  if (ended_) return std::unexpected(error_of(reason_));
  if (closing_) return std::unexpected(Error::Closing);
  closing_ = true;
  const auto done = listens_ ? stack()->command(tcp::CloseListener{handle_}, now())
                             : stack()->command(tcp::Close{handle_}, now());
  wake(closers);
  for (OperationList* list : {&openers, &acceptors, &readers, &writers}) end_all(*list);
  return done;
}

std::expected<void, Error> Channel::abort() {
  if (stack() == nullptr) return std::unexpected(Error::Aborted);
  if (ended_) return std::unexpected(error_of(reason_));
  closing_ = true;
  const auto done = stack()->command(tcp::Abort{handle_}, now());
  ended_ = true;
  reason_ = CloseReason::AbortedByUs;
  wake(closers);
  for (OperationList* list : {&openers, &acceptors, &readers, &writers}) end_all(*list);
  return done;
}

void Channel::let_go() {
  const auto done = close();
  static_cast<void>(done.has_value());  // closed, or there was nothing left to close
}

void Channel::end_all(OperationList& list) {
  while (Operation* const op = list.first()) op->end_with(Error::Aborted);
}

void Channel::cancel() {
  for (OperationList* list : {&openers, &acceptors, &readers, &writers, &closers}) end_all(*list);
}

void Channel::die() {
  cancel();
  ended_ = true;
  reason_ = CloseReason::AbortedByUs;
  host_ = nullptr;
}

stack::Stack* Channel::stack() const {
  return host_ != nullptr && host_->attached() ? &host_->stack() : nullptr;
}

Instant Channel::now() const {
  return host_ != nullptr ? host_->now() : Instant{};
}

Error Channel::explain(Error e) const {
  return e == Error::DoesNotExist && ended_ ? error_of(reason_) : e;
}

}  // namespace rapport::coroutine
