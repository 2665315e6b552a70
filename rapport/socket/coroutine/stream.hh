// Stream: a connection as a value that coroutines use. A Stream that is destroyed closes, as a
// process's exit does (CLOSE: unread text draws an RST).
// One coroutine may read while another writes. Results are std::expected; nothing is thrown.
// All operations may be cancelled, and limited by with_timeout() (host.hh).
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <utility>

namespace rapport::coroutine {

class Stream;

// Result: octets read; fewer than the minimum only at the end of file, so 0 is the end of file.
class [[nodiscard]] ReadOperation final : public Operation {
 public:
  ReadOperation(std::shared_ptr<Channel> channel, std::span<uint8_t> into, size_t minimum);

  std::expected<size_t, Error> await_resume() { return result_; }

 private:
  bool attempt() override;

  void fail(Error e) override { result_ = std::unexpected(e); }

  OperationList* source() override { return &channel_->readers; }

  bool take_end(Error e);

  std::shared_ptr<Channel> channel_;
  std::span<uint8_t> into_;
  size_t minimum_;
  size_t done_ = 0;
  std::expected<size_t, Error> result_ = 0;
};

// Result: octets queued. All of them, or some (at least one) for write_some(). After an error an
// unknown part may have been queued.
class [[nodiscard]] WriteOperation final : public Operation {
 public:
  enum class Amount : uint8_t { All, Some };
  WriteOperation(std::shared_ptr<Channel> channel, std::span<const uint8_t> from, Amount amount,
                 bool urgent);

  std::expected<size_t, Error> await_resume() { return result_; }

 private:
  bool attempt() override;

  void fail(Error e) override { result_ = std::unexpected(e); }

  OperationList* source() override { return &channel_->writers; }

  std::shared_ptr<Channel> channel_;
  std::span<const uint8_t> from_;
  Amount amount_;
  bool urgent_;
  size_t done_ = 0;
  std::expected<size_t, Error> result_ = 0;
};

// Result: why the connection ended. Closing: this end has said CLOSE, and a stack tells nothing of
// a connection that is closed for good; Aborted, TimedOut: by cancel() or a time limit.
class [[nodiscard]] ClosedOperation final : public Operation {
 public:
  explicit ClosedOperation(std::shared_ptr<Channel> channel);

  std::expected<CloseReason, Error> await_resume() { return result_; }

 private:
  bool attempt() override;

  void fail(Error e) override { result_ = std::unexpected(e); }

  OperationList* source() override { return &channel_->closers; }

  std::shared_ptr<Channel> channel_;
  std::expected<CloseReason, Error> result_ = CloseReason::None;
};

class Stream {
 public:
  Stream() = default;  // names no connection: only good to be assigned to

  explicit Stream(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  Stream(Stream&& o) noexcept = default;
  Stream& operator=(Stream&& o) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  [[nodiscard]] explicit operator bool() const { return channel_ != nullptr; }

  // `into` and `from` must live until the operation has ended.
  ReadOperation read(std::span<uint8_t> into);
  // Waits until `into` is full or the peer has finished.
  ReadOperation read_exactly(std::span<uint8_t> into);
  WriteOperation write(std::span<const uint8_t> from);
  WriteOperation write_some(std::span<const uint8_t> from);
  // The urgent pointer is set behind the last octet (MUST-62).
  WriteOperation write_urgent(std::span<const uint8_t> from);

  // CLOSE of the sending side only: a FIN follows what was written; reading goes on.
  std::expected<void, Error> shutdown();
  // CLOSE for good; returns at once, and nothing more is heard of this connection. Who wants to
  // know how it ends says shutdown(), reads to the end of file and waits for closed().
  std::expected<void, Error> close();
  std::expected<void, Error> abort();
  // The end of the connection, whoever brings it about, while this end has not said CLOSE.
  ClosedOperation closed();
  // Every pending operation of this stream answers Error::Aborted.
  void cancel();

  std::expected<void, Error> set_options(const tcp::ConnectionOptions& options);
  [[nodiscard]] std::expected<tcp::Status, Error> status() const;

  [[nodiscard]] Handle handle() const { return channel_ ? channel_->handle() : Handle{}; }

  // None while the connection lives.
  [[nodiscard]] CloseReason reason() const {
    return channel_ ? channel_->reason() : CloseReason::None;
  }

 private:
  std::shared_ptr<Channel> channel_;
};

}  // namespace rapport::coroutine
