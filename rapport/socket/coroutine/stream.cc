// Reading, writing and closing a connection.
#include "rapport/socket/coroutine/stream.hh"

#include "rapport/base/reason.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <utility>

namespace rapport::coroutine {

ReadOperation::ReadOperation(std::shared_ptr<Channel> channel, std::span<uint8_t> into,
                             size_t minimum)
    : Operation(channel->host()), channel_(std::move(channel)), into_(into), minimum_(minimum) {}

bool ReadOperation::attempt() {
  stack::Stack* const stack = channel_->stack();
  if (stack == nullptr || (channel_->closing() && !channel_->ended())) {
    return fail(stack == nullptr ? Error::Aborted : Error::Closing), true;
  }
  while (done_ < minimum_) {
    const auto got =
        stack->command(tcp::Receive{.connection = channel_->handle(), .into = into_.subspan(done_)},
                       channel_->now());
    if (!got && got.error() == Error::WouldBlock) return false;
    if (!got) return take_end(got.error());
    done_ += got->v;
  }
  result_ = done_;
  return true;
}

// The end of file is not an error: "connection closing" when all is read, or a connection that has
// ended as the book says before this reader came.
bool ReadOperation::take_end(Error e) {
  const bool at_end =
      e == Error::Closing
      || (e == Error::DoesNotExist && !channel_->closing() && is_graceful(channel_->reason()));
  if (at_end) {
    result_ = done_;
  } else {
    fail(channel_->explain(e));
  }
  return true;
}

WriteOperation::WriteOperation(std::shared_ptr<Channel> channel, std::span<const uint8_t> from,
                               Amount amount, bool urgent)
    : Operation(channel->host()),
      channel_(std::move(channel)),
      from_(from),
      amount_(amount),
      urgent_(urgent) {}

bool WriteOperation::attempt() {
  stack::Stack* const stack = channel_->stack();
  if (stack == nullptr) return fail(Error::Aborted), true;
  while (done_ < from_.size() && (amount_ == Amount::All || done_ == 0)) {
    const auto sent = stack->command(
        tcp::Send{
            .connection = channel_->handle(), .bytes = from_.subspan(done_), .urgent = urgent_},
        channel_->now());
    if (!sent && sent.error() == Error::WouldBlock) return false;
    if (!sent) return fail(channel_->explain(sent.error())), true;
    done_ += sent->v;
  }
  result_ = done_;
  return true;
}

ClosedOperation::ClosedOperation(std::shared_ptr<Channel> channel)
    : Operation(channel->host()), channel_(std::move(channel)) {}

bool ClosedOperation::attempt() {
  if (channel_->ended()) {
    result_ = channel_->reason();
  } else if (channel_->closing()) {
    fail(Error::Closing);
  } else {
    return false;
  }
  return true;
}

Stream& Stream::operator=(Stream&& o) noexcept {
  if (this != &o) {
    const Stream old = std::move(*this);
    channel_ = std::move(o.channel_);
  }
  return *this;
}

Stream::~Stream() {
  if (channel_) channel_->let_go();
}

ReadOperation Stream::read(std::span<uint8_t> into) {
  return {channel_, into, into.empty() ? 0U : 1U};
}

ReadOperation Stream::read_exactly(std::span<uint8_t> into) {
  return {channel_, into, into.size()};
}

WriteOperation Stream::write(std::span<const uint8_t> from) {
  return {channel_, from, WriteOperation::Amount::All, false};
}

WriteOperation Stream::write_some(std::span<const uint8_t> from) {
  return {channel_, from, WriteOperation::Amount::Some, false};
}

WriteOperation Stream::write_urgent(std::span<const uint8_t> from) {
  return {channel_, from, WriteOperation::Amount::All, true};
}

std::expected<void, Error> Stream::shutdown() {
  if (channel_->stack() == nullptr) return std::unexpected(Error::Aborted);
  const auto done =
      channel_->stack()->command(tcp::ShutdownWrite{channel_->handle()}, channel_->now());
  if (!done) return std::unexpected(channel_->explain(done.error()));
  return done;
}

std::expected<void, Error> Stream::close() {
  return channel_->close();
}

std::expected<void, Error> Stream::abort() {
  return channel_->abort();
}

ClosedOperation Stream::closed() {
  return ClosedOperation{channel_};
}

void Stream::cancel() {
  channel_->cancel();
}

std::expected<void, Error> Stream::set_options(const tcp::ConnectionOptions& options) {
  if (channel_->stack() == nullptr) return std::unexpected(Error::Aborted);
  return channel_->stack()->command(
      tcp::SetOptions{.target = channel_->handle(), .options = options}, channel_->now());
}

std::expected<tcp::Status, Error> Stream::status() const {
  if (channel_->stack() == nullptr) return std::unexpected(Error::Aborted);
  return channel_->stack()->command(tcp::GetStatus{channel_->handle()}, channel_->now());
}

}  // namespace rapport::coroutine
