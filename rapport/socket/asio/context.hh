// Context: binds a Shard to an io_context, whose one thread then is the shard's loop. Streams and
// acceptors are made on a Context. It keeps io_context::run() busy until stop() or its end.
// Order: io_context, shard, context, then streams; the context must go before the io_context and
// the shard. Streams that outlive it are dead: their operations answer operation_aborted. Not
// thread-safe: everything here is called on the io_context's thread.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/core.hh"

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

class Context {
 public:
  // NOLINTNEXTLINE(readability-identifier-naming): the name that Asio looks for
  using executor_type = IoExecutor;

  Context(boost::asio::io_context& io, shard::Shard& shard)
      : core_(std::make_shared<Core>(io, shard)) {
    core_->start();
  }

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  ~Context() { core_->stop(); }

  [[nodiscard]] executor_type get_executor() const noexcept { return core_->executor(); }

  // Until stop().
  [[nodiscard]] shard::Shard& shard() const { return core_->shard(); }

  // Ends every stream and acceptor with nothing sent; handlers that wait are dropped, not called.
  void stop() { core_->stop(); }

  // Called once, from the loop, if the device goes away for good (its interface was deleted).
  void on_device_gone(std::function<void()> call) { core_->on_device_gone = std::move(call); }

  // Stops listening and closes every connection as CLOSE does (RFC 9293 3.9.1.4), pending
  // operations end with operation_aborted; then waits until only TIME-WAIT is left. What is still
  // open after `patience` is reset (CloseReason::Drained). Handler: void(error_code, bool in_time).
  template <class Token>
  auto async_drain(std::chrono::nanoseconds patience, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, bool)>(
        [core = core_, patience](auto&& handler) {
          core->drain(Duration{patience.count()},
                      make_completion<boost::system::error_code, bool>(
                          std::forward<decltype(handler)>(handler), core->executor()));
        },
        token);
  }

  // For streams and acceptors.
  [[nodiscard]] const std::shared_ptr<Core>& core() const { return core_; }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace rapport::asio
