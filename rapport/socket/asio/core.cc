// Core's two halves of a turn and what wakes them: a packet, a deadline, or a caller.
#include "rapport/socket/asio/core.hh"

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

// The handlers of what was said are heard before it leaves, until they have said nothing for so
// many rounds (a coroutine may take two to come to its point); they may chain for ever, so in all
// at most:
constexpr int kQuietRounds = 2, kRounds = 16;

}  // namespace

Core::Core(net::io_context& io, shard::Shard& shard)
    : io_(&io),
      executor_(io.get_executor()),
      shard_(&shard),
      descriptor_(io, shard.fd()),
      timer_(io) {}

void Core::start() {
  post_input();
}

void Core::stop() {
  if (stopped()) return;
  shard_ = nullptr;
  error_code ignored;
  (void)descriptor_.cancel(ignored);
  (void)descriptor_.release();
  (void)timer_.cancel(ignored);
  // A handler that is dropped may own sockets, whose ends come back to unbind().
  const auto dropped = std::move(drain_done_);
  for (Socket* socket : sockets()) {
    const bool alive =
        std::ranges::any_of(slots_, [&](const Slot& slot) { return slot.socket == socket; });
    if (alive) socket->on_stop();
  }
}

std::vector<Socket*> Core::sockets() const {
  std::vector<Socket*> all;
  for (const Slot& slot : slots_) {
    if (slot.socket != nullptr) all.push_back(slot.socket);
  }
  return all;
}

uint64_t Core::next_cookie() const {
  if (free_ == 0) return uint64_t{1} << 32 | slots_.size();
  return uint64_t{slots_[free_].generation} << 32 | free_;
}

uint64_t Core::bind(Socket& socket) {
  const uint64_t cookie = next_cookie();
  const auto index = static_cast<uint32_t>(cookie);
  if (index == slots_.size()) {
    slots_.emplace_back();
  } else {
    free_ = slots_[index].next_free;
  }
  slots_[index].socket = &socket;
  return cookie;
}

void Core::unbind(uint64_t cookie) {
  Slot& slot = slots_[static_cast<uint32_t>(cookie)];
  slot.socket = nullptr;
  ++slot.generation;
  slot.next_free = std::exchange(free_, static_cast<uint32_t>(cookie));
}

void Core::on_event(const tcp::Occurrence& event) {
  const auto index = static_cast<uint32_t>(event.cookie);
  if (index >= slots_.size()) return;
  const Slot& slot = slots_[index];
  if (slot.socket != nullptr && slot.generation == event.cookie >> 32) slot.socket->on_event(event);
}

void Core::wake() {
  if (std::exchange(output_posted_, true)) return;
  net::post(executor_, Half{shared_from_this(), &Core::run_output});
}

void Core::post_input() {
  if (std::exchange(input_posted_, true)) return;
  net::post(executor_, Half{shared_from_this(), &Core::run_input});
}

void Core::run_input() {
  input_posted_ = false;
  if (stopped()) return;
  shard_->take();
  shard_->deliver(*this);
  wake();  // behind the handlers that the events have posted
}

void Core::run_output() {
  output_posted_ = false;
  if (stopped()) return;
  quiet_rounds_ = std::exchange(said_more_, false) ? 0 : quiet_rounds_ + 1;
  if (quiet_rounds_ < kQuietRounds && ++rounds_ < kRounds) {
    wake();
    return;
  }
  rounds_ = quiet_rounds_ = 0;
  shard_->deliver(*this);  // commands cause events too
  const bool more = shard_->flush();
  shard_->deliver(*this);  // and so does paying the debts: what has finished retires there
  check_drained();
  check_device();
  if (stopped()) return;
  if (more) {
    post_input();
  } else {
    wait_for_packets();
    wait_for_deadline();
  }
}

void Core::wait_for_packets() {
  if (std::exchange(waiting_, true)) return;
  descriptor_.async_wait(net::posix::descriptor_base::wait_read,
                         [self = shared_from_this()](const error_code& failed) {
                           self->waiting_ = false;
                           if (!failed && !self->stopped()) self->run_input();
                         });
}

// A timer that fires too early is only a turn too many; so it is moved only forward in time.
void Core::wait_for_deadline() {
  const Instant deadline = std::min(shard_->deadline(), drain_deadline_);
  if (deadline >= armed_) return;
  armed_ = deadline;
  timer_.expires_at(shard_->to_steady(deadline));
  timer_.async_wait([self = shared_from_this(), number = ++timer_number_](const error_code&) {
    if (number != self->timer_number_ || self->stopped()) return;
    self->armed_ = kNever;
    self->run_input();
  });
}

void Core::drain(Duration patience, CompletionPtr<error_code, bool> done) {
  if (stopped() || drain_done_) {
    finish(done, error_code(net::error::operation_aborted), false);
    return;
  }
  for (Socket* socket : sockets()) socket->on_drain();  // posts handlers, calls none
  drain_done_ = std::move(done);
  const Instant now = shard_->now();
  drain_deadline_ = now + patience + 1_s;
  shard_->stack().drain(now, now + patience);
  wake();
}

// The stack itself resets at its deadline what is left; the second is for a device that is stuck.
void Core::check_drained() {
  if (!drain_done_) return;
  const bool drained = shard_->stack().drained();
  if (!drained && shard_->now() < drain_deadline_) return;
  drain_deadline_ = kNever;
  const uint64_t reset = shard_->stack().counters().ended_by(CloseReason::Drained);
  finish(drain_done_, error_code(), drained && reset == 0);
}

void Core::check_device() {
  if (shard_->lost_a_device() && on_device_gone) std::exchange(on_device_gone, nullptr)();
}

}  // namespace rapport::asio
