// The coroutines of the header. Beast is here for its error codes.
#include "rapport/app/http_server.hh"

#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/stream.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

net::awaitable<void> accept_each(asio::Acceptor& acceptor, std::function<void(asio::Stream)> take) {
  net::steady_timer pause(acceptor.get_executor());
  while (true) {
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    asio::Stream stream = co_await acceptor.async_accept(token);
    if (ec == net::error::operation_aborted || ec == net::error::bad_descriptor) co_return;
    if (!ec) {
      take(std::move(stream));
      continue;
    }
    pause.expires_after(std::chrono::milliseconds(100));
    co_await pause.async_wait(net::use_awaitable);
  }
}

unsigned status_of_malformed(const error_code& ec) {
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) return 431;
  if (ec == http::error::body_limit) return 413;
  if (ec == http::error::bad_version) return 505;
  if (ec == http::error::end_of_stream || ec == http::error::partial_message) return 0;
  static const auto& http_errors = make_error_code(http::error::end_of_stream).category();
  return ec.category() == http_errors ? 400 : 0;
}

net::awaitable<void> part_from(asio::Stream& stream, size_t most) {
  if (stream.shutdown()) co_return;
  std::array<char, 4096> nowhere{};
  error_code ec;
  for (size_t read = 0; !ec && read < most;) {
    auto token = net::redirect_error(net::use_awaitable, ec);
    read += co_await stream.async_read_some(net::buffer(nowhere), token);
  }
}

}  // namespace rapport::app
