// Completion: a caller's handler, kept until its operation is done. Type-erased by signature, in
// memory of the handler's associated allocator. Rules of Asio that it keeps: the handler runs on
// its associated executor, never inside the initiating call (it is posted), its memory is given
// back before it runs, and its executor has work until then.
#pragma once

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace rapport::asio {

using IoExecutor = boost::asio::io_context::executor_type;

// A handler with its arguments, callable with none, with the handler's associations.
template <class Handler, class... Args>
class Bound {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the names that Asio looks for
  using executor_type = boost::asio::associated_executor_t<Handler, IoExecutor>;
  using allocator_type = boost::asio::associated_allocator_t<Handler>;

  // NOLINTEND(readability-identifier-naming)

  Bound(Handler handler, IoExecutor io, std::tuple<Args...> args)
      : handler_(std::move(handler)), io_(std::move(io)), args_(std::move(args)) {}

  [[nodiscard]] executor_type get_executor() const noexcept {
    return boost::asio::get_associated_executor(handler_, io_);
  }

  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return boost::asio::get_associated_allocator(handler_);
  }

  void operator()() { std::apply(std::move(handler_), std::move(args_)); }

 private:
  Handler handler_;
  IoExecutor io_;
  std::tuple<Args...> args_;
};

template <class... Args>
class Completion {
 public:
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  // Posts the handler with `args`; the completion is gone afterwards.
  virtual void complete(Args... args) = 0;
  // Destroys the handler without calling it; the completion is gone afterwards.
  virtual void abandon() noexcept = 0;

 protected:
  Completion() = default;
  ~Completion() = default;
};

struct Abandon {
  template <class C>
  void operator()(C* c) const noexcept {
    c->abandon();
  }
};

// Owns a completion; abandons it if nobody completes it.
template <class... Args>
using CompletionPtr = std::unique_ptr<Completion<Args...>, Abandon>;

template <class Handler, class... Args>
class Pending final : public Completion<Args...> {
 public:
  static CompletionPtr<Args...> make(Handler handler, const IoExecutor& io) {
    Allocator allocator(boost::asio::get_associated_allocator(handler));
    Pending* memory = Traits::allocate(allocator, 1);
    return CompletionPtr<Args...>(::new (static_cast<void*>(memory))
                                      Pending(std::move(handler), io));
  }

  void complete(Args... args) override {
    const auto work = std::move(work_);
    const IoExecutor io = io_;
    Bound<Handler, Args...> bound(take(), io, std::tuple<Args...>(std::move(args)...));
    boost::asio::post(io, std::move(bound));  // goes on to the handler's own executor
  }

  void abandon() noexcept override { (void)take(); }

 private:
  using Executor = boost::asio::associated_executor_t<Handler, IoExecutor>;
  using Allocator = typename std::allocator_traits<
      boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<Pending>;
  using Traits = std::allocator_traits<Allocator>;

  Pending(Handler handler, const IoExecutor& io)
      : io_(io),
        handler_(std::move(handler)),
        work_(boost::asio::get_associated_executor(handler_, io)) {}

  // Moves the handler out and gives this object's memory back.
  Handler take() noexcept {
    Handler handler(std::move(handler_));
    Allocator allocator(boost::asio::get_associated_allocator(handler));
    this->~Pending();
    Traits::deallocate(allocator, this, 1);
    return handler;
  }

  IoExecutor io_;
  Handler handler_;
  boost::asio::executor_work_guard<Executor> work_;
};

// The completion of `handler` for operations on an object whose executor is `io`.
template <class... Args, class Handler>
CompletionPtr<Args...> make_completion(Handler&& handler, const IoExecutor& io) {
  return Pending<std::decay_t<Handler>, Args...>::make(std::forward<Handler>(handler), io);
}

// Completes and empties `c`, if it holds anything.
template <class... Args, class... Values>
void finish(CompletionPtr<Args...>& c, Values&&... values) {
  if (c) c.release()->complete(std::forward<Values>(values)...);
}

}  // namespace rapport::asio
