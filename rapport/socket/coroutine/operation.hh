// Operation: one thing that a coroutine waits for: a read, an accept, a sleep. It is its own
// awaiter and its own place in the host's queues, so that waiting allocates nothing and destroying
// the waiting coroutine takes it out of every queue. What it waits for is said by attempt(). Name
// operations before awaiting them (g++ 12 destroys temporaries in co_await expressions twice):
//   auto reading = stream.read(buffer);
//   auto octets = co_await reading;
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"

#include <coroutine>
#include <cstdint>

namespace rapport::coroutine {

class Host;

// An intrusive list of operations, first in, first out.
class Operation;

class OperationList {
 public:
  OperationList() = default;
  OperationList(const OperationList&) = delete;
  OperationList& operator=(const OperationList&) = delete;

  [[nodiscard]] bool empty() const { return first_ == nullptr; }

  [[nodiscard]] Operation* first() const { return first_; }

  [[nodiscard]] Operation* last() const { return last_; }

  void push(Operation& op);
  void remove(Operation& op);

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

class Operation {
 public:
  // Only before it is awaited.
  Operation(Operation&& o) noexcept;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation();

  // Ends a waiting operation with Error::Aborted; nothing happens to one that does not wait.
  void cancel();

  // Gives up with Error::TimedOut at `at`. Before it is awaited.
  void expire_at(Instant at) { deadline_ = at; }

  // --- awaiter ---
  bool await_ready() { return attempt(); }

  void await_suspend(std::coroutine_handle<> who);

 protected:
  // `host` may be nullptr only where attempt() then succeeds at once.
  explicit Operation(Host* host) : host_(host) {}

  // Tries to finish now. True when the result is there; called again after every event of the
  // source.
  virtual bool attempt() = 0;
  // Makes `e` the result.
  virtual void fail(Error e) = 0;
  // Where to wait; nullptr when only time can end it.
  virtual OperationList* source() = 0;

  [[nodiscard]] Host* host() const { return host_; }

  // For those that end otherwise than by their source: leaves every queue; its coroutine is ready.
  void end();

 private:
  friend class Channel;
  friend class Gate;
  friend class Host;
  friend class OperationList;

  [[nodiscard]] bool is_waiting() const;
  // Makes `e` the result and its coroutine ready.
  void end_with(Error e);
  void leave();

  Host* host_;
  Operation* next_ = nullptr;
  Operation* previous_ = nullptr;
  OperationList* list_ = nullptr;
  std::coroutine_handle<> waiter_;
  Instant deadline_ = kNever;
  uint64_t timer_number_ = 0;  // its place among equal deadlines; 0: not in the timer queue
  bool ready_ = false;
};

}  // namespace rapport::coroutine
