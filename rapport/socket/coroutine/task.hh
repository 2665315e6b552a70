// Task<T>: a coroutine that starts when it is awaited and resumes who awaited it when it ends, by
// symmetric transfer (no stack grows). Move-only; destroying it destroys the frame, and with it
// every operation that waits inside. Exceptions reach whoever awaits. No threads: one Host runs it.
#pragma once

#include "rapport/base/assert.hh"

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace rapport::coroutine {

template <class T = void>
class Task;

// What promises of all tasks share: who goes on afterwards, and what was thrown.
class PromiseBase {
 public:
  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> ended) const noexcept {
      const std::coroutine_handle<> next = ended.promise().continuation_;
      return next ? next : std::noop_coroutine();
    }

    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }

  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

  void continue_with(std::coroutine_handle<> next) { continuation_ = next; }

  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  std::coroutine_handle<> continuation_;
  std::exception_ptr thrown_;
};

template <class T>
class TaskPromise : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;

  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }

  T take() {
    rethrow();
    ASSERT(value_.has_value());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;

  void return_void() const noexcept {}

  void take() const { rethrow(); }
};

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = TaskPromise<T>;  // NOLINT(readability-identifier-naming): C++'s own name
  using Frame = std::coroutine_handle<promise_type>;

  Task() = default;

  explicit Task(Frame frame) : frame_(frame) {}

  Task(Task&& o) noexcept : frame_(std::exchange(o.frame_, {})) {}

  Task& operator=(Task&& o) noexcept {
    if (this != &o) {
      destroy();
      frame_ = std::exchange(o.frame_, {});
    }
    return *this;
  }

  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  ~Task() { destroy(); }

  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(frame_); }

  [[nodiscard]] bool done() const { return frame_ && frame_.done(); }

  // Awaiting runs the task to its end and gives its value or throws what it threw. Once only.
  [[nodiscard]] bool await_ready() const noexcept { return done(); }

  [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> who) const noexcept {
    frame_.promise().continue_with(who);
    return frame_;
  }

  T await_resume() const { return frame_.promise().take(); }

  // For those who start a task from outside any coroutine.
  [[nodiscard]] Frame frame() const { return frame_; }

 private:
  void destroy() {
    if (frame_) std::exchange(frame_, {}).destroy();
  }

  Frame frame_;
};

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>{std::coroutine_handle<TaskPromise<T>>::from_promise(*this)};
}

inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>{std::coroutine_handle<TaskPromise<void>>::from_promise(*this)};
}

}  // namespace rapport::coroutine
