// with_timeout(): a limit in time for one operation, or for a whole task, which is then destroyed
// with all that it has open. Either answers Error::TimedOut.
//   auto reading = with_timeout(host, 5_s, stream.read(buffer));
//   auto octets = co_await reading;
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/socket/coroutine/task.hh"

#include <exception>
#include <expected>
#include <type_traits>
#include <utility>

namespace rapport::coroutine {

// Runs a task until it ends or is out of time. Result: the task's; what it throws is thrown on.
template <class T>
class [[nodiscard]] TimedTask final : public Operation {
 public:
  TimedTask(Host& host, Task<std::expected<T, Error>> task)
      : Operation(&host), task_(std::move(task)) {}

  // Only before it is awaited.
  TimedTask(TimedTask&& o) noexcept
      : Operation(static_cast<Operation&&>(o)), task_(std::move(o.task_)) {}

  std::expected<T, Error> await_resume() {
    if (thrown_) std::rethrow_exception(thrown_);
    return std::move(result_);
  }

 private:
  // Runs the task up to where it first waits.
  bool attempt() override {
    outer_ = run(*this);
    outer_.frame().resume();
    suspended_ = !outer_.done();
    return !suspended_;
  }

  void fail(Error e) override {
    outer_ = {};
    task_ = {};
    result_ = std::unexpected(e);
  }

  OperationList* source() override { return &alone_; }

  static Task<> run(TimedTask& self) {
    try {
      self.result_ = co_await self.task_;
    } catch (...) {
      self.thrown_ = std::current_exception();
    }
    if (self.suspended_) self.end();
  }

  Task<std::expected<T, Error>> task_;
  Task<> outer_;
  OperationList alone_;
  std::expected<T, Error> result_ = std::unexpected(Error::Aborted);
  std::exception_ptr thrown_;
  bool suspended_ = false;
};

template <class Op>
  requires std::is_base_of_v<Operation, std::remove_cvref_t<Op>>
Op with_timeout(Host& host, Duration limit, Op&& op) {
  op.expire_at(host.now() + limit);
  return std::forward<Op>(op);
}

template <class T>
TimedTask<T> with_timeout(Host& host, Duration limit, Task<std::expected<T, Error>> task) {
  TimedTask<T> timed(host, std::move(task));
  timed.expire_at(host.now() + limit);
  return timed;
}

}  // namespace rapport::coroutine
