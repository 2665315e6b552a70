// Link: operations are tried at once and, where the stack has nothing to give or no room, again at
// each event that may have changed that.
#include "rapport/socket/asio/link.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/errors.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

const error_code kAborted = net::error::operation_aborted;
const error_code kExpired = net::error::timed_out;

// None for an end that both sides wanted.
error_code error_of_end(CloseReason reason) {
  const error_code ec = to_error_code(reason, Role::Reader);
  return ec == net::error::eof ? error_code() : ec;
}

// Hears how each attempt ended, while the link waits for it.
class ConnectToAny final : public Completion<error_code> {
 public:
  using Done = CompletionPtr<error_code, Endpoint>;

  ConnectToAny(Link& link, std::vector<Endpoint> remotes, Done done)
      : link_(&link), remotes_(std::move(remotes)), done_(std::move(done)) {}

  void complete(error_code ec) override {
    const bool over = !ec || ec == kAborted || link_->expired() || next_ == remotes_.size();
    if (!over) return link_->connect(remotes_[next_++], nullptr, ConnectCompletion(this));
    const std::unique_ptr<ConnectToAny> self(this);
    finish(done_, ec, ec || next_ == 0 ? Endpoint{} : remotes_[next_ - 1]);
  }

  void abandon() noexcept override { const std::unique_ptr<ConnectToAny> self(this); }

 private:
  friend std::default_delete<ConnectToAny>;
  ~ConnectToAny() = default;

  Link* link_;
  std::vector<Endpoint> remotes_;
  size_t next_ = 0;
  Done done_;
};

}  // namespace

void Link::connect_to_any(std::vector<Endpoint> remotes, CompletionPtr<error_code, Endpoint> done) {
  if (core_->stopped()) return finish(done, kAborted, Endpoint{});
  const auto first = new ConnectToAny(*this, std::move(remotes), std::move(done));
  expired_ = false;
  first->complete(net::error::host_not_found);
}

Link::~Link() {
  close();
}

void Link::connect(const Endpoint& remote, const tcp::ConnectionOptions* options,
                   ConnectCompletion done) {
  if (core_->stopped()) return finish(done, kAborted);
  if (is_open() && reason_ == CloseReason::None) {
    return finish(done, closed_ ? kAborted : error_code(net::error::already_connected));
  }
  detach();  // the one before has ended
  reason_ = CloseReason::None;
  closed_ = expired_ = false;
  cookie_ = core_->bind(*this);
  tcp::Connect open;
  open.remote = remote;
  open.cookie = cookie_;
  open.options = options;
  const auto handle = core_->command(open);
  if (!handle) {
    core_->unbind(std::exchange(cookie_, 0));
    return finish(done, to_error_code(handle.error(), Role::Opener));
  }
  handle_ = *handle;
  connecting_ = std::move(done);
}

void Link::adopt(Handle handle) {
  cookie_ = core_->bind(*this);
  handle_ = handle;
}

std::optional<error_code> Link::unusable(Role role) const {
  if (expired_) return kExpired;
  if (core_->stopped() || closed_) return kAborted;
  if (reason_ != CloseReason::None) return to_error_code(reason_, role);
  if (!is_open()) return error_code(net::error::not_connected);
  return std::nullopt;
}

void Link::read(const ReadPieces& into, TransferCompletion done) {
  ASSERT(!reading_);  // one read at a time
  if (into.count == 0) return finish(done, error_code(), size_t{0});
  read_into_ = into;
  reading_ = std::move(done);
  resume_reading();
}

void Link::write(const WritePieces& from, Text text, TransferCompletion done) {
  ASSERT(!writing_);  // one write at a time
  if (from.count == 0) return finish(done, error_code(), size_t{0});
  write_from_ = from;
  write_text_ = text;
  writing_ = std::move(done);
  resume_writing();
}

std::optional<Link::Outcome> Link::try_read() {
  if (const auto why = unusable(Role::Reader)) return std::unexpected(*why);
  size_t total = 0;
  for (const std::span<uint8_t> part : read_into_.all()) {
    const auto got = core_->command(tcp::Receive{handle_, part});
    if (!got) {
      if (total > 0) break;
      if (got.error() == Error::WouldBlock) return std::nullopt;
      return std::unexpected(to_error_code(got.error(), Role::Reader));
    }
    total += got->v;
    if (got->v < part.size()) break;
  }
  return total;
}

