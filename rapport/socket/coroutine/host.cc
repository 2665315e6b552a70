// The queues of a Host: programs, the ready, the sleepers; and the way of an event to who waits.
#include "rapport/socket/coroutine/host.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/waiting.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <coroutine>
#include <cstdint>
#include <exception>
#include <expected>
#include <memory>
#include <utility>

namespace rapport::coroutine {

// A spawned task and the operation that starts it. `outer` awaits the task and notes its end.
struct Host::Program final : Operation {
  Program(Host& h, Task<> t) : Operation(&h), task(std::move(t)) {}

  void start() {
    outer = run(*this);
    await_suspend(outer.frame());
  }

  static Task<> run(Program& self) {
    try {
      co_await self.task;
    } catch (...) {
      self.thrown = std::current_exception();
    }
    self.ended = true;
    ++self.host()->ended_;
  }

  bool attempt() override { return false; }

  void fail(Error /*e*/) override {}

  OperationList* source() override { return &host()->ready_; }

  Task<> task;
  Task<> outer;
  std::exception_ptr thrown;
  bool ended = false;
};

Host::Host() = default;

Host::Host(stack::Stack& stack, Instant now) : stack_(&stack), now_(now) {}

Host::~Host() {
  kill();
  for (auto& [cookie, channel] : channels_) channel->die();
}

void Host::spawn(Task<> program) {
  auto p = std::make_unique<Program>(*this, std::move(program));
  p->start();
  programs_.push_back(std::move(p));
}

void Host::kill() {
  ASSERT(!running_now_);
  programs_.clear();
  ended_ = 0;
}

ConnectOperation Host::connect(const Endpoint& remote, const ConnectOptions& options) {
  return {*this, remote, options};
}

std::expected<Listener, Error> Host::listen(uint16_t port, const ListenOptions& options) {
  if (stack_ == nullptr) return std::unexpected(Error::Aborted);
  auto channel = make_channel();
  const tcp::Listen command{.local_address = options.local_address,
                            .port = port,
                            .remote = options.remote,
                            .backlog = options.backlog,
                            .cookie = channel->cookie(),
                            .options = options.options ? &*options.options : nullptr};
  const auto handle = stack_->command(command, now_);
  if (!handle) return std::unexpected(handle.error());
  channel->opened(*handle, true);
  return Listener{std::move(channel)};
}

SleepOperation Host::sleep(Duration time) {
  return {*this, now_ + time};
}

SleepOperation Host::sleep_until(Instant at) {
  return {*this, at};
}

void Host::dispatch(Instant now) {
  ASSERT(now >= now_);
  now_ = now;
  while (!timers_.empty() && timers_.begin()->first.first <= now_) {
    timers_.begin()->second->end_with(Error::TimedOut);
  }
  tcp::Occurrence o;
  while (stack_ != nullptr && stack_->next_event(o)) (void)deliver(o);
}

bool Host::run_ready() {
  ASSERT(!running_now_);
  const bool any = !ready_.empty();
  running_now_ = true;
  while (Operation* const op = ready_.first()) {
    ready_.remove(*op);
    op->ready_ = false;
    std::exchange(op->waiter_, {}).resume();
  }
  running_now_ = false;
  if (ended_ > 0) reap();
  return any;
}

bool Host::turn(Instant now) {
  bool any = false;
  dispatch(now);
  while (run_ready()) {
    any = true;
    dispatch(now);
  }
  return any;
}

Instant Host::next_deadline() const {
  return timers_.empty() ? kNever : timers_.begin()->first.first;
}

bool Host::deliver(const tcp::Occurrence& o) {
  const auto found = channels_.find(o.cookie);
  if (found == channels_.end()) return false;
  found->second->occurred(o);
  return true;
}

stack::Stack& Host::stack() const {
  ASSERT(stack_ != nullptr);
  return *stack_;
}

void Host::detach() {
  stack_ = nullptr;
  for (auto& [cookie, channel] : channels_) channel->die();
  channels_.clear();  // a dead channel does not take itself out
  kill();
}

void Host::attach(stack::Stack& stack, Instant now) {
  ASSERT(stack_ == nullptr && now >= now_);
  stack_ = &stack;
  now_ = now;
}

std::shared_ptr<Channel> Host::make_channel() {
  auto channel = std::make_shared<Channel>(*this, ++cookie_);
  channels_.emplace(channel->cookie(), channel.get());
  return channel;
}

void Host::make_ready(Operation& op) {
  ASSERT(op.waiter_ && !op.ready_);
  op.ready_ = true;
  ready_.push(op);
}

void Host::start_timer(Operation& op) {
  op.timer_number_ = ++timer_number_;
  timers_.emplace(std::pair{op.deadline_, op.timer_number_}, &op);
}

void Host::stop_timer(Operation& op) {
  timers_.erase({op.deadline_, op.timer_number_});
  op.timer_number_ = 0;
}

void Host::reap() {
  ended_ = 0;
  std::exception_ptr thrown;
  for (auto p = programs_.begin(); p != programs_.end();) {
    if (!(*p)->ended) {
      ++p;
      continue;
    }
    if (!thrown) thrown = (*p)->thrown;
    p = programs_.erase(p);
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace rapport::coroutine
