// Host: runs programs written as coroutines over one Stack. It holds a queue of what is ready, the
// sleepers in the caller's time, and what it must know of each open stream. It reads no clock: a
// world in virtual time (sim/) and a shard in real time drive it alike:
//   feed the stack; host.turn(now); send the stack's frames; wait until the earlier of
//   stack.next_deadline() and host.next_deadline(), as shard::Driver does.
// It takes all events of its Stack, unless another owner of that queue passes them on by deliver().
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/waiting.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <list>
#include <map>
#include <memory>
#include <utility>

namespace rapport::coroutine {

class Host {
 public:
  // `stack` must outlive the host, or until detach().
  Host(stack::Stack& stack, Instant now);
  Host();  // without a stack: every operation answers Error::Aborted
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  // Programs that still run are destroyed, and their streams closed with them.
  ~Host();

  // --- programs ---

  // Starts with the next run_ready(). What it throws comes out of run_ready().
  void spawn(Task<> program);

  // Spawned programs that have not ended.
  [[nodiscard]] size_t running() const { return programs_.size(); }

  // Destroys every program, as a process's exit does: what they had open is closed.
  void kill();

  // --- operations ---

  // Result: expected<Stream, Error>. Errors: those of tcp::Connect; Refused, TimedOut, Reset.
  [[nodiscard]] ConnectOperation connect(const Endpoint& remote,
                                         const ConnectOptions& options = {});
  // Errors: those of tcp::Listen.
  std::expected<Listener, Error> listen(uint16_t port, const ListenOptions& options = {});
  // Result: nothing; cancel() wakes it early.
  [[nodiscard]] SleepOperation sleep(Duration time);
  [[nodiscard]] SleepOperation sleep_until(Instant at);

  // --- driving ---

  // Moves the host's time, wakes the sleepers that are due, takes all events of the stack and wakes
  // those who waited for them.
  void dispatch(Instant now);
  // Resumes what is ready, and what becomes ready thereby, until nothing is. True when anything
  // ran.
  bool run_ready();
  // dispatch() and run_ready() until both have nothing to do. True when anything ran.
  bool turn(Instant now);
  // When dispatch() will have a sleeper or a time limit to end; kNever when there is none.
  [[nodiscard]] Instant next_deadline() const;
  // One event that somebody else took from the stack's queue. False when it is not of this host.
  bool deliver(const tcp::Occurrence& o);

  // --- the machine below ---
  [[nodiscard]] Instant now() const { return now_; }

  [[nodiscard]] bool attached() const { return stack_ != nullptr; }

  // Must be attached.
  [[nodiscard]] stack::Stack& stack() const;
  // The machine died: programs vanish, nothing is closed, every stream left is dead (Aborted).
  void detach();
  void attach(stack::Stack& stack, Instant now);

 private:
  friend class AcceptOperation;
  friend class Channel;
  friend class ConnectOperation;
  friend class Operation;
  struct Program;
  using Timers = std::map<std::pair<Instant, uint64_t>, Operation*>;

  std::shared_ptr<Channel> make_channel();

  void forget(uint64_t cookie) { channels_.erase(cookie); }

  void make_ready(Operation& op);
  void start_timer(Operation& op);
  void stop_timer(Operation& op);
  void reap();

  stack::Stack* stack_ = nullptr;
  Instant now_{};
  OperationList ready_;
  Timers timers_;
  uint64_t timer_number_ = 0;
  uint64_t cookie_ = 0;
  std::map<uint64_t, Channel*> channels_;  // by cookie
  std::list<std::unique_ptr<Program>> programs_;
  uint32_t ended_ = 0;  // programs that have ended and are still there
  bool running_now_ = false;
};

}  // namespace rapport::coroutine
