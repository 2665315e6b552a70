// Core: the loop of one shard inside an io_context, shared by the Context and by every stream and
// acceptor that is alive. A turn is split: packets and timers in, events to the sockets, whose
// handlers are posted; then, behind those handlers, everything that they said and the
// acknowledgements that are owed go out together. What the handlers of what they said say at once
// (a close behind an answer) goes with it. Runs on the io_context's one thread only.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/tcp/commands.hh"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

// Whoever has a connection or a listener of the stack.
class Socket {
 public:
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  virtual void on_event(const tcp::Occurrence& event) = 0;
  // The core ends: handlers are dropped, not called. Dropping one may destroy this socket.
  virtual void on_stop() = 0;
  // The stack is being drained: pending operations end with `operation_aborted`.
  virtual void on_drain() = 0;

 protected:
  ~Socket() = default;
};

class Core final : public shard::EventSink, public std::enable_shared_from_this<Core> {
 public:
  Core(boost::asio::io_context& io, shard::Shard& shard);

  // Begins to turn; stop() ends it for good and must be called before the shard goes.
  void start();
  void stop();

  [[nodiscard]] bool stopped() const { return shard_ == nullptr; }

  [[nodiscard]] IoExecutor executor() const { return executor_; }

  [[nodiscard]] boost::asio::io_context& io() const { return *io_; }

  // Only while not stopped().
  [[nodiscard]] shard::Shard& shard() const { return *shard_; }

  // One command of the stack at this turn's time; what it causes leaves soon.
  template <class Command>
  auto command(const Command& c) {
    auto result = shard_->stack().command(c, shard_->now());
    said_more_ = true;
    wake();
    return result;
  }

  // The cookie that the next bind() will return.
  [[nodiscard]] uint64_t next_cookie() const;
  // Events with the returned cookie go to `socket` until unbind().
  uint64_t bind(Socket& socket);
  void unbind(uint64_t cookie);

  // Ends all operations, closes everything and waits until only TIME-WAIT is left; what is not
  // there when `patience` has passed is reset, and `done` hears false instead of true.
  void drain(Duration patience, CompletionPtr<boost::system::error_code, bool> done);

  // Called, once, when the device is gone for good. May be empty.
  std::function<void()> on_device_gone;

 private:
  struct Slot {
    Socket* socket = nullptr;
    uint32_t generation = 1;
    uint32_t next_free = 0;
  };

  // One half of a turn, to be posted.
  struct Half {
    std::shared_ptr<Core> core;
    void (Core::*run)();

    void operator()() const { ((*core).*run)(); }
  };

  void on_event(const tcp::Occurrence& event) override;
  void wake();
  void post_input();
  void run_input();
  void run_output();
  [[nodiscard]] std::vector<Socket*> sockets() const;
  void wait_for_packets();
  void wait_for_deadline();
  void check_drained();
  void check_device();

  boost::asio::io_context* io_;
  IoExecutor executor_;
  shard::Shard* shard_;
  boost::asio::posix::stream_descriptor descriptor_;  // borrowed: released, not closed
  boost::asio::steady_timer timer_;
  Instant armed_ = kNever;     // when timer_ will fire
  uint64_t timer_number_ = 0;  // of the wait that counts
  bool waiting_ = false;       // for descriptor_
  bool input_posted_ = false;
  bool output_posted_ = false;
  bool said_more_ = false;             // since the output was posted
  int rounds_ = 0, quiet_rounds_ = 0;  // how often it has waited for more, and in vain
  std::vector<Slot> slots_{1};         // 0 names nobody
  uint32_t free_ = 0;
  Instant drain_deadline_ = kNever;
  CompletionPtr<boost::system::error_code, bool> drain_done_;
};

}  // namespace rapport::asio
