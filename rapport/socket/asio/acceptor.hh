// Acceptor: a listening port of a rapport stack as an Asio object. Any number of accepts may wait.
// Destroying it closes the listener: connections that nobody has accepted are reset.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/socket/asio/core.hh"
#include "rapport/socket/asio/stream.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

// What stays behind an Acceptor while it is moved about.
class AcceptLink final : public Socket {
 public:
  using Done = CompletionPtr<boost::system::error_code, Stream>;

  explicit AcceptLink(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  ~AcceptLink() { close(); }

  boost::system::error_code listen(tcp::Listen what);
  void accept(Done done);
  void cancel();
  void close();

  [[nodiscard]] bool is_open() const { return handle_.v != 0; }

  [[nodiscard]] const std::shared_ptr<Core>& core() const { return core_; }

 private:
  void on_event(const tcp::Occurrence& event) override;
  void on_stop() override;
  void on_drain() override;
  void serve_waiting();

  std::shared_ptr<Core> core_;
  Handle handle_;
  uint64_t cookie_ = 0;
  bool drained_ = false;
  std::deque<Done> waiting_;
};

class Acceptor {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the names that Asio looks for
  using executor_type = IoExecutor;
  using endpoint_type = Endpoint;
  // NOLINTEND(readability-identifier-naming)
  using ErrorCode = boost::system::error_code;

  explicit Acceptor(Context& context) : link_(std::make_shared<AcceptLink>(context.core())) {}

  Acceptor(Acceptor&&) noexcept = default;

  Acceptor& operator=(Acceptor&& other) noexcept {
    if (this != &other) {
      if (link_) link_->close();
      link_ = std::move(other.link_);
    }
    return *this;
  }

  ~Acceptor() {
    if (link_) link_->close();
  }

  [[nodiscard]] executor_type get_executor() const noexcept { return link_->core()->executor(); }

  // Passive OPEN at `local` (its address may be unspecified: any of ours). Children inherit
  // `options`.
  ErrorCode listen(const Endpoint& local, uint32_t backlog = 128,
                   const tcp::ConnectionOptions* options = nullptr) {
    tcp::Listen what;
    what.local_address = local.address;
    what.port = local.port;
    what.backlog = backlog;
    what.options = options;
    return link_->listen(what);
  }

  // Handler: void(error_code, Stream); on an error the stream is not connected.
  template <class Token>
  auto async_accept(Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, Stream)>(
        [link = link_](auto&& handler) {
          link->accept(make_completion<ErrorCode, Stream>(std::forward<decltype(handler)>(handler),
                                                          link->core()->executor()));
        },
        token);
  }

  // Accepts that wait end with operation_aborted.
  void cancel() { link_->cancel(); }

  void close() { link_->close(); }

  [[nodiscard]] bool is_open() const { return link_->is_open(); }

 private:
  std::shared_ptr<AcceptLink> link_;
};

}  // namespace rapport::asio
