// AcceptLink: each accept is tried at once and again whenever the listener has a connection to
// give.
#include "rapport/socket/asio/acceptor.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/errors.hh"
#include "rapport/socket/asio/link.hh"
#include "rapport/socket/asio/stream.hh"
#include "rapport/tcp/commands.hh"

#include <deque>
#include <memory>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

namespace net = boost::asio;
using boost::system::error_code;

error_code AcceptLink::listen(tcp::Listen what) {
  if (core_->stopped()) return net::error::operation_aborted;
  if (is_open()) return net::error::already_open;
  cookie_ = core_->bind(*this);
  what.cookie = cookie_;
  const auto handle = core_->command(what);
  if (!handle) {
    core_->unbind(std::exchange(cookie_, 0));
    return to_error_code(handle.error(), Role::Opener);
  }
  handle_ = *handle;
  drained_ = false;
  return {};
}

void AcceptLink::accept(Done done) {
  if (core_->stopped() || drained_) {
    return finish(done, error_code(net::error::operation_aborted), Stream(core_));
  }
  if (!is_open()) return finish(done, error_code(net::error::bad_descriptor), Stream(core_));
  waiting_.push_back(std::move(done));
  serve_waiting();
}

void AcceptLink::serve_waiting() {
  while (!waiting_.empty()) {
    const auto handle = core_->command(tcp::Accept{handle_, core_->next_cookie()});
    if (!handle && handle.error() == Error::WouldBlock) return;
    Done done = std::move(waiting_.front());
    waiting_.pop_front();
    if (handle) {
      auto link = std::make_shared<Link>(core_);
      link->adopt(*handle);
      finish(done, error_code(), Stream(std::move(link)));
    } else {
      finish(done, to_error_code(handle.error(), Role::Opener), Stream(core_));
    }
  }
}

void AcceptLink::on_event(const tcp::Occurrence& event) {
  if (event.is(tcp::What::Acceptable) || event.is(tcp::What::Ended)) serve_waiting();
}

void AcceptLink::cancel() {
  for (Done& done : std::exchange(waiting_, {})) {
    finish(done, error_code(net::error::operation_aborted), Stream(core_));
  }
}

void AcceptLink::close() {
  cancel();
  if (is_open() && !core_->stopped() && !drained_) {
    (void)core_->command(tcp::CloseListener{handle_});
  }
  if (cookie_ != 0) core_->unbind(std::exchange(cookie_, 0));
  handle_ = {};
}

void AcceptLink::on_stop() {
  const auto dropped = std::move(waiting_);
}

void AcceptLink::on_drain() {
  cancel();
  drained_ = true;
}

}  // namespace rapport::asio
