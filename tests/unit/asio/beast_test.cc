// Beast's HTTP on a Stream, unchanged: the concepts hold, and a request finds its answer.
#include "rapport/socket/asio/stream.hh"
#include "tests/unit/asio/world.hh"

#include <string>
#include <utility>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>

namespace rapport::asio::test {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

static_assert(beast::is_async_read_stream<Stream>::value);
static_assert(beast::is_async_write_stream<Stream>::value);
static_assert(beast::has_get_executor<Stream>::value);

TEST(AsioBeast, AnHttpRequestFindsItsAnswer) {
  World w;
  w.run(
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.accepted();
        beast::flat_buffer buffer;
        http::request<http::string_body> request;
        co_await http::async_read(s, buffer, request, net::use_awaitable);
        http::response<http::string_body> answer(http::status::ok, request.version());
        answer.body() = "you said " + request.body();
        answer.prepare_payload();
        co_await http::async_write(s, answer, net::use_awaitable);
      }(w),
      [](World& world) -> net::awaitable<void> {
        Stream s = co_await world.connected();
        http::request<http::string_body> request(http::verb::post, "/", 11);
        request.body() = std::string(100000, 'x');
        request.prepare_payload();
        co_await http::async_write(s, request, net::use_awaitable);
        beast::flat_buffer buffer;
        http::response<http::string_body> answer;
        co_await http::async_read(s, buffer, answer, net::use_awaitable);
        EXPECT_EQ(answer.result(), http::status::ok);
        EXPECT_EQ(answer.body().size(), 100009U);
      }(w));
}

}  // namespace
}  // namespace rapport::asio::test
