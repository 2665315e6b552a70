// Standard input and output on an io_context, whatever they are: pipe, terminal, socket, file or
// device. They never block the loop, which is a stack's, and the descriptors that other processes
// share with us keep their flags: pipes and terminals are opened anew, sockets read and written
// with MSG_DONTWAIT, and files and /dev/zero, for which nobody can wait, are simply used.
#pragma once

#include "rapport/device/descriptor.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

// One descriptor; made from one that somebody else owns.
class PipeEnd {
 public:
  enum class Way : uint8_t { In, Out };

  PipeEnd(boost::asio::io_context& io, int fd, Way way);

  // One read(2) or write(2); nothing: it would block.
  std::optional<std::expected<size_t, boost::system::error_code>> try_read(std::span<uint8_t> into);
  std::optional<std::expected<size_t, boost::system::error_code>> try_write(
      std::span<const uint8_t> from);
  // Until one of them may work; operation_aborted after cancel().
  boost::asio::awaitable<boost::system::error_code> ready();
  void cancel();

 private:
  Way way_;
  bool socket_ = false;
  int fd_;
  bool always_ready_ = false;
  std::optional<boost::asio::posix::stream_descriptor> watched_;  // owns fd_
};

class Input {
 public:
  explicit Input(boost::asio::io_context& io, int fd = 0, size_t room = 256 << 10)
      : end_(io, fd, PipeEnd::Way::In), buffer_(room) {}

  // The next octets, at most `most`, as they come, valid until the next call; empty at the end.
  // operation_aborted after cancel(), and then nothing is lost.
  boost::asio::awaitable<std::expected<std::span<const uint8_t>, boost::system::error_code>> next(
      size_t most = SIZE_MAX);

  // The end has been seen.
  [[nodiscard]] bool ended() const { return ended_; }

  // A call of next() that waits ends.
  void cancel() { end_.cancel(); }

 private:
  PipeEnd end_;
  std::vector<uint8_t> buffer_;
  bool ended_ = false;
};

class Output {
 public:
  explicit Output(boost::asio::io_context& io, int fd = 1) : end_(io, fd, PipeEnd::Way::Out) {}

  // All of it, or the error: broken_pipe when nobody reads any more.
  boost::asio::awaitable<boost::system::error_code> write(std::span<const uint8_t> octets);

  // A write has failed; the others will.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  PipeEnd end_;
  bool broken_ = false;
};

// Writing where nobody reads answers EPIPE from now on, and does not kill the process.
void ignore_broken_pipes();

}  // namespace rapport::app
