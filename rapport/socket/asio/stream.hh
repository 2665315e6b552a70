// Stream: one TCP connection of a rapport stack as an Asio object: AsyncReadStream,
// AsyncWriteStream and Beast's AsyncStream, so that net::async_read, net::ssl::stream<Stream> and
// Beast's HTTP work on it unchanged, with callbacks, futures and C++20 coroutines. At most one
// connect, one read and one write at a time. Handlers are never called from within the initiating
// function. Movable; destroying it closes the connection as CLOSE does, and operations that wait
// end with operation_aborted. Errors are in errors.hh.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/socket/asio/completion.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/socket/asio/link.hh"
#include "rapport/socket/asio/resolver.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::asio {

class Stream {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the names that Asio looks for
  using executor_type = IoExecutor;
  using lowest_layer_type = Stream;
  using endpoint_type = Endpoint;
  // NOLINTEND(readability-identifier-naming)
  using ErrorCode = boost::system::error_code;

  // A stream that is not connected.
  explicit Stream(Context& context) : Stream(context.core()) {}

  explicit Stream(std::shared_ptr<Core> core) : link_(std::make_shared<Link>(std::move(core))) {}

  Stream(Stream&&) noexcept = default;

  Stream& operator=(Stream&& other) noexcept {
    if (this != &other) {
      if (link_) link_->close();
      link_ = std::move(other.link_);
    }
    return *this;
  }

  ~Stream() {
    if (link_) link_->close();
  }

  [[nodiscard]] executor_type get_executor() const noexcept { return link_->core()->executor(); }

  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }

  [[nodiscard]] bool is_open() const { return link_->is_open(); }

  // Active OPEN. Handler: void(error_code). `options` may be nullptr: those of the stack; copied.
  template <class Token>
  auto async_connect(const Endpoint& remote, const tcp::ConnectionOptions* options, Token&& token) {
    const auto copy = options != nullptr ? std::optional(*options) : std::nullopt;
    return boost::asio::async_initiate<Token, void(ErrorCode)>(
        [link = link_, remote, copy](auto&& handler) {
          link->connect(remote, copy ? &*copy : nullptr,
                        make_completion<ErrorCode>(std::forward<decltype(handler)>(handler),
                                                   link->core()->executor()));
        },
        token);
  }

  template <class Token>
  auto async_connect(const Endpoint& remote, Token&& token) {
    return async_connect(remote, nullptr, std::forward<Token>(token));
  }

  // One after the other until one answers. Handler: void(error_code, Endpoint), the endpoint that
  // did; the error is that of the last one, host_not_found when there is none.
  template <class Token>
  auto async_connect(const ResolverResults& to, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, Endpoint)>(
        [link = link_, remotes = to.endpoints()](auto&& handler) {
          link->connect_to_any(
              remotes, make_completion<ErrorCode, Endpoint>(
                           std::forward<decltype(handler)>(handler), link->core()->executor()));
        },
        token);
  }

  // At least one octet, unless the buffers are empty; they must stay until the handler is called.
  // Handler: void(error_code, size_t); eof when the peer has finished.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [link = link_, into = pieces_of<uint8_t>(buffers)](auto&& handler) {
          link->read(into, make_completion<ErrorCode, size_t>(
                               std::forward<decltype(handler)>(handler), link->core()->executor()));
        },
        token);
  }

  // Done when octets are queued in the stack, not when they are acknowledged.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return write_some(buffers, Link::Text::Plain, std::forward<Token>(token));
  }

  // The same; the urgent pointer is set behind the last octet that was queued (MUST-62).
  template <class Buffers, class Token>
  auto async_write_some_urgent(const Buffers& buffers, Token&& token) {
    return write_some(buffers, Link::Text::Urgent, std::forward<Token>(token));
  }

  // Half close: a FIN behind what is queued; reading goes on.
  ErrorCode shutdown() { return link_->shutdown(); }

  // Until both FINs are acknowledged and TIME-WAIT at most is left, then without an error, or the
  // connection came to another end. Handler: void(error_code). One at a time; shuts nothing down.
  template <class Token>
  auto async_wait_end(Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode)>(
        [link = link_](auto&& handler) {
          link->wait_end(make_completion<ErrorCode>(std::forward<decltype(handler)>(handler),
                                                    link->core()->executor()));
        },
        token);
  }

  // Full close; unread text draws a reset (RFC 2525 2.17). The stream may then connect anew.
  void close() { link_->close(); }

  void abort() { link_->abort(); }  // throws away what is queued and sends a reset

  // Operations that wait end with operation_aborted; the connection stays.
  void cancel() { link_->cancel(); }

  // Unless moved again, the stream closes itself then, as beast::tcp_stream does: operations that
  // wait end with net::error::timed_out (Beast's own say beast::error::timeout), and so do later
  // ones until it connects anew. One limit for connecting, reading and writing.
  void expires_at(std::chrono::steady_clock::time_point when) { link_->expires_at(when); }

  void expires_after(std::chrono::steady_clock::duration time) {
    link_->expires_at(std::chrono::steady_clock::now() + time);
  }

  void expires_never() { link_->expires_at(std::nullopt); }

  [[nodiscard]] bool expired() const { return link_->expired(); }

  // STATUS: all the stack knows; errors as for an operation.
  [[nodiscard]] std::expected<tcp::Status, ErrorCode> status() const { return link_->status(); }

  [[nodiscard]] Endpoint local_endpoint() const { return status().value_or(tcp::Status{}).local; }

  [[nodiscard]] Endpoint remote_endpoint() const { return status().value_or(tcp::Status{}).remote; }

  // Why the connection ended; None while it has not, or when nobody knows any more.
  [[nodiscard]] CloseReason reason() const { return link_->reason(); }

  ErrorCode set_options(const tcp::ConnectionOptions& o) { return link_->set_options(o); }

  // Changes some of the options: change(tcp::ConnectionOptions&).
  template <class Change>
  ErrorCode change_options(Change change) {
    auto now = status();
    if (!now) return now.error();
    change(now->options);
    return set_options(now->options);
  }

  ErrorCode set_no_delay(bool on) {  // Nagle's algorithm off (MUST-17)
    return change_options([on](tcp::ConnectionOptions& o) { o.no_delay = on; });
  }

 private:
  friend class AcceptLink;

  explicit Stream(std::shared_ptr<Link> link) : link_(std::move(link)) {}

  template <class Buffers, class Token>
  auto write_some(const Buffers& buffers, Link::Text text, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [link = link_, text, from = pieces_of<const uint8_t>(buffers)](auto&& handler) {
          link->write(from, text,
                      make_completion<ErrorCode, size_t>(std::forward<decltype(handler)>(handler),
                                                         link->core()->executor()));
        },
        token);
  }

  std::shared_ptr<Link> link_;
};

}  // namespace rapport::asio
