// Active and passive opening, and accepting.
#include "rapport/socket/coroutine/opening.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <expected>
#include <memory>
#include <utility>

namespace rapport::coroutine {

ConnectOperation::ConnectOperation(Host& host, const Endpoint& remote,
                                   const ConnectOptions& options)
    : Operation(&host),
      remote_(remote),
      local_address_(options.local_address),
      local_port_(options.local_port),
      options_(options.options) {}

ConnectOperation::~ConnectOperation() {
  if (channel_) channel_->let_go();
}

bool ConnectOperation::attempt() {
  if (!channel_ && !open()) return true;
  if (channel_->ended()) {
    result_ = std::unexpected(error_of(channel_->reason()));
  } else if (channel_->connected()) {
    result_ = Stream{std::move(channel_)};
  } else {
    return false;
  }
  return true;
}

// False when the command is refused; the result says why.
bool ConnectOperation::open() {
  if (!host()->attached()) {
    result_ = std::unexpected(Error::Aborted);
    return false;
  }
  auto channel = host()->make_channel();
  const tcp::Connect command{.remote = remote_,
                             .local_address = local_address_,
                             .local_port = local_port_,
                             .cookie = channel->cookie(),
                             .options = options_ ? &*options_ : nullptr};
  const auto handle = host()->stack().command(command, host()->now());
  if (!handle) {
    result_ = std::unexpected(handle.error());
    return false;
  }
  channel->opened(*handle, false);
  channel_ = std::move(channel);
  return true;
}

// The channel itself stays until the end of the operation: it may be the one who ends it.
void ConnectOperation::fail(Error e) {
  result_ = std::unexpected(e);
  if (channel_) channel_->let_go();
}

AcceptOperation::AcceptOperation(std::shared_ptr<Channel> channel)
    : Operation(channel->host()), channel_(std::move(channel)) {}

bool AcceptOperation::attempt() {
  stack::Stack* const stack = channel_->stack();
  if (stack == nullptr || channel_->closing()) {
    return fail(stack == nullptr ? Error::Aborted : Error::Closing), true;
  }
  auto child = channel_->host()->make_channel();
  const auto handle = stack->command(
      tcp::Accept{.listener = channel_->handle(), .cookie = child->cookie()}, channel_->now());
  if (!handle && handle.error() == Error::WouldBlock) return false;
  if (!handle) return fail(channel_->explain(handle.error())), true;
  child->opened(*handle, false);
  result_ = Stream{std::move(child)};
  return true;
}

Listener& Listener::operator=(Listener&& o) noexcept {
  if (this != &o) {
    const Listener old = std::move(*this);
    channel_ = std::move(o.channel_);
  }
  return *this;
}

Listener::~Listener() {
  if (channel_) channel_->let_go();
}

AcceptOperation Listener::accept() {
  return AcceptOperation{channel_};
}

std::expected<void, Error> Listener::close() {
  return channel_->close();
}

void Listener::cancel() {
  channel_->cancel();
}

std::expected<tcp::Status, Error> Listener::status() const {
  if (channel_->stack() == nullptr) return std::unexpected(Error::Aborted);
  return channel_->stack()->command(tcp::GetStatus{channel_->handle()}, channel_->now());
}

}  // namespace rapport::coroutine
