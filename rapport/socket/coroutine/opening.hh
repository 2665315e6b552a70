// Opening: how streams come to be. ConnectOperation is the active OPEN; a Listener, the passive
// one, accepts. A Listener that is destroyed closes. What follows lies in stream.hh.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <utility>

namespace rapport::coroutine {

// What an active OPEN may choose beside the peer.
struct ConnectOptions {
  IpAddress local_address;  // unspecified: chosen by the stack
  uint16_t local_port = 0;  // 0: ephemeral (RFC 6056)
  std::optional<tcp::ConnectionOptions> options;
};

// What a passive OPEN may choose beside the port.
struct ListenOptions {
  IpAddress local_address;  // unspecified: any of ours
  Endpoint remote;          // unspecified: anyone
  uint32_t backlog = 128;
  std::optional<tcp::ConnectionOptions> options;
};

// Result: an open connection. Abandoned, cancelled or out of time, it closes what it began.
class [[nodiscard]] ConnectOperation final : public Operation {
 public:
  ConnectOperation(Host& host, const Endpoint& remote, const ConnectOptions& options);
  ConnectOperation(ConnectOperation&& o) noexcept = default;
  ~ConnectOperation() override;

  std::expected<Stream, Error> await_resume() { return std::move(result_); }

 private:
  bool attempt() override;
  bool open();
  void fail(Error e) override;

  OperationList* source() override { return &channel_->openers; }

  std::shared_ptr<Channel> channel_;
  Endpoint remote_;
  IpAddress local_address_;
  uint16_t local_port_;
  std::optional<tcp::ConnectionOptions> options_;
  std::expected<Stream, Error> result_;
};

// Result: the oldest connection that waits. Errors: Closing when the listener has closed.
class [[nodiscard]] AcceptOperation final : public Operation {
 public:
  explicit AcceptOperation(std::shared_ptr<Channel> channel);

  std::expected<Stream, Error> await_resume() { return std::move(result_); }

 private:
  bool attempt() override;

  void fail(Error e) override { result_ = std::unexpected(e); }

  OperationList* source() override { return &channel_->acceptors; }

  std::shared_ptr<Channel> channel_;
  std::expected<Stream, Error> result_;
};

class Listener {
 public:
  Listener() = default;

  explicit Listener(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  Listener(Listener&& o) noexcept = default;
  Listener& operator=(Listener&& o) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  AcceptOperation accept();
  // Connections that wait unaccepted are reset (connection-life 1.5); pending accepts are aborted.
  std::expected<void, Error> close();
  void cancel();
  [[nodiscard]] std::expected<tcp::Status, Error> status() const;

  [[nodiscard]] Handle handle() const { return channel_ ? channel_->handle() : Handle{}; }

 private:
  std::shared_ptr<Channel> channel_;
};

}  // namespace rapport::coroutine