std::optional<Link::Outcome> Link::try_write() {
  if (const auto why = unusable(Role::Writer)) return std::unexpected(*why);
  size_t total = 0;
  for (const std::span<const uint8_t> part : write_from_.all()) {
    const auto put = core_->command(tcp::Send{handle_, part, write_text_ == Text::Urgent});
    if (!put) {
      if (total > 0) break;
      if (put.error() == Error::WouldBlock) return std::nullopt;
      return std::unexpected(to_error_code(put.error(), Role::Writer));
    }
    total += put->v;
    if (put->v < part.size()) break;
  }
  return total;
}

void Link::resume_reading() {
  if (!reading_) return;
  if (const auto outcome = try_read()) {
    finish(reading_, *outcome ? error_code() : outcome->error(), outcome->value_or(0));
  }
}

void Link::resume_writing() {
  if (!writing_) return;
  if (const auto outcome = try_write()) {
    finish(writing_, *outcome ? error_code() : outcome->error(), outcome->value_or(0));
  }
}

void Link::on_event(const tcp::Occurrence& event) {
  using enum tcp::What;
  if (event.is(Ended)) {
    reason_ = event.reason;
    finish(connecting_, to_error_code(event.reason, Role::Opener));
    finish(ending_, error_of_end(reason_));
  } else if (event.is(Connected)) {
    finish(connecting_, error_code());
  }
  resume_reading();
  resume_writing();
  resume_ending();
}

void Link::finish_all(error_code why) {
  finish(connecting_, why);
  finish(ending_, why);
  finish(reading_, why, size_t{0});
  finish(writing_, why, size_t{0});
}

// Forgets the connection, whatever becomes of it.
void Link::detach() {
  if (cookie_ != 0) core_->unbind(std::exchange(cookie_, 0));
  handle_ = {};
}

void Link::cancel() {
  finish_all(kAborted);
}

void Link::close() {
  close_for(kAborted);
}

void Link::close_for(error_code why) {
  finish_all(why);
  expires_at(std::nullopt);
  if (is_open() && !core_->stopped() && reason_ == CloseReason::None && !closed_) {
    (void)core_->command(tcp::Close{handle_});
  }
  closed_ = true;
  detach();
}

void Link::abort() {
  if (is_open() && !core_->stopped() && reason_ == CloseReason::None && !closed_) {
    (void)core_->command(tcp::Abort{handle_});
  }
  closed_ = true;
  close();
}

error_code Link::shutdown() {
  if (const auto why = unusable(Role::Writer)) return *why;
  const auto done = core_->command(tcp::ShutdownWrite{handle_});
  return done ? error_code() : to_error_code(done.error(), Role::Writer);
}

void Link::wait_end(ConnectCompletion done) {
  ASSERT(!ending_);  // one at a time
  if (reason_ != CloseReason::None) return finish(done, error_of_end(reason_));
  if (const auto why = unusable(Role::Opener)) return finish(done, *why);
  ending_ = std::move(done);
  resume_ending();
}

// TIME-WAIT is told as the end only when it is over; for this it is the end.
void Link::resume_ending() {
  if (!ending_) return;
  const auto now = status();
  if (now && now->state == tcp::State::TimeWait) finish(ending_, error_code());
}

void Link::expires_at(std::optional<std::chrono::steady_clock::time_point> when) {
  ++limit_number_;
  if (!when) {
    if (limit_) limit_->cancel();
    return;
  }
  if (!limit_) limit_.emplace(core_->io());
  limit_->expires_at(*when);
  limit_->async_wait([weak = weak_from_this(), number = limit_number_](const error_code&) {
    const auto self = weak.lock();
    if (!self || number != self->limit_number_) return;
    self->expired_ = true;
    self->close_for(kExpired);
  });
}

std::expected<tcp::Status, error_code> Link::status() const {
  if (const auto why = unusable(Role::Opener)) return std::unexpected(*why);
  auto status = core_->shard().stack().command(tcp::GetStatus{handle_}, core_->shard().now());
  if (!status) return std::unexpected(to_error_code(status.error(), Role::Opener));
  return *status;
}

error_code Link::set_options(const tcp::ConnectionOptions& options) {
  if (const auto why = unusable(Role::Opener)) return *why;
  const auto done = core_->command(tcp::SetOptions{handle_, options});
  return done ? error_code() : to_error_code(done.error(), Role::Opener);
}

void Link::on_stop() {
  ++limit_number_;
  limit_.reset();
  // Dropping a handler may destroy this link: nothing of it is touched after these four.
  const auto connecting = std::move(connecting_);
  const auto ending = std::move(ending_);
  const auto reading = std::move(reading_);
  const auto writing = std::move(writing_);
}

// The stack closes every connection itself.
void Link::on_drain() {
  finish_all(kAborted);
  closed_ = true;
}

}  // namespace rapport::asio
