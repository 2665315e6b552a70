// What a descriptor is decides how it is used: see the header.
#include "rapport/app/pipe_ends.hh"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using Outcome = std::optional<std::expected<size_t, error_code>>;

Outcome outcome_of(ssize_t n) {
  if (n >= 0) return static_cast<size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  return std::unexpected(error_code(errno, boost::system::system_category()));
}

mode_t type_of(int fd) {
  struct stat st{};
  return ::fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : S_IFREG;
}

// A descriptor of our own for the same thing, non-blocking if that concerns nobody else.
int open_anew(int fd, PipeEnd::Way way) {
  const mode_t type = type_of(fd);
  if (type == S_IFIFO || (type == S_IFCHR && ::isatty(fd) == 1)) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const int access = way == PipeEnd::Way::In ? O_RDONLY : O_WRONLY;
    const int own = ::open(path.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) return own;
  }
  return ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

}  // namespace

PipeEnd::PipeEnd(net::io_context& io, int fd, Way way)
    : way_(way), socket_(type_of(fd) == S_IFSOCK), fd_(open_anew(fd, way)) {
  if (fd_ < 0) return;  // reading and writing will say why
  watched_.emplace(io);
  error_code failed;
  (void)watched_->assign(fd_, failed);
}

Outcome PipeEnd::try_read(std::span<uint8_t> into) {
  if (socket_) return outcome_of(::recv(fd_, into.data(), into.size(), MSG_DONTWAIT));
  return outcome_of(::read(fd_, into.data(), into.size()));
}

Outcome PipeEnd::try_write(std::span<const uint8_t> from) {
  if (socket_) return outcome_of(::send(fd_, from.data(), from.size(), MSG_DONTWAIT));
  return outcome_of(::write(fd_, from.data(), from.size()));
}

net::awaitable<error_code> PipeEnd::ready() {
  error_code ec;
  if (!watched_ || always_ready_) co_return ec;
  const auto what = way_ == Way::In ? net::posix::descriptor_base::wait_read
                                    : net::posix::descriptor_base::wait_write;
  auto token = net::redirect_error(net::use_awaitable, ec);
  co_await watched_->async_wait(what, token);
  always_ready_ = ec == net::error::operation_not_supported;  // epoll takes no files
  co_return always_ready_ ? error_code() : ec;
}

void PipeEnd::cancel() {
  error_code ignored;
  if (watched_) (void)watched_->cancel(ignored);
}

net::awaitable<std::expected<std::span<const uint8_t>, error_code>> Input::next(size_t most) {
  const std::span<uint8_t> into = std::span(buffer_).first(std::min(most, buffer_.size()));
  while (!ended_) {
    if (const error_code ec = co_await end_.ready()) co_return std::unexpected(ec);
    const auto got = end_.try_read(into);
    if (!got) continue;
    if (!*got) co_return std::unexpected(got->error());
    ended_ = **got == 0;
    if (!ended_) co_return std::span<const uint8_t>(into.first(**got));
  }
  co_return std::span<const uint8_t>();
}

net::awaitable<error_code> Output::write(std::span<const uint8_t> octets) {
  while (!octets.empty()) {
    const auto put = end_.try_write(octets);
    broken_ = put && !*put;
    if (broken_) co_return put->error();
    if (put) octets = octets.subspan(**put);
    if (octets.empty()) break;
    if (const error_code ec = co_await end_.ready()) co_return ec;
  }
  co_return error_code();
}

void ignore_broken_pipes() {
  (void)std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace rapport::app
